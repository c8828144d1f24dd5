/** The first diagnosis of lupus erythematosus within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { LUPUS } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newLupus: TaskDefinition = newDiagnosis("new-lupus", LUPUS);
