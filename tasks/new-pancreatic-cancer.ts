/** The first diagnosis of pancreatic cancer within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { PANCREATIC_CANCER } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newPancreaticCancer: TaskDefinition = newDiagnosis(
  "new-pancreatic-cancer",
  PANCREATIC_CANCER,
);
