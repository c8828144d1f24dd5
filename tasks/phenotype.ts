/** The 25 acute care conditions of a stay, asked at the end of its ICU stay. */
import type { TaskDefinition } from "../core/task.ts";
import { expandCodes } from "../core/vocabulary/code-list.ts";
import { overStays } from "./cohort.ts";
import { PHENOTYPE_FLAWS, PHENOTYPE_RULES, phenotypeCohort } from "./phenotype-cohort.ts";
import { PHENOTYPES } from "./phenotype-definitions.ts";

/** One row a phenotype and version: its number, the vocabulary, and its codes separated by blanks. */
function codeLists(): string {
  return PHENOTYPES.flatMap(({ icd9, icd10 }, i) => [
    `(${i}, 'ICD9CM', '${expandCodes(icd9).join(" ")}')`,
    `(${i}, 'ICD10CM', '${expandCodes(icd10).join(" ")}')`,
  ]).join(",\n  ");
}

/** A code and its system are never taken apart: the same string can be a code of both versions. */
const phenotypeCodes = () => `lists(phenotype, vocabulary, listed) AS (VALUES
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
)`;

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
    ...PHENOTYPE_RULES,
    "Positive for a condition when any diagnosis of the admission, at any rank, belongs to its CCS group.",
    "ICD-9-CM follows CCS 2015; the ICD-10-CM lists are derived, not an official release, and prevalence jumps between the two versions.",
    "A code counts only when it is listed: ICD-10 codes issued after January 2021 belong to no condition, nor do a few retired before it (I48.1 and I48.2, atrial fibrillation, among them).",
    "The admission's own diagnoses are hidden, since they are the answer; those of earlier admissions, and this one's drugs and procedures up to the end of the ICU stay, are visible.",
    "Admissions without any of the 25 conditions stay in.",
  ],
  ...overStays((_, flaws) => phenotypeCohort(flaws, phenotypeCodes()), PHENOTYPE_FLAWS),
};
