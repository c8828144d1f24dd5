/**
 * Logistic regression on which codes there are: the baseline that any model of histories has to beat.
 *
 *   logits = Σ_w Σ_{distinct units u of w} A_w[u] + f W + b
 *
 * with the whole history, its last 365 days and its last visit as w, A_w one row of C weights
 * per unit, and f a short profile: age (linear, squared, ten-year bins), sex, race, and utilisation (visits,
 * codes, distinct codes, days since the last visit began). Only the rows of a sample's units are touched.
 * Reference: the count-based models of Wornow et al., EHRSHOT, NeurIPS 2023; L2 regularisation by decay.
 *
 * Deviation: whether a code is there instead of its count: what is written down more often is not graver for it.
 * Deviation: fitted by AdamW with early stopping on the tuning split instead of a grid over the penalty.
 */
import type { Tensor } from "../engine/graph.ts";
import { zeros } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add } from "../engine/ops/elementwise.ts";
import { reshape, slice } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { BAG_WINDOWS, bagInputs } from "./bag-inputs.ts";
import { defineGraphModel } from "./graph-model.ts";
import { type ForwardContext, type GraphModel, TRAINING_DEFAULTS } from "./model-graphs.ts";

const DEFAULTS = {
  ...TRAINING_DEFAULTS,
  // With a large epsilon Adam is close to plain gradient descent, and decay to a ridge penalty: a code that
  // few subjects have stays near zero instead of fitting them.
  learningRate: 0.3,
  epsilon: 0.1,
  batchSize: 128,
  weightDecay: 0.25,
  clipNorm: 0.3,
  schedule: "cosine" as string,
  warmup: 0,
};
type H = typeof DEFAULTS;
/** Every code counts; a limit that no history reaches. */
const ALL_CODES = 1e9;
const WINDOW_NAMES = ["all", "year", "last"] as const;

/** Σ_u A_w[u], [B, C]. */
function weigh(window: number, { graph, inputs, tokenizer, classes }: ForwardContext<H>): Tensor {
  const name = `codes.${WINDOW_NAMES[window]}`;
  const options = { initial: zeros, decay: true };
  const A = table(graph, name, tokenizer.vocabularySize, classes, options);
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

export const logisticModel: GraphModel<H> = {
  name: "logistic",
  version: 4,
  description: "Logistic regression on codes, demographics and utilisation.",
  reference: "count-based baselines of Wornow et al., EHRSHOT, NeurIPS 2023",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: { default: {} },
  history: () => ({ maxCodes: ALL_CODES, repeats: "every" }),
  inputs: (source, tokenizer) => bagInputs(source, tokenizer),
  forward,
};

export const logistic = defineGraphModel(logisticModel);
