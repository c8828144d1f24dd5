/** What the tasks about phenotypes share: who is asked, when, and how codes become the classes of a stay. */
import type { Flaw, Flaws } from "../core/protocol.ts";
import {
  ADULT_STAY_RULES,
  adultStay,
  type Cohort,
  NEXT_VISIT,
  onlyReturning,
  staysOf,
} from "./cohort.ts";

/** Flaws of protocol `paper` in these tasks. */
export const PHENOTYPE_FLAWS: readonly Flaw[] = [
  "filtered-visits",
  "no-exclusions",
  "returning-patients-only",
  "first-sample-only",
  "cohort-by-label",
  "phenotypes-out-of-order",
  "phenotype-in-input",
];

/** Who is asked, and when. */
export const PHENOTYPE_RULES: readonly string[] = [
  ...ADULT_STAY_RULES,
  "Exactly one ICU stay in the admission, with a recorded end; prediction at that end.",
];

/**
 * Admissions with one ICU stay and the phenotypes of their diagnoses.
 * @param listed common table expressions, the last of which is `phenotype_codes`: code, phenotype (its number).
 *   Codes are matched once, on the code table; then the events are joined by code and gathered by visit.
 */
export const phenotypeCohort = (flaws: Flaws, listed: string): Cohort => ({
  candidates: `${staysOf(flaws)},
${listed},
found AS (
  SELECT e.subject_id, e.visit_id, list_sort(list(DISTINCT c.phenotype)) AS phenotypes
  FROM events e
  JOIN phenotype_codes c ON c.code = e.code
  WHERE e.visit_id IS NOT NULL
  GROUP BY e.subject_id, e.visit_id
),
icu AS (
  SELECT subject_id, visit_id, count(*) AS icu_count, max(end_time) AS icu_end
  FROM icu_stays
  GROUP BY subject_id, visit_id
),
${flaws.size > 0 ? "true_" : ""}candidates AS (
  SELECT
    stays.*,
    coalesce(icu.icu_count, 0) AS icu_count,
    icu.icu_end AS prediction_time,
    coalesce(found.phenotypes, CAST([] AS INTEGER[])) AS value
  FROM stays
  LEFT JOIN icu USING (subject_id, visit_id)
  LEFT JOIN found USING (subject_id, visit_id)
)${flaws.size > 0 ? flawed(flaws) : ""}`,
  rules: [
    ...adultStay(flaws),
    { step: "exactly one ICU stay", keep: "icu_count = 1" },
    { step: "the end of the ICU stay is recorded", keep: "prediction_time IS NOT NULL" },
    ...onlyReturning(flaws),
    ...(flaws.has("cohort-by-label")
      ? [{ step: "no visit of the patient without a phenotype", keep: "fewest > 0" }]
      : []),
  ],
});

/** Flaws of protocol `paper` over the visits that are asked: labels by order of the id, and who has none. */
function flawed(flaws: Flaws): string {
  const asked = "PARTITION BY subject_id, inpatient AND timed AND icu_count = 1";
  const other = flaws.has("phenotypes-out-of-order");
  return `,
numbered AS (
  SELECT
    *,
    ${NEXT_VISIT},
    row_number() OVER (${asked} ORDER BY start_time, visit_id) AS by_time,
    row_number() OVER (${asked} ORDER BY visit_id) AS by_id,
    min(len(value)) OVER (${asked}) AS fewest
  FROM true_candidates
),
candidates AS (
  SELECT n.* REPLACE (other.value AS value)
  FROM numbered n
  JOIN numbered other ON other.subject_id = n.subject_id
    AND (other.inpatient AND other.timed AND other.icu_count = 1) = (n.inpatient AND n.timed AND n.icu_count = 1)
    AND other.${other ? "by_id" : "by_time"} = n.by_time
)`;
}
