/** The list of tasks; a new one is a file in this folder and a line here. */
import { Registry } from "../core/registry.ts";
import type { TaskDefinition } from "../core/task.ts";
import { drugrec } from "./drugrec.ts";
import { drugrecAtc } from "./drugrec-atc.ts";
import { longLos } from "./long-los.ts";
import { los } from "./los.ts";
import { mortality } from "./mortality.ts";
import { mortality48h } from "./mortality-48h.ts";
import { newAcuteMi } from "./new-acute-mi.ts";
import { newCeliac } from "./new-celiac.ts";
import { newHyperlipidemia } from "./new-hyperlipidemia.ts";
import { newHypertension } from "./new-hypertension.ts";
import { newLupus } from "./new-lupus.ts";
import { newPancreaticCancer } from "./new-pancreatic-cancer.ts";
import { phenotype } from "./phenotype.ts";
import { readmission } from "./readmission.ts";
import { risk } from "./risk.ts";

export const tasks = new Registry<TaskDefinition>("task", [
  mortality,
  mortality48h,
  readmission,
  los,
  longLos,
  phenotype,
  drugrec,
  drugrecAtc,
  newHypertension,
  newHyperlipidemia,
  newPancreaticCancer,
  newAcuteMi,
  newCeliac,
  newLupus,
  risk,
]);
