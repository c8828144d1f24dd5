/** The 25 acute care conditions of a stay, asked at the end of its ICU stay. */
import type { Flaws } from "../core/protocol.ts";
import type { TaskDefinition } from "../core/task.ts";
import { expandCodes } from "../core/vocabulary/code-list.ts";
import {
  ADULT_STAY_RULES,
  adultStay,
  type Cohort,
  NEXT_VISIT,
  onlyReturning,
  overStays,
  staysOf,
} from "./cohort.ts";
import { PHENOTYPES } from "./phenotype-definitions.ts";

/** One row a phenotype and version: its number, the vocabulary, and its codes separated by blanks. */
function codeLists(): string {
  return PHENOTYPES.flatMap(({ icd9, icd10 }, i) => [
    `(${i}, 'ICD9CM', '${expandCodes(icd9).join(" ")}')`,
    `(${i}, 'ICD10CM', '${expandCodes(icd10).join(" ")}')`,
  ]).join(",\n  ");
}

/**
 * Codes are matched once, on the code table; then the events are joined by code and gathered by visit. A
 * code and its system are never taken apart: the same string can be a code of both versions.
 */
const cohortOf = (flaws: Flaws): Cohort => ({
  candidates: `${staysOf(flaws)},
lists(phenotype, vocabulary, listed) AS (VALUES
  ${codeLists()}
),
listed_codes AS (
  SELECT phenotype, vocabulary || '/' || unnest(string_split(listed, ' ')) AS undotted FROM lists
),
phenotype_codes AS (
  SELECT codes.code, listed_codes.phenotype
  FROM codes
  JOIN listed_codes ON listed_codes.undotted = replace(codes.code, '.', '')
  WHERE codes.kind = 'diagnosis'
),
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

export const phenotype: TaskDefinition = {
  name: "phenotype",
  version: 1,
  description:
    "At the end of the ICU stay: which of 25 acute care conditions will be among the diagnoses of this admission?",
  reference:
    "Harutyunyan et al. 2019, doi:10.1038/s41597-019-0103-9 (25 groups of CCS 2015); ICD-10 lists derived from the CMS equivalence maps",
  labelSpec: { kind: "multilabel", classes: PHENOTYPES.map((p) => p.name) },
  datasets: ["mimic3", "mimic4", "meds"],
  options: {},
  history: { hideIndexVisit: ["diagnosis"] },
  rules: [
    ...ADULT_STAY_RULES,
    "Exactly one ICU stay in the admission, with a recorded end; prediction at that end.",
    "Positive for a condition when any diagnosis of the admission, at any rank, belongs to its CCS group.",
    "ICD-9-CM follows CCS 2015; the ICD-10-CM lists are derived, not an official release, and prevalence jumps between the two versions.",
    "A code counts only when it is listed: ICD-10 codes issued after January 2021 belong to no condition, nor do a few retired before it (I48.1 and I48.2, atrial fibrillation, among them).",
    "The admission's own diagnoses are hidden, since they are the answer; those of earlier admissions, and this one's drugs and procedures up to the end of the ICU stay, are visible.",
    "Admissions without any of the 25 conditions stay in.",
  ],
  ...overStays(
    (_, flaws) => cohortOf(flaws),
    [
      "filtered-visits",
      "no-exclusions",
      "returning-patients-only",
      "first-sample-only",
      "cohort-by-label",
      "phenotypes-out-of-order",
      "phenotype-in-input",
    ],
  ),
};
