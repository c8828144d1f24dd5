/** MIMIC-III: raw tables and the SELECTs that make visits and events of them. */
import type { DatasetDefinition, EventRule, RawTable } from "../core/dataset.ts";
import { admissionsAsVisits, END_OF_DAY, icuStays } from "./mimic-stays.ts";
import { icdCodeSql } from "./vocabulary.ts";

const tables = {
  patients: {
    file: "PATIENTS",
    columns: { subject_id: "id", gender: "text", dob: "time", dod: "time" },
    notNull: ["subject_id"],
    unique: "subject_id",
  },
  admissions: {
    file: "ADMISSIONS",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      admittime: "time",
      dischtime: "time",
      deathtime: "time",
      admission_type: "text",
      discharge_location: "text",
      ethnicity: "text",
      diagnosis: "text",
      hospital_expire_flag: "integer",
    },
    notNull: ["subject_id", "hadm_id", "hospital_expire_flag"],
    unique: "hadm_id",
  },
  icustays: {
    file: "ICUSTAYS",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      icustay_id: "id",
      first_careunit: "text",
      last_careunit: "text",
      intime: "time",
      outtime: "time",
    },
    notNull: ["subject_id", "hadm_id", "icustay_id"],
    unique: "icustay_id",
  },
  diagnoses_icd: {
    file: "DIAGNOSES_ICD",
    columns: { subject_id: "id", hadm_id: "id", icd9_code: "text" },
    notNull: ["subject_id"],
  },
  procedures_icd: {
    file: "PROCEDURES_ICD",
    columns: { subject_id: "id", hadm_id: "id", icd9_code: "text" },
    notNull: ["subject_id"],
  },
  prescriptions: {
    file: "PRESCRIPTIONS",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      startdate: "date",
      drug_type: "text",
      drug: "text",
      ndc: "text",
      route: "text",
    },
    notNull: ["subject_id"],
  },
  d_icd_diagnoses: {
    file: "D_ICD_DIAGNOSES",
    columns: { icd9_code: "text", long_title: "text" },
    optional: true,
  },
  d_icd_procedures: {
    file: "D_ICD_PROCEDURES",
    columns: { icd9_code: "text", long_title: "text" },
    optional: true,
  },
} as const satisfies Record<string, RawTable>;

// Patients over 89 at their first admission have their birth moved to 300 years before it. Taking 210 of
// these years back makes them 90 at that admission, the cap that every age has; the median is 91.4.
// dod has no clock. Midnight would put a death before that day's events, so it counts as the day's end.
const subjects = `
SELECT
  p.subject_id,
  CASE WHEN p.dob < a.first_admission - INTERVAL 200 YEAR THEN p.dob + INTERVAL 210 YEAR
    ELSE p.dob END AS birth_time,
  coalesce(a.deathtime, date_trunc('day', p.dod) + ${END_OF_DAY}) AS death_time,
  CASE upper(trim(p.gender)) WHEN 'F' THEN 'F' WHEN 'M' THEN 'M' END AS sex,
  -- Ethnicity is recorded at each admission and may change. That of the first one is known to every visit,
  -- and where it says nothing, a later one would tell the earlier visits that it is coming.
  a.race
FROM patients p
LEFT JOIN (
  SELECT
    subject_id,
    min(admittime) AS first_admission,
    min(deathtime) AS deathtime,
    arg_min_null(ethnicity, (admittime, hadm_id)) FILTER (admittime IS NOT NULL) AS race
  FROM admissions GROUP BY subject_id
) a ON a.subject_id = p.subject_id`;

// Accounts opened after a death for the organ donation are no stays: with them a dead patient would be
// readmitted on the day of death.
const visits = admissionsAsVisits(`
    WHEN upper(diagnosis) LIKE '%ORGAN DONOR%' OR upper(diagnosis) LIKE '%DONOR ACCOUNT%'
      THEN 'organ donor account'`);

// Diagnoses and procedures have no time: both are billed for the stay, and known when it is over. Some
// diagnosis rows of the full release have no code; they say that an admission had none.
const billed = {
  subject: "r.subject_id",
  visit: "r.hadm_id",
  time: "v.coded_time",
  drop: { "no code": "trim(coalesce(r.icd9_code, '')) = ''" },
};

const events: readonly EventRule[] = [
  {
    ...billed,
    table: "diagnoses_icd",
    kind: "diagnosis",
    code: icdCodeSql("ICD9CM", "r.icd9_code"),
  },
  {
    ...billed,
    table: "procedures_icd",
    kind: "procedure",
    code: icdCodeSql("ICD9Proc", "r.icd9_code"),
  },
  {
    table: "prescriptions",
    kind: "drug",
    subject: "r.subject_id",
    visit: "r.hadm_id",
    // Start dates have no clock: known at the end of that day, but on the day of discharge at the discharge.
    // End dates are not read, since some lie before the start. Repeated rows are repeated events.
    time: `CASE
      WHEN r.startdate IS NULL OR r.startdate = CAST(v.end_time AS DATE) THEN v.end_time
      ELSE CAST(r.startdate AS TIMESTAMP) + ${END_OF_DAY} END`,
    code: "d.code",
    text: "d.text",
    drugType: "r.drug_type",
    route: "d.route",
  },
];

export const mimic3: DatasetDefinition = {
  name: "mimic3",
  title: "MIMIC-III",
  version: 2,
  releases: ["1.4"],
  licence: "PhysioNet Credentialed Health Data License 1.5.0 (open demo: ODbL 1.0)",
  homepage: "https://physionet.org/content/mimiciii/",
  citation: "Johnson et al., MIMIC-III, a freely accessible critical care database, 2016",
  tables,
  subjects,
  visits,
  icuStays: icuStays("icustay_id"),
  drugs: { table: "prescriptions", name: "drug", ndc: "ndc", route: "route" },
  events,
  descriptions: `
SELECT ${icdCodeSql("ICD9CM", "icd9_code")} AS code, long_title AS description FROM d_icd_diagnoses
UNION ALL
SELECT ${icdCodeSql("ICD9Proc", "icd9_code")}, long_title FROM d_icd_procedures`,
  demoSubjectsHash: "999564ff49a7973166349825027110d67b2cfe3e4e88d72618580a366cd302a6",
  demoRelease: "1.4",
  releaseSizes: [{ release: "1.4", subjects: 46_520, visits: 58_976 }],
};
