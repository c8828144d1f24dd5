/**
 * Multilayer perceptron on a bag of code vectors: what a network can do without order, visits or attention.
 *
 *   x_w    = Σ_{distinct units u of w} E[u]                                                  [B, d]
 *   h_0    = [drop(x_all); drop(x_year); drop(x_last); f]                                    [B, 3d + F]
 *   h_1    = drop(ReLU(h_0 W_1 + b_1)),   h_2 = drop(ReLU(h_1 W_2 + b_2))
 *   logits = h_2 W_3 + h_0 W_4 + b_3                                    (no W_4 where C = 1) [B, C]
 *
 * with the whole history, its last 365 days and its last visit as w, E the tokenizer's vectors,
 * shared by the three, and f the profile of `bag-inputs.ts` (age, sex, race, utilisation). In training,
 * whole units are dropped too, alike in all windows (`codeDropout`).
 * Reference: the perceptron that RETAIN is compared with (Choi et al., NeurIPS 2016), and deep averaging
 * networks (Iyyer et al., ACL 2015), which drop whole words. h_0 W_4 is the wide part of Cheng et al., Wide & Deep
 * Learning for Recommender Systems, DLRS 2016.
 *
 * Deviation: presences in three windows instead of one, so that it reads what
 *   `logistic` reads and the two differ by what is shared and the hidden layers.
 * Deviation: with several classes the output also reads h_0 itself. Most of them are told by a few codes each: a
 *   narrow hidden layer loses these, and learns slowly what is linear. One class needs no such path, and rare outcomes
 *   are overfitted by it. `wide = false` is logits = h_2 W_3 + b_3, as published.
 */
import type { Tensor } from "../engine/graph.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { linear } from "../engine/layers/linear.ts";
import { relu } from "../engine/ops/activation.ts";
import { concat, reshape, transpose } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { multiplyDims } from "../engine/shape.ts";
import { BAG_WINDOWS, bagInputs } from "./bag-inputs.ts";
import { checkRates, checkSizes } from "./checks.ts";
import { embedCodes } from "./code-embedding.ts";
import { defineGraphModel } from "./graph-model.ts";
import { type ForwardContext, type GraphModel, RIDGE_DEFAULTS } from "./model-graphs.ts";

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  /** Of one class: divided by C for multilabel tasks. */
  weightDecay: 1,
  width: 64,
  hidden1: 128,
  hidden2: 64,
  /** Whether the output also reads h_0 where there are several classes. */
  wide: true,
  dropout: 0.3,
  /** Of elements of x_w. */
  inputDropout: 0.3,
  /** Of whole units. */
  codeDropout: 0.3,
  /** Standard deviation of a learned table at the start. */
  initialScale: 0.02,
};
type H = typeof DEFAULTS;
/** Every code counts; a limit that no history reaches. */
const ALL_CODES = 1e9;

/** [x_all; x_year; x_last], [B, 3d]. */
function bagOfVectors({ inputs, tokenizer, hyperparameters: h }: ForwardContext<H>): Tensor {
  const vectors = embedCodes(inputs["units"] as Tensor, tokenizer, h.width, h.initialScale);
  const kept = mask(vectors, [multiplyDims("B", "L"), 1], h.codeDropout, "codes");
  // Units along the last axis: a product with few rows would depend on the number of threads.
  const upright = transpose(reshape(kept, ["B", "L", h.width]), [0, 2, 1]); // [B, d, L]
  const present = transpose(inputs["present"] as Tensor, [0, 2, 1]); // [B, L, 3], 0 at padding
  return reshape(matmul(upright, present), ["B", BAG_WINDOWS * h.width]);
}

function forward(context: ForwardContext<H>): Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  const hidden = (x: Tensor, width: number, name: string) =>
    dropout(relu(linear(x, width, name, { fewRows: true })), h.dropout, name);
  const bag = dropout(bagOfVectors(context), h.inputDropout, "bag");
  const h0 = concat([bag, inputs["profile"] as Tensor], 1);
  const h2 = hidden(hidden(h0, h.hidden1, "hidden1"), h.hidden2, "hidden2");
  const read = h.wide && classes > 1 ? concat([h2, h0], 1) : h2;
  return linear(read, classes, "output", { fewRows: true });
}

export const mlpModel: GraphModel<H> = {
  name: "mlp",
  version: 4,
  description:
    "Two hidden layers, and a linear path beside them, on sums of code vectors and a profile.",
  reference: "Choi et al., NeurIPS 2016 (its MLP baseline); Iyyer et al., ACL 2015",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  isDecayPerClass: true,
  presets: {
    default: {},
    large: { width: 128, hidden1: 256, hidden2: 128, batchSize: 256 },
  },
  history: () => ({ maxCodes: ALL_CODES, repeats: "every" }),
  check: (h) => {
    checkRates(h);
    checkSizes(h, ["width", "hidden1", "hidden2"]);
  },
  inputs: (source, tokenizer) => bagInputs(source, tokenizer),
  bytesOfSample: (length, { width }) => 4 * length * width,
  forward,
};

export const mlp = defineGraphModel(mlpModel);
