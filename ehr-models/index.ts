/** The models that a run can name. */
import type { ModelDefinition } from "../core/model.ts";
import { Registry } from "../core/registry.ts";
import { behrt } from "./behrt.ts";
import { ethos } from "./ethos.ts";
import { gamenet } from "./gamenet.ts";
import { gru } from "./gru.ts";
import { gtBehrt } from "./gt-behrt.ts";
import { logistic } from "./logistic.ts";
import { mlp } from "./mlp.ts";
import { multEhr } from "./mult-ehr.ts";
import { retain } from "./retain.ts";
import { transformehr } from "./transformehr.ts";
import { transformer } from "./transformer.ts";

export const models = new Registry<ModelDefinition>("model", [
  transformer,
  logistic,
  mlp,
  gru,
  retain,
  gamenet,
  transformehr,
  ethos,
  behrt,
  gtBehrt,
  multEhr,
]);
