/** The first diagnosis of celiac disease within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { CELIAC } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newCeliac: TaskDefinition = newDiagnosis("new-celiac", CELIAC);
