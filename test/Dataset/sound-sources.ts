/** A small sound root of every source and layout. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Database } from "../../Dataset/duckdb.ts";
import { mimic3Files, mimic4Files, type Row, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

/** A source with a sound root. */
export interface SoundSource {
  readonly name: string;
  readonly dataset: string;
  readonly root: string;
}

const SUBJECTS = [1001, 1002, 1003, 1004];

function mimic4Tables() {
  return {
    "hosp/patients": SUBJECTS.map((id) => patient(id, { anchor_age: 40 + (id % 10) })),
    "hosp/admissions": SUBJECTS.map((id) => admission(id, id + 5000)),
    "hosp/diagnoses_icd": SUBJECTS.flatMap((id) =>
      ["4280", "25000", "E8788"].map((code) => diagnosis(id, id + 5000, code)),
    ),
    "hosp/prescriptions": SUBJECTS.map((id) => drug(id, id + 5000, { drug: "Heparin, porcine" })),
  };
}

function mimic3Tables(): Record<string, Row[]> {
  return {
    PATIENTS: SUBJECTS.map((id) => ({ SUBJECT_ID: id, GENDER: "F", DOB: "2090-02-03 00:00:00" })),
    ADMISSIONS: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      ADMITTIME: "2150-03-01 10:00:00",
      DISCHTIME: "2150-03-05 14:00:00",
      ADMISSION_TYPE: "EMERGENCY",
      ETHNICITY: "WHITE",
      DIAGNOSIS: 'PNEUMONIA, "ATYPICAL"',
      HOSPITAL_EXPIRE_FLAG: 0,
    })),
    DIAGNOSES_ICD: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      ICD9_CODE: "4280",
    })),
    PRESCRIPTIONS: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      STARTDATE: "2150-03-02 00:00:00",
      DRUG_TYPE: "MAIN",
      DRUG: "Metoprolol",
      NDC: "00378001801",
      ROUTE: "PO",
    })),
  };
}

function ehrshotFiles(): Record<string, string> {
  const rows = SUBJECTS.flatMap((id) => [
    `${id},1950-02-03 23:59:00,,SNOMED/3950001,,,,person`,
    `${id},1950-02-03 23:59:00,,Gender/F,,,,person`,
    `${id},2010-01-01 08:00:00,2010-01-05 12:00:00,Visit/IP,,,${id + 5000}.0,visit_occurrence`,
    `${id},2010-01-05 12:00:00,,SNOMED/59621000,,,${id + 5000}.0,condition_occurrence`,
    `${id},2010-01-02 12:00:00,,LOINC/718-7,13.5,g/dL,${id + 5000}.0,measurement`,
  ]);
  const labels = SUBJECTS.map((id) => `${id},2010-01-01 23:59:00,False,boolean`);
  return {
    "data/ehrshot": [
      ",patient_id,start,end,code,value,unit,visit_id,omop_table",
      ...rows.map((row, i) => `${i},${row}`),
    ].join("\n"),
    "splits/person_id_map": ["split,omop_person_id", ...SUBJECTS.map((id) => `train,${id}`)].join(
      "\n",
    ),
    "benchmark/guo_los/labeled_patients": [
      "patient_id,prediction_time,value,label_type",
      ...labels,
    ].join("\n"),
  };
}

function medtokFiles(): Record<string, string> {
  const each = (line: (id: number) => string) => SUBJECTS.map(line).join("\n");
  const stay = "2010-01-01 08:00:00,2010-01-05 12:00:00";
  return {
    patients: `patient_id,dob,dod,Gender,Race\n${each((id) => `${id},1950-02-03 23:59:00,,F,5`)}`,
    admissions: `patient_id,visit_id,start,end,visit_type\n${each((id) => `${id},${id + 5000},${stay},IP`)}`,
    diagnoses: `patient_id,visit_id,code_val,icd_version\n${each((id) => `${id},${id + 5000},4280,9`)}`,
    procedures: `patient_id,visit_id,code_val,icd_version\n${each((id) => `${id},${id + 5000},3893,9`)}`,
    prescriptions: `patient_id,visit_id,start,end,code_val\n${each((id) => `${id},${id + 5000},${stay},209443`)}`,
  };
}

const withEnd = (files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, `${text}\n`]));

