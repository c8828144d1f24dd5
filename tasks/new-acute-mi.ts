/** The first diagnosis of an acute myocardial infarction within a year of a discharge. */
import type { TaskDefinition } from "../core/task.ts";
import { ACUTE_MI } from "./diseases.ts";
import { newDiagnosis } from "./new-diagnosis.ts";

export const newAcuteMi: TaskDefinition = newDiagnosis("new-acute-mi", ACUTE_MI);
