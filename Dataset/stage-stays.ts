/** Staging, first step: the tables subjects, visits and icu_stays, and the structural events they imply. */
import type { DatasetDefinition } from "../core/dataset.ts";
import { type DroppedRows, STRUCTURE_CODES } from "../core/event-store.ts";
import type { Database } from "./duckdb.ts";

/**
 * Makes the tables subjects, visits and icu_stays. The latter two keep what is dropped, with its reason, so
 * that rows which belong to it can be counted.
 */
export async function stageStays(
  db: Database,
  definition: DatasetDefinition,
): Promise<DroppedRows[]> {
  await db.run(`CREATE TABLE subjects AS ${definition.subjects}`);
  await db.run(`
    CREATE TABLE visits AS
    SELECT v.* EXCLUDE (drop_reason),
      CASE WHEN s.subject_id IS NULL THEN 'unknown subject' ELSE v.drop_reason END AS drop_reason
    FROM (${definition.visits}) v LEFT JOIN subjects s ON s.subject_id = v.subject_id`);
  await db.run(`
    CREATE TABLE icu_stays AS
    SELECT i.*, CASE
        WHEN s.subject_id IS NULL THEN 'unknown subject'
        WHEN i.visit_id IS NOT NULL AND v.visit_id IS NULL THEN 'unknown admission'
        WHEN v.drop_reason IS NOT NULL THEN 'admission dropped: ' || v.drop_reason
        WHEN i.start_time IS NULL THEN 'no time'
        WHEN i.end_time < i.start_time THEN 'end before start' END AS drop_reason
    FROM (${definition.icuStays}) i
    LEFT JOIN subjects s ON s.subject_id = i.subject_id
    LEFT JOIN visits v ON v.visit_id = i.visit_id AND v.subject_id = i.subject_id`);
  return forgetImpossibleBirths(db);
}

/** Nobody lives longer; sources that hide high ages do it with 300 years, and say how (see mimic3.ts). */
const MOST_YEARS = 130;

/** A birth that cannot be is left out, and counted: it would silently become an age of 0 or 90. */
async function forgetImpossibleBirths(db: Database): Promise<DroppedRows[]> {
  await db.run(`
    CREATE TABLE impossible_births AS
    SELECT s.subject_id FROM subjects s JOIN visits v USING (subject_id)
    WHERE s.birth_time IS NOT NULL AND v.start_time IS NOT NULL GROUP BY s.subject_id
    HAVING max(v.start_time) < CAST(min(s.birth_time) AS DATE)
      OR min(v.start_time) > min(s.birth_time) + INTERVAL ${MOST_YEARS} YEAR`);
  await db.run(`UPDATE subjects SET birth_time = NULL
    WHERE subject_id IN (SELECT subject_id FROM impossible_births)`);
  const found = await db.query("SELECT count(*) AS n FROM impossible_births");
  const rows = found.numbers("n")[0] ?? 0;
  const reason = `birth after every visit, or ${MOST_YEARS} years before the first: birth left unknown`;
  return rows === 0 ? [] : [{ table: "subjects", reason, rows }];
}

/** Why visits were dropped, each reason once. */
export async function visitDropReasons(db: Database): Promise<string[]> {
  const found = await db.query(
    "SELECT DISTINCT drop_reason FROM visits WHERE drop_reason IS NOT NULL ORDER BY drop_reason",
  );
  return found.strings("drop_reason").map((reason) => reason ?? "");
}

/** Visits and ICU stays that were dropped, by reason. */
export async function countDroppedStays(db: Database): Promise<DroppedRows[]> {
  const found = await db.query(`
    SELECT 'visits' AS name, drop_reason, count(*) AS n FROM visits WHERE drop_reason IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT 'icu_stays', drop_reason, count(*) FROM icu_stays WHERE drop_reason IS NOT NULL GROUP BY ALL
    ORDER BY name DESC, drop_reason`);
  const names = found.strings("name");
  const rows = found.numbers("n");
  return found.strings("drop_reason").map((reason, i) => ({
    table: names[i] ?? "",
    reason: reason ?? "",
    rows: rows[i] ?? 0,
  }));
}

/** Makes the table structure: events every source has. Columns subject_id, time, code, kind, visit_id. */
export async function stageStructure(db: Database): Promise<void> {
  const s = STRUCTURE_CODES;
  const named = (prefix: string, name: string) =>
    `'${prefix}/' || coalesce(nullif(trim(${name}), ''), 'UNKNOWN')`;
  await db.run(`
    CREATE TABLE structure AS
    SELECT subject_id, birth_time AS time, '${s.birth}' AS code, 'demographic' AS kind, CAST(NULL AS BIGINT) AS visit_id
      FROM subjects WHERE birth_time IS NOT NULL
    UNION ALL SELECT subject_id, death_time, '${s.death}', 'demographic', NULL
      FROM subjects WHERE death_time IS NOT NULL
    UNION ALL SELECT subject_id, NULL, 'Gender/' || sex, 'demographic', NULL
      FROM subjects WHERE sex IS NOT NULL
    UNION ALL SELECT subject_id, NULL, 'Race/' || race, 'demographic', NULL
      FROM subjects WHERE race IS NOT NULL
    UNION ALL SELECT subject_id, start_time, ${named(s.admission, "admission_type")}, 'visit', visit_id
      FROM visits WHERE drop_reason IS NULL AND visit_type = 'inpatient'
    UNION ALL SELECT subject_id, end_time, CASE WHEN died THEN '${s.discharge}/DIED'
        ELSE ${named(s.discharge, "nullif(discharge_location, 'DIED')")} END, 'visit', visit_id
      FROM visits WHERE drop_reason IS NULL AND visit_type = 'inpatient' AND end_time IS NOT NULL
    UNION ALL SELECT subject_id, start_time, ${named(s.icuAdmission, "unit")}, 'visit', visit_id
      FROM icu_stays WHERE drop_reason IS NULL
    UNION ALL SELECT subject_id, end_time, ${named(s.icuDischarge, "last_unit")}, 'visit', visit_id
      FROM icu_stays WHERE drop_reason IS NULL AND end_time IS NOT NULL`);
}

/** SQL: what a structural code says, in words; null for other codes. */
export function structureDescription(code: string): string {
  const s = STRUCTURE_CODES;
  const prefixes = {
    [s.admission]: "Hospital admission",
    [s.discharge]: "Hospital discharge",
    [s.icuAdmission]: "ICU admission",
    [s.icuDischarge]: "ICU discharge",
    Race: "Race",
  };
  const named = Object.entries(prefixes).map(
    ([prefix, words]) =>
      `WHEN starts_with(${code}, '${prefix}/') THEN '${words}: ' || ${code}[${prefix.length + 2}:]`,
  );
  return `CASE ${code} WHEN '${s.birth}' THEN 'Birth' WHEN '${s.death}' THEN 'Death'
    WHEN 'Gender/F' THEN 'Female' WHEN 'Gender/M' THEN 'Male'
    ELSE CASE ${named.join("\n      ")} END END`;
}
