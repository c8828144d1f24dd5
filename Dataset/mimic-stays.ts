/** What MIMIC-III and MIMIC-IV write in the same columns: admissions, ICU stays, dates without a clock. */

/** From midnight to 23:59:59, the time of what is known to have happened on a day only. */
export const END_OF_DAY = "INTERVAL 86399 SECOND";

/**
 * SELECT of visits over the table admissions.
 * @param drop - WHEN ... THEN 'reason' of the source's own, each on a new line
 */
export function admissionsAsVisits(drop = ""): string {
  return `
SELECT
  subject_id,
  hadm_id AS visit_id,
  'inpatient' AS visit_type,
  admittime AS start_time,
  dischtime AS end_time,
  -- Billing codes are assigned after the stay; the record of a patient who died ends with the death
  -- where that is earlier than the written discharge. A death before admission is a slip of the pen.
  CASE WHEN deathtime > admittime AND deathtime < dischtime THEN deathtime ELSE dischtime END AS coded_time,
  hospital_expire_flag = 1 AS died,
  admission_type,
  discharge_location,
  CASE${drop}
    WHEN admittime IS NULL THEN 'no admission time'
    WHEN dischtime IS NULL THEN 'no discharge time'
    WHEN dischtime <= admittime THEN 'discharge not after admission'
  END AS drop_reason
FROM admissions`;
}

/** SELECT of ICU stays over the table icustays, whose id is in the column `id`. */
export function icuStays(id: string): string {
  return `
SELECT
  subject_id,
  hadm_id AS visit_id,
  ${id} AS icu_stay_id,
  first_careunit AS unit,
  last_careunit AS last_unit,
  intime AS start_time,
  outtime AS end_time
FROM icustays`;
}
