/** The first diagnosis of hyperlipidemia within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { HYPERLIPIDEMIA } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newHyperlipidemia: TaskDefinition = newDiagnosis("new-hyperlipidemia", HYPERLIPIDEMIA);
