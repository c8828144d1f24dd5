/**
 * What the layouts of EHRSHOT share. Each makes a view `record`, one row an event as the original release
 * has it: subject_id, time, end_time, code, value, unit, visit_id, omop_table. The rest is the same SQL.
 */
import type { DatasetLayout, EventRule } from "../../core/dataset.ts";

/** Codes under which exports of the same OMOP data write a birth and a death. */
const BIRTH = "SNOMED/3950001";
const DEATHS = ["Condition Type/OMOP4822053", "Death Type/OMOP generated", "SNOMED/419620001"];

/** Care sites that are intensive care units, as the benchmark's labelers list them. */
const ICU_CARE_SITES = [
  ...[7928450, 7930385, 7930600, 7928852, 7928619, 7929727, 7928675, 7930225, 7928759],
  ...[7928227, 7928810, 7929179, 7928650, 7929351, 7928457, 7928195, 7930681, 7930670],
  ...[7930176, 7931420, 7929149, 7930857, 7931186, 7930934, 7930924],
].map((site) => `CARE_SITE/${site}`);

const list = (codes: readonly string[]) => codes.map((code) => `'${code}'`).join(", ");

// Conditions over a row `r` of the view.
const isDeath = `(r.omop_table = 'death' OR r.code IN (${list(DEATHS)}))`;
const isVisit = "r.omop_table = 'visit_occurrence'";
// ERIP, an emergency visit that became a stay, occurs in other OMOP exports only.
const isInpatient = `(${isVisit} AND r.code IN ('Visit/IP', 'Visit/ERIP'))`;
const isIcu = `(r.omop_table = 'visit_detail' AND r.code IN (${list(ICU_CARE_SITES)}))`;
const isPerson = `(r.code = '${BIRTH}' OR starts_with(r.code, 'Gender/') OR starts_with(r.code, 'Race/'))`;

// The first record counts where several contradict each other.
const subjects = `
SELECT
  r.subject_id,
  min(r.time) FILTER (r.code = '${BIRTH}') AS birth_time,
  min(r.time) FILTER (${isDeath}) AS death_time,
  arg_min(r.code[8:], (r.time, r.code)) FILTER (r.code IN ('Gender/F', 'Gender/M')) AS sex,
  arg_min(r.code[6:], (r.time, r.code)) FILTER (starts_with(r.code, 'Race/')) AS race
FROM record r GROUP BY r.subject_id`;

// Visits overlap, nest, start and end in the same minute, and may lack an end; all are kept as they are. A
// visit without an id of its own, or with one that is taken, gets a negative one, so that ids stay unique.
// Deaths often have no clock and stand at 23:59, so that one on the day of discharge is in hospital.
const visits = `
WITH listed AS (
  SELECT r.*, row_number() OVER (PARTITION BY r.visit_id ORDER BY r.subject_id, r.time, r.code, r.end_time) AS copy
  FROM record r WHERE ${isVisit}
), numbered AS (
  SELECT *, visit_id IS NOT NULL AND copy > 1 AS repeated,
    CASE WHEN visit_id IS NOT NULL AND copy = 1 THEN visit_id
      ELSE -row_number() OVER (PARTITION BY visit_id IS NOT NULL AND copy = 1
        ORDER BY subject_id, time, code, end_time, visit_id) END AS own_id
  FROM listed
)
SELECT
  r.subject_id,
  r.own_id AS visit_id,
  CASE WHEN ${isInpatient} THEN 'inpatient' WHEN r.code = 'Visit/ER' THEN 'emergency' ELSE 'outpatient' END AS visit_type,
  r.time AS start_time,
  r.end_time,
  r.end_time AS coded_time,
  coalesce(s.death_time >= r.time AND CAST(s.death_time AS DATE) <= CAST(r.end_time AS DATE), false) AS died,
  r.code[strpos(r.code, '/') + 1:] AS admission_type,
  CAST(NULL AS VARCHAR) AS discharge_location,
  CASE
    WHEN r.repeated THEN 'visit id repeated'
    WHEN r.time IS NULL THEN 'no start time'
    WHEN r.end_time < r.time THEN 'end before start'
  END AS drop_reason
FROM numbered r LEFT JOIN subjects s ON s.subject_id = r.subject_id`;

const icuStays = `
SELECT
  r.subject_id,
  v.visit_id,
  row_number() OVER (ORDER BY r.subject_id, r.time, r.end_time, r.code, r.visit_id) AS icu_stay_id,
  r.code[strpos(r.code, '/') + 1:] AS unit,
  unit AS last_unit,
  r.time AS start_time,
  r.end_time
FROM record r
LEFT JOIN visits v ON v.visit_id = r.visit_id AND v.subject_id = r.subject_id AND v.drop_reason IS NULL
WHERE ${isIcu}`;

const number = "TRY_CAST(r.value AS FLOAT)";
const isNumber = `coalesce(isfinite(${number}), false)`;

const events: readonly EventRule[] = [
  {
    table: "record",
    // Births, deaths, sex, race, stays and ICU stays are written by the loader under the same names for all sources.
    where: `NOT (${isDeath} OR ${isInpatient} OR ${isIcu} OR ${isPerson}) OR r.code IS NULL`,
    kind: "other",
    kindOf: `CASE r.omop_table
      WHEN 'condition_occurrence' THEN 'diagnosis' WHEN 'procedure_occurrence' THEN 'procedure'
      WHEN 'drug_exposure' THEN 'drug' WHEN 'visit_occurrence' THEN 'visit' WHEN 'visit_detail' THEN 'visit'
      WHEN 'person' THEN 'demographic' END`,
    subject: "r.subject_id",
    visit: "r.visit_id",
    withoutVisit: "keep",
    // Stanford's extraction has moved each time to when the record was known: billing codes to the end of the
    // visit, dates without a clock to 23:59.
    time: "r.time",
    numeric: `CASE WHEN ${isNumber} THEN ${number} END`,
    code: "r.code",
    text: `CASE WHEN NOT ${isNumber} THEN r.value END`,
    unit: "nullif(trim(r.unit), '')",
  },
];

const NAMES: Readonly<Record<string, string>> = {
  "Race/1": "American Indian or Alaska Native",
  "Race/2": "Asian",
  "Race/3": "Black or African American",
  "Race/4": "Native Hawaiian or Other Pacific Islander",
  "Race/5": "White",
  "Ethnicity/Hispanic": "Hispanic",
  "Ethnicity/Not Hispanic": "Not Hispanic",
  "Visit/OP": "Outpatient visit",
  "Visit/ER": "Emergency visit",
};

/** SELECTs over the view `record`. */
export const overRecord = {
  subjects,
  visits,
  icuStays,
  events,
  descriptions: `SELECT * FROM (VALUES ${Object.entries(NAMES)
    .map(([code, name]) => `('${code}', '${name}')`)
    .join(", ")}) AS names(code, description)`,
} satisfies Omit<DatasetLayout, "tables">;

/** The split table's names in those of MEDS. */
export function splitName(column: string): string {
  return `CASE ${column} WHEN 'val' THEN 'tuning' WHEN 'test' THEN 'held_out' ELSE ${column} END`;
}
