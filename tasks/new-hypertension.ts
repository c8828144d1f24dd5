/** The first diagnosis of essential hypertension within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { HYPERTENSION } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newHypertension: TaskDefinition = newDiagnosis("new-hypertension", HYPERTENSION);
