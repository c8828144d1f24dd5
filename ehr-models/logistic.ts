/**
 * Logistic regression on which codes there are: the baseline that any model of histories has to beat.
 *
 *   logits = Σ_w Σ_{distinct units u of w} A_w[u] + f W + b
 *
 * with the whole history, its last 365 days and its last visit as w, A_w one row of C weights
 * per unit, and f a short profile: age (linear, squared, ten-year bins), sex, race, and utilisation (visits,
 * codes, distinct codes, days since the last visit began).
 *
 * Fitted to convergence with an L2 penalty by L-BFGS, one against the rest for several labels and multinomial for
 * exclusive classes, along a path of penalties of which the tuning split chooses one (`logistic/path.ts`): an epoch of
 * its training curve is one penalty, `--epochs` how many the path has. No random number is drawn: seeds change nothing.
 * Reference: the count-based models of Wornow et al., EHRSHOT, NeurIPS 2023, as scikit-learn fits them.
 *
 * Deviation: whether a code is there instead of its count: what is written down more often is not graver for it.
 * Deviation: columns of the profile that are no flags are standardised instead of divided by their largest value, and
 *   penalised less than codes (`profilePenalty`): few weights that every sample informs need little shrinkage.
 */

import { BenchError } from "../core/errors.ts";
import type { FitContext, FittedModel, Hyperparameters, ModelDefinition } from "../core/model.ts";
import type { SampleSource } from "../core/samples.ts";
import type { Tensor } from "../engine/graph.ts";
import { zeros } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add } from "../engine/ops/elementwise.ts";
import { reshape, slice } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { BAG_WINDOWS, bagInputs, profileWidth } from "./bag-inputs.ts";
import { defineGraphModel, prepare, resolveHyperparameters } from "./graph-model.ts";
import { rowsOf } from "./logistic/objective.ts";
import { parametersOf, WINDOW_NAMES } from "./logistic/parameters.ts";
import { fitPath } from "./logistic/path.ts";
import {
  exportModel,
  type ForwardContext,
  type GraphModel,
  makePredictor,
  TRAINING_DEFAULTS,
} from "./model-graphs.ts";

/** The path's; see `PathOptions`. */
const DEFAULTS = {
  smallestC: 1e-3,
  largestC: 10,
  profilePenalty: 0.3,
  tolerance: 1e-5,
};
type H = typeof DEFAULTS;
/** Every code counts; a limit that no history reaches. */
const ALL_CODES = 1e9;

/** Σ_u A_w[u], [B, C]. */
function weigh(window: number, { graph, inputs, tokenizer, classes }: ForwardContext<H>): Tensor {
  const name = WINDOW_NAMES[window] as string;
  const A = table(graph, name, tokenizer.vocabularySize, classes, { initial: zeros });
  const rows = lookup(A, inputs["units"] as Tensor); // [B, L, C]
  const present = slice(inputs["present"] as Tensor, 1, window, window + 1); // [B, 1, L], 0 at padding
  return reshape(matmul(present, rows), ["B", classes]);
}

function forward(context: ForwardContext<H>): Tensor {
  const profile = linear(context.inputs["profile"] as Tensor, context.classes, "profile", {
    weight: zeros,
    bias: zeros,
    fewRows: true,
  });
  let logits = profile;
  for (let w = 0; w < BAG_WINDOWS; w++) logits = add(logits, weigh(w, context));
  return logits;
}

/** The model as a graph: what predicts, and what is exported. `logistic` fits it without the graph. */
export const logisticModel: GraphModel<H> = {
  name: "logistic",
  version: 5,
  description: "Logistic regression on codes, demographics and utilisation.",
  reference: "count-based baselines of Wornow et al., EHRSHOT, NeurIPS 2023",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: { ...TRAINING_DEFAULTS, ...DEFAULTS },
  presets: { default: {} },
  history: () => ({ maxCodes: ALL_CODES, repeats: "every" }),
  inputs: (source, tokenizer) => bagInputs(source, tokenizer),
  forward,
};

/** @throws BenchError for values that no fit can use. */
function checked(given: Hyperparameters): H {
  const h = resolveHyperparameters(DEFAULTS, given);
  for (const [name, value] of Object.entries(h))
    if (!(value > 0 || (name === "profilePenalty" && value === 0)))
      throw new BenchError({
        what: `${name} is ${value}`,
        fix: `give a number above 0; the default is ${DEFAULTS[name as keyof H]}`,
        exitCode: 2,
      });
  if (h.largestC >= h.smallestC) return h;
  throw new BenchError({
    what: `largestC is ${h.largestC} and smallestC ${h.smallestC}`,
    fix: "give a path that leads upwards",
    exitCode: 2,
  });
}

async function fit(context: FitContext, given: Hyperparameters): Promise<FittedModel> {
  const options = checked(given);
  const setup = prepare(logisticModel, context, given);
  const inputsOf = (samples: SampleSource) => bagInputs(samples, context.tokenizer);
  const source = inputsOf(context.train);
  const rows = rowsOf(context.tokenizer.vocabularySize, profileWidth(context.train.raceCount));
  const path = await fitPath(context, options);
  const parameters = parametersOf(path, rows);
  const predictor = await makePredictor(
    setup,
    source,
    (name) => parameters.get(name) as Float32Array,
  );
  return {
    summary: { ...path.summary, parameters: rows.count * context.labels.classes.length },
    predict: (samples) => predictor.predict(inputsOf(samples)),
    exportOnnx: async () => exportModel(setup, source, parameters),
    dispose: () => predictor.release(),
  };
}

export const logistic: ModelDefinition = {
  ...defineGraphModel(logisticModel),
  defaults: DEFAULTS,
  check: (given) => {
    checked(given);
  },
  history: (given) => logisticModel.history(checked(given)),
  fit,
};
