/**
 * Diseases whose first diagnosis is predicted, as lists of codes. SNOMED: the concept by which EHRSHOT
 * defines the outcome; concepts below it count where the event store knows their parents. ICD: prefixes
 * without dots in the notation of core/vocabulary/code-list.ts, checked against the dictionaries by a test.
 */
import { icdPatterns } from "../core/vocabulary/patterns.ts";

export interface Disease {
  readonly name: string;
  readonly snomed: string;
  readonly icd9: string;
  readonly icd10: string;
}

export const HYPERTENSION: Disease = {
  name: "essential hypertension",
  snomed: "59621000",
  icd9: "401",
  icd10: "I10",
};
export const HYPERLIPIDEMIA: Disease = {
  name: "hyperlipidemia",
  snomed: "55822004",
  icd9: "272{0-4}",
  icd10: "E78{0-5}",
};
export const PANCREATIC_CANCER: Disease = {
  name: "pancreatic cancer",
  snomed: "372003004",
  icd9: "157",
  icd10: "C25",
};
export const ACUTE_MI: Disease = {
  name: "acute myocardial infarction",
  snomed: "57054005",
  icd9: "410",
  icd10: "I21 I22",
};
export const CELIAC: Disease = {
  name: "celiac disease",
  snomed: "396331005",
  icd9: "5790",
  icd10: "K900",
};
export const LUPUS: Disease = {
  name: "lupus erythematosus",
  snomed: "55464009",
  icd9: "7100",
  icd10: "M32",
};

/** In the order of the classes of `risk`. */
export const DISEASES: readonly Disease[] = [
  HYPERTENSION,
  HYPERLIPIDEMIA,
  PANCREATIC_CANCER,
  ACUTE_MI,
  CELIAC,
  LUPUS,
];

/** The codes of a disease as patterns. */
export function diseaseCodes({ snomed, icd9, icd10 }: Disease): readonly string[] {
  return [...icdPatterns("ICD9CM", icd9), ...icdPatterns("ICD10CM", icd10), `SNOMED/${snomed}`];
}