/** Files of a MEDS dataset, as SELECTs. */
function medsFiles(): Record<string, string> {
  const values = SUBJECTS.flatMap((id) => [
    `(${id}, NULL, 'GENDER//F', NULL, NULL)`,
    `(${id}, TIMESTAMP '1950-02-03', 'MEDS_BIRTH', NULL, NULL)`,
    `(${id}, TIMESTAMP '2010-01-01 08:00:00', 'HOSPITAL_ADMISSION//URGENT//X', NULL, ${id + 5000})`,
    `(${id}, TIMESTAMP '2010-01-02 08:00:00', 'LAB//1', 13.5, ${id + 5000})`,
    `(${id}, TIMESTAMP '2010-01-05 12:00:00', 'HOSPITAL_DISCHARGE//HOME', NULL, ${id + 5000})`,
  ]);
  const rows = `SELECT CAST(s AS BIGINT) AS subject_id, CAST(t AS TIMESTAMP) AS time, c AS code,
    CAST(n AS FLOAT) AS numeric_value, CAST(h AS BIGINT) AS hadm_id FROM (VALUES ${values.join(", ")}) AS r(s, t, c, n, h)`;
  return {
    "data/0": rows,
    "metadata/codes": `SELECT DISTINCT code FROM (${rows}) ORDER BY code`,
    "metadata/subject_splits": splitsOf(rows),
  };
}

const splitsOf = (rows: string) =>
  `SELECT DISTINCT subject_id, 'train' AS split FROM (${rows}) ORDER BY ALL`;

/** Files of EHRSHOT's MEDS release, as SELECTs. */
function ehrshotMedsFiles(): Record<string, string> {
  const values = SUBJECTS.flatMap((id) => [
    `(${id}, '1950-02-03 23:59:00', 'SNOMED/3950001', NULL, NULL, 'person')`,
    `(${id}, '1950-02-03 23:59:00', 'Gender/F', NULL, NULL, 'person')`,
    `(${id}, '2010-01-01 08:00:00', 'Visit/IP', NULL, NULL, 'visit_occurrence')`,
    `(${id}, '2010-01-02 12:00:00', 'LOINC/718-7', 13.5, 'g/dL', 'measurement')`,
    `(${id}, '2010-01-05 12:00:00', 'SNOMED/59621000', NULL, NULL, 'condition_occurrence')`,
  ]);
  const rows = `SELECT CAST(s AS BIGINT) AS subject_id, CAST(t AS TIMESTAMP) AS time, c AS code,
    CAST(n AS FLOAT) AS numeric_value, CAST(NULL AS VARCHAR) AS text_value, u AS unit, o AS omop_table
    FROM (VALUES ${values.join(", ")}) AS r(s, t, c, n, u, o)`;
  return {
    "data/data": rows,
    "metadata/subject_splits": splitsOf(rows),
    "labels/guo_los/labels": `SELECT DISTINCT subject_id, TIMESTAMP '2010-01-01 23:59:00' AS prediction_time,
      false AS boolean_value FROM (${rows}) ORDER BY ALL`,
  };
}

async function writeParquetRoot(root: string, files: Record<string, string>): Promise<string> {
  const db = await Database.open({ threads: 1 });
  for (const [name, select] of Object.entries(files)) {
    await db.write(select, join(root, `${name}.parquet`));
  }
  db.close();
  writeFileSync(join(root, "metadata", "dataset.json"), '{"meds_version": "0.4.0"}');
  return root;
}

/** A root of every source and layout: csv, plain or gzip, and parquet. */
export async function soundSources(dir: string): Promise<readonly SoundSource[]> {
  const csv = (name: string, dataset: string, files: Record<string, string>, gzip = false) => ({
    name,
    dataset,
    root: writeRoot(join(dir, name), files, gzip),
  });
  const parquet = async (name: string, dataset: string, files: Record<string, string>) => ({
    name,
    dataset,
    root: await writeParquetRoot(join(dir, name), files),
  });
  return [
    csv("mimic3", "mimic3", mimic3Files(mimic3Tables())),
    csv("mimic4", "mimic4", mimic4Files(mimic4Tables())),
    csv("mimic4-gzip", "mimic4", mimic4Files(mimic4Tables()), true),
    csv("ehrshot-original", "ehrshot", withEnd(ehrshotFiles())),
    csv("ehrshot-medtok", "ehrshot", withEnd(medtokFiles())),
    await parquet("ehrshot-meds", "ehrshot", ehrshotMedsFiles()),
    await parquet("meds", "meds", medsFiles()),
  ];
}
