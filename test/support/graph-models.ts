/** The registered models that are tensor graphs, for tests that look behind `ModelDefinition`. */
import type { FitContext, Hyperparameters } from "../../core/model.ts";
import type { SampleSource } from "../../core/samples.ts";
import type { BatchSource } from "../../ehr-models/batch-source.ts";
import { behrtModel } from "../../ehr-models/behrt.ts";
import { gamenetModel } from "../../ehr-models/gamenet.ts";
import { prepare } from "../../ehr-models/graph-model.ts";
import { gruModel } from "../../ehr-models/gru.ts";
import { gtBehrtModel } from "../../ehr-models/gt-behrt.ts";
import { logisticModel } from "../../ehr-models/logistic.ts";
import { mlpModel } from "../../ehr-models/mlp.ts";
import type { GraphModel } from "../../ehr-models/model-graphs.ts";
import { multEhrModel } from "../../ehr-models/mult-ehr.ts";
import { retainModel } from "../../ehr-models/retain.ts";
import { transformehrModel } from "../../ehr-models/transformehr.ts";
import { transformerModel } from "../../ehr-models/transformer.ts";

/** What a fitted model is fed for some samples, as the fit of the same context and settings makes it. */
export type InputsOf = (
  context: FitContext,
  given: Hyperparameters,
  samples: SampleSource,
) => Promise<BatchSource>;

function inputsOf<H extends Hyperparameters>(model: GraphModel<H>): InputsOf {
  return async (context, given, samples) => {
    const checked = prepare(model, context, given);
    const ready = (await model.withData?.(context, checked.hyperparameters)) ?? model;
    return ready.inputs(samples, context.tokenizer, checked.hyperparameters);
  };
}

/** By name; models that are no tensor graph (ETHOS) are not among them. */
export const GRAPH_INPUTS: Readonly<Record<string, InputsOf>> = {
  transformer: inputsOf(transformerModel),
  logistic: inputsOf(logisticModel),
  mlp: inputsOf(mlpModel),
  gru: inputsOf(gruModel),
  retain: inputsOf(retainModel),
  gamenet: inputsOf(gamenetModel),
  behrt: inputsOf(behrtModel),
  "gt-behrt": inputsOf(gtBehrtModel),
  transformehr: inputsOf(transformehrModel),
  "mult-ehr": inputsOf(multEhrModel),
};
