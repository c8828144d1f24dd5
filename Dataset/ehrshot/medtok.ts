/**
 * The per-table files that the MedTok paper's code reads. They have no measurements, no ICU stays, no splits
 * and no labels. Their codes have lost dots and, in part, vocabulary; both are put back where one can tell.
 */
import type { AlternativeLayout } from "../../core/dataset.ts";
import { icdCodeSql } from "../vocabulary.ts";
import { overRecord } from "./record.ts";

/** 9 and 10 are ICD versions; anything else is the vocabulary's name. */
function codeSql(nine: "ICD9CM" | "ICD9Proc", ten: "ICD10CM" | "ICD10PCS"): string {
  return `CASE
    WHEN trim(coalesce(r.code_val, '')) = '' OR trim(coalesce(r.icd_version, '')) = '' THEN NULL
    WHEN regexp_full_match(trim(r.icd_version), '9(\\.0)?') THEN ${icdCodeSql(nine, "r.code_val")}
    WHEN regexp_full_match(trim(r.icd_version), '10(\\.0)?') THEN ${icdCodeSql(ten, "r.code_val")}
    ELSE trim(r.icd_version) || '/' || trim(r.code_val) END`;
}

// An NDC has 11 digits; OMOP's own additions to RxNorm start with OMOP. EHRSHOT's other drugs are RxNorm.
const drugCode = `CASE
    WHEN trim(coalesce(r.code_val, '')) = '' THEN NULL
    WHEN regexp_full_match(trim(r.code_val), '[0-9]{11}') THEN 'NDC/' || trim(r.code_val)
    WHEN starts_with(trim(r.code_val), 'OMOP') THEN 'RxNorm Extension/' || trim(r.code_val)
    ELSE 'RxNorm/' || trim(r.code_val) END`;

/** One SELECT of the view: the columns are given in order, those left out are null. */
function rows(table: string, omopTable: string, columns: Readonly<Record<string, string>>): string {
  const column = (name: string, type: string) =>
    `CAST(${columns[name] ?? "NULL"} AS ${type}) AS ${name}`;
  return `SELECT r.patient_id AS subject_id, ${column("time", "TIMESTAMP")}, ${column("end_time", "TIMESTAMP")},
    ${column("code", "VARCHAR")}, CAST(NULL AS VARCHAR) AS value, CAST(NULL AS VARCHAR) AS unit,
    ${column("visit_id", "BIGINT")}, '${omopTable}' AS omop_table
    FROM ${table} r ${columns["join"] ?? ""} WHERE ${columns["where"] ?? "true"}`;
}

// Codes without a time of their own are billed: known at the end of the visit.
const ofVisit = {
  visit_id: "r.visit_id",
  time: 'coalesce(r.start, a."end", a.start)',
  join: "LEFT JOIN stays a ON a.visit_id = r.visit_id AND a.patient_id = r.patient_id",
};
const ofPerson = (column: string, prefix: string) => ({
  time: "r.dob",
  code: `'${prefix}/' || trim(r.${column})`,
  where: `trim(coalesce(r.${column}, '')) <> ''`,
});

export const medtok: AlternativeLayout = {
  ...overRecord,
  layout: "medtok",
  root: "the folder of the MedTok code's patients.csv and admissions.csv",
  recognisedBy: ["patients", "admissions", "diagnoses", "procedures", "prescriptions"],
  tables: {
    patients: {
      file: "patients",
      columns: {
        patient_id: "id",
        dob: "time",
        dod: "time",
        gender: "text",
        race: "text",
        ethnicity: "text",
      },
      optionalColumns: ["ethnicity"],
      notNull: ["patient_id"],
      unique: "patient_id",
    },
    admissions: {
      file: "admissions",
      columns: {
        patient_id: "id",
        visit_id: "loose-id",
        start: "time",
        end: "time",
        visit_type: "text",
      },
      notNull: ["patient_id", "visit_type"],
    },
    diagnoses: {
      file: "diagnoses",
      columns: {
        patient_id: "id",
        visit_id: "loose-id",
        start: "time",
        code_val: "text",
        icd_version: "text",
      },
      optionalColumns: ["start"],
      notNull: ["patient_id"],
    },
    procedures: {
      file: "procedures",
      columns: {
        patient_id: "id",
        visit_id: "loose-id",
        start: "time",
        code_val: "text",
        icd_version: "text",
      },
      optionalColumns: ["start"],
      notNull: ["patient_id"],
    },
    prescriptions: {
      file: "prescriptions",
      columns: {
        patient_id: "id",
        visit_id: "loose-id",
        start: "time",
        end: "time",
        code_val: "text",
      },
      notNull: ["patient_id"],
    },
  },
  views: {
    // One row a visit, or joining codes with repeated visits would repeat the codes.
    stays: `SELECT patient_id, visit_id, min(start) AS start, max("end") AS "end" FROM admissions GROUP BY ALL`,
    record: [
      rows("patients", "person", { time: "r.dob", code: "'SNOMED/3950001'" }),
      rows("patients", "person", ofPerson("gender", "Gender")),
      rows("patients", "person", ofPerson("race", "Race")),
      rows("patients", "person", ofPerson("ethnicity", "Ethnicity")),
      rows("patients", "death", {
        time: "r.dod",
        code: "'Condition Type/OMOP4822053'",
        where: "r.dod IS NOT NULL",
      }),
      rows("admissions", "visit_occurrence", {
        time: "r.start",
        end_time: 'r."end"',
        code: "'Visit/' || trim(r.visit_type)",
        visit_id: "r.visit_id",
      }),
      rows("diagnoses", "condition_occurrence", { ...ofVisit, code: codeSql("ICD9CM", "ICD10CM") }),
      rows("procedures", "procedure_occurrence", {
        ...ofVisit,
        code: codeSql("ICD9Proc", "ICD10PCS"),
      }),
      rows("prescriptions", "drug_exposure", { ...ofVisit, code: drugCode }),
    ].join("\nUNION ALL\n"),
  },
};
