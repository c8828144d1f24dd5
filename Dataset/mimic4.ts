/** MIMIC-IV, modules hosp and icu: raw tables and the SELECTs that make visits and events of them. */
import type { DatasetDefinition, EventRule, RawTable } from "../core/dataset.ts";
import type { IcdVocabulary } from "../core/vocabulary/codes.ts";
import { admissionsAsVisits, END_OF_DAY, icuStays } from "./mimic-stays.ts";
import { icdCodeSql } from "./vocabulary.ts";

const tables = {
  patients: {
    file: "hosp/patients",
    columns: {
      subject_id: "id",
      gender: "text",
      anchor_age: "integer",
      anchor_year: "integer",
      dod: "date",
    },
    notNull: ["subject_id", "anchor_age", "anchor_year"],
    unique: "subject_id",
  },
  admissions: {
    file: "hosp/admissions",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      admittime: "time",
      dischtime: "time",
      deathtime: "time",
      admission_type: "text",
      discharge_location: "text",
      race: "text",
      hospital_expire_flag: "integer",
    },
    notNull: ["subject_id", "hadm_id", "hospital_expire_flag"],
    unique: "hadm_id",
  },
  icustays: {
    file: "icu/icustays",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      stay_id: "id",
      first_careunit: "text",
      last_careunit: "text",
      intime: "time",
      outtime: "time",
    },
    notNull: ["subject_id", "hadm_id", "stay_id"],
    unique: "stay_id",
  },
  diagnoses_icd: {
    file: "hosp/diagnoses_icd",
    columns: { subject_id: "id", hadm_id: "id", icd_code: "text", icd_version: "integer" },
    notNull: ["subject_id"],
  },
  procedures_icd: {
    file: "hosp/procedures_icd",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      chartdate: "date",
      icd_code: "text",
      icd_version: "integer",
    },
    notNull: ["subject_id"],
  },
  prescriptions: {
    file: "hosp/prescriptions",
    columns: {
      subject_id: "id",
      hadm_id: "id",
      starttime: "time",
      drug_type: "text",
      drug: "text",
      ndc: "text",
      route: "text",
    },
    notNull: ["subject_id"],
  },
  // The open demo is sometimes passed on without its dictionaries; codes then have no description.
  d_icd_diagnoses: {
    file: "hosp/d_icd_diagnoses",
    columns: { icd_code: "text", icd_version: "integer", long_title: "text" },
    optional: true,
  },
  d_icd_procedures: {
    file: "hosp/d_icd_procedures",
    columns: { icd_code: "text", icd_version: "integer", long_title: "text" },
    optional: true,
  },
} as const satisfies Record<string, RawTable>;

// dod has no clock. Midnight would put a death before that day's events, so it counts as the day's end.
// There is no birth date: ages are whole years (over 89 written as 91), so that birth is 1 January.
const subjects = `
SELECT
  p.subject_id,
  make_timestamp(p.anchor_year - p.anchor_age, 1, 1, 0, 0, 0) AS birth_time,
  coalesce(d.deathtime, CAST(p.dod AS TIMESTAMP) + ${END_OF_DAY}) AS death_time,
  CASE upper(trim(p.gender)) WHEN 'F' THEN 'F' WHEN 'M' THEN 'M' END AS sex,
  r.race
FROM patients p
LEFT JOIN (
  SELECT subject_id, min(deathtime) AS deathtime FROM admissions GROUP BY subject_id
) d ON d.subject_id = p.subject_id
LEFT JOIN (
  -- Race is recorded at each admission and may change. That of the first one is known to every visit, and
  -- where it says nothing, a later one would tell the earlier visits that it is coming.
  SELECT subject_id, arg_min_null(race, (admittime, hadm_id)) AS race
  FROM admissions WHERE admittime IS NOT NULL GROUP BY subject_id
) r ON r.subject_id = p.subject_id`;

// Observation stays (EU, AMBULATORY and DIRECT OBSERVATION) have a hadm_id, diagnoses and drugs like any
// other stay and count as inpatient visits; admission_type still tells them apart.
const visits = admissionsAsVisits();

// One table holds both versions, and the same string can be a code of each.
const icdVersions = (nine: IcdVocabulary, ten: IcdVocabulary) => `CASE r.icd_version
    WHEN 9 THEN ${icdCodeSql(nine, "r.icd_code")}
    WHEN 10 THEN ${icdCodeSql(ten, "r.icd_code")} END`;
const diagnosisCode = icdVersions("ICD9CM", "ICD10CM");
const procedureCode = icdVersions("ICD9Proc", "ICD10PCS");
const icdDrop = {
  "no code": "trim(coalesce(r.icd_code, '')) = ''",
  "unknown ICD version": "r.icd_version IS NULL OR r.icd_version NOT IN (9, 10)",
};

const events: readonly EventRule[] = [
  {
    table: "diagnoses_icd",
    kind: "diagnosis",
    subject: "r.subject_id",
    visit: "r.hadm_id",
    time: "v.coded_time", // billed for the stay, and known when it is over
    code: diagnosisCode,
    drop: icdDrop,
  },
  {
    table: "procedures_icd",
    kind: "procedure",
    subject: "r.subject_id",
    visit: "r.hadm_id",
    // chartdate has no clock: known at the end of that day, and at the discharge at the latest.
    time: `CASE WHEN r.chartdate IS NULL THEN v.coded_time
      ELSE least(CAST(r.chartdate AS TIMESTAMP) + ${END_OF_DAY}, v.end_time) END`,
    code: procedureCode,
    drop: icdDrop,
  },
  {
    table: "prescriptions",
    kind: "drug",
    subject: "r.subject_id",
    // Orders may start before the admission or after the discharge; hadm_id says which stay they belong to.
    visit: "r.hadm_id",
    // Stop times are not read, since many lie before the start. Repeated rows are repeated events.
    time: "coalesce(r.starttime, v.end_time)",
    code: "d.code",
    text: "d.text",
    drugType: "r.drug_type",
    route: "d.route",
  },
];

export const mimic4: DatasetDefinition = {
  name: "mimic4",
  title: "MIMIC-IV (hosp and icu)",
  version: 2,
  releases: ["2.2", "3.0", "3.1"],
  licence: "PhysioNet Credentialed Health Data License 1.5.0 (open demo: ODbL 1.0)",
  homepage: "https://physionet.org/content/mimiciv/",
  citation: "Johnson et al., MIMIC-IV, a freely accessible electronic health record dataset, 2023",
  tables,
  subjects,
  visits,
  icuStays: icuStays("stay_id"),
  drugs: { table: "prescriptions", name: "drug", ndc: "ndc", route: "route" },
  events,
  descriptions: `
SELECT ${diagnosisCode} AS code, r.long_title AS description FROM d_icd_diagnoses r
UNION ALL
SELECT ${procedureCode}, r.long_title FROM d_icd_procedures r`,
  demoSubjectsHash: "81f5d9a5c4a014a047ff7ef033818431bc7d0786cc59f9cba8fe151d209890a8",
  demoRelease: "2.2",
  releaseSizes: [
    { release: "2.0", subjects: 315_460, visits: 454_324 },
    { release: "2.1", subjects: 299_777, visits: 431_088 },
    { release: "2.2", subjects: 299_712, visits: 431_231 },
    { release: "3.1", subjects: 364_627, visits: 546_028 },
  ],
};
