/** The list of tasks; a new one is a file in this folder and a line here. */
import { Registry } from "../core/registry.ts";
import type { TaskDefinition } from "../core/task.ts";
import { drugrec } from "./drugrec.ts";
import { drugrecAtc } from "./drugrec-atc.ts";
import { los } from "./los.ts";
import { mortality } from "./mortality.ts";
import { mortality48h } from "./mortality-48h.ts";
import { phenotype } from "./phenotype.ts";
import { readmission } from "./readmission.ts";

export const tasks = new Registry<TaskDefinition>("task", [
  mortality,
  mortality48h,
  readmission,
  los,
  phenotype,
  drugrec,
  drugrecAtc,
]);
