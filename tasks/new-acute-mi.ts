/** The first diagnosis of an acute myocardial infarction within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { expandCodes } from "../core/vocabulary/code-list.ts";
import { icdCode } from "../core/vocabulary/codes.ts";
import { ACUTE_MI } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

/** The paper's code compares these strings as they are. It also lists `I22x`, which is no code. */
const LISTED = [
  ...expandCodes("410{0-9}{,0,1}").map((code) => icdCode("ICD9CM", code)),
  ...expandCodes("I21{0,1,3,4,9}").map((code) => icdCode("ICD10CM", code)),
];

export const newAcuteMi: TaskDefinition = newDiagnosis("new-acute-mi", ACUTE_MI, {
  listed: LISTED,
});
