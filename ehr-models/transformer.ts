/**
 * Transformer encoder over the codes of a history.
 *
 * Blocks: Vaswani et al., Attention Is All You Need, NeurIPS 2017 (section and equation numbers below).
 * Inputs and summary token: the encoder of the EHR tutorial that accompanies Su et al., Multimodal
 * Medical Code Tokenizer, ICML 2025. Notation: B samples, L codes, P = L + 4 positions, d width, C classes.
 *
 *   x_p    = E[c_p] + PE(visits before the last) + PE(days before the prediction)
 *            + TE(length of the visit) + TE(gap before the visit)
 *   X      = [cls; Sex[s]; Race[r]; Age(a); drop(x_1); ...; drop(x_L)]                      [B, P, d]
 *   X      = n blocks, each multi-head attention (3.2.2, equation 1) and FFN (3.3, equation 2)
 *   r      = [X[:, 0]; f; drop(Σ_p s_p E[c_p]); drop(Σ_{p in the last visit} E[c_p])]        [B, F + 3d]
 *   logits = drop(ReLU(r W_r + b_r)) W + b                                                   [B, C]
 *   TE     = [Y[years]; sin, cos of a turn a year; sin, cos of a turn a day], one table Y for both uses
 *   PE     = sinusoids (3.5)
 *
 * Deviation: the summary token is a registered parameter; in the tutorial no optimizer sees it.
 * Deviation: position is the visit's distance from the last visit, not the index of the code, so that the
 *   arbitrary order of codes inside a visit carries no meaning and truncation moves nothing.
 * Deviation: days before the prediction enter as a further sinusoid; the tutorial knows no prediction time.
 * Deviation: the length of a visit that is not over is blank; the tutorial shows it, and with it the answer
 *   of length-of-stay tasks.
 * Deviation: age is a position of its own; the tutorial has it only as the gap before the first visit.
 * Deviation: beside the summary token the output reads two sums of code vectors, over the history, where the
 *   n occurrences of a code weigh 1 / n each (s_p), and over the last visit. Attention averages over
 *   the codes, but risks add up. `readout = summary` is logits = X[:, 0] W + b, as published.
 * Deviation: the same output reads age, its square, sex, race and utilisation (f, `subject-facts.ts`) once more: what one
 *   position among hundreds says reaches the summary only faintly.
 * Deviation: one output layer behind the summary, as two linear layers in a row are one; one logit for a binary task.
 * Deviation: dropout on attention weights is an option of its own (`attentionDropout`).
 *
 * Deviation: tables and the summary token start at N(0, 0.02²), as BERT's, and sinusoids are scaled alike
 *   (`initialScale`; the paper's preset keeps N(0, 1)): with large tables Adam needs many times more steps
 *   before the codes show. Layers start as torch's.
 */

import { BenchError } from "../core/errors.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { paddingBias } from "../engine/layers/attention-bias.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { lookup, sinusoid, table } from "../engine/layers/embedding.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { transformerBlock } from "../engine/layers/transformer-block.ts";
import { needsChunks } from "../engine/ops/attention.ts";
import { add, scale, sin } from "../engine/ops/elementwise.ts";
import { concat, expand, reshape } from "../engine/ops/layout.ts";
import { product } from "../engine/ops/matmul.ts";
import { addDims, multiplyDims } from "../engine/shape.ts";
import { readHistory } from "./bert-encoder.ts";
import { checkHeads, checkRates, checkSizes, checkWord } from "./checks.ts";
import { embedCodes } from "./code-embedding.ts";
import { READOUTS } from "./code-sums.ts";
import { defineGraphModel } from "./graph-model.ts";
import { INTERVAL_YEARS, type SequenceColumn, sequenceInputs } from "./inputs.ts";
import { type ForwardContext, type GraphModel, RIDGE_DEFAULTS } from "./model-graphs.ts";

const COLUMNS: readonly SequenceColumn[] = [
  "codes",
  "mask",
  "visitsBefore",
  "daysBefore",
  "withinYears",
  "withinCycles",
  "betweenYears",
  "betweenCycles",
  "sex",
  "race",
  "age",
];
const N = multiplyDims("B", "L");
/** Leading positions: cls, sex, race, age. */
const LEADING = 4;
const P = addDims("L", LEADING);
/** Numbers of TE that are not looked up. */
const CYCLES = 4;

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  width: 64,
  heads: 4,
  layers: 1,
  feedForward: 128,
  activation: "relu" as string,
  norm: "post" as string,
  /** After attention and inside and after the feed-forward layers. */
  dropout: 0.1,
  /** Of attention weights. */
  attentionDropout: 0,
  /** Of elements of x_p. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  /** Standard deviation of tables at the start, and amplitude of PE and of TE's cycles. */
  initialScale: 0.02,
  /** What the output reads: `summary`, or `summary+sums`. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 128,
  maxCodes: 512,
};
type H = typeof DEFAULTS;

/** TE of an interval: [N, d] from whole years [B, L] and cycles [B, L, 2]. */
function intervalEmbedding(years: Tensor, cycles: Tensor, { width: d, initialScale }: H): Tensor {
  const g = years.graph;
  const initial = normal(initialScale);
  const Y =
    g.inputs.get("time.years") ?? table(g, "time.years", INTERVAL_YEARS, d - CYCLES, { initial });
  const looked = reshape(lookup(Y, years), [N, d - CYCLES]);
  const turn = 2 * Math.PI;
  const spread = g.floats([turn, turn, 0, 0, 0, 0, turn, turn], [2, CYCLES]); // [day, hour] -> [day, day, hour, hour]
  const quarter = g.floats([0, Math.PI / 2, 0, Math.PI / 2], [1, CYCLES]); // a cosine is a sine ahead by this
  const phases = sin(add(product(reshape(cycles, [N, 2]), spread), quarter));
  return concat([looked, scale(phases, initialScale)], 1);
}

/** Vectors of the codes and x_p, each [N, d]; whole codes are dropped alike in both. */
function embedHistory({ inputs, tokenizer, hyperparameters: h }: ForwardContext<H>) {
  const column = (name: string) => reshape(inputs[name] as Tensor, [N, 1]);
  const interval = (name: string) =>
    intervalEmbedding(inputs[`${name}Years`] as Tensor, inputs[`${name}Cycles`] as Tensor, h);
  const order = sinusoid(column("visitsBefore"), h.width);
  const time = sinusoid(column("daysBefore"), h.width);
  const codes = embedCodes(inputs["codes"] as Tensor, tokenizer, h.width, h.initialScale);
  const positions = scale(add(order, time), h.initialScale);
  const all = [codes, positions, interval("within"), interval("between")].reduce(add);
  const history = mask(dropout(all, h.inputDropout, "history"), [N, 1], h.codeDropout, "codes");
  return { codes, history };
}

/** [B, 4, d]: the summary token and what is known of the subject. */
function leadingPositions({
  graph,
  inputs,
  raceCount,
  hyperparameters,
}: ForwardContext<H>): Tensor {
  const d = hyperparameters.width;
  const initial = normal(hyperparameters.initialScale);
  const row = (x: Tensor) => reshape(x, ["B", 1, d]);
  const cls = graph.parameter("cls", [1, 1, d], initial, false);
  const tables = { initial };
  const sex = lookup(table(graph, "sex.table", 3, d, tables), inputs["sex"] as Tensor);
  const race = lookup(table(graph, "race.table", raceCount, d, tables), inputs["race"] as Tensor);
  const age = linear(inputs["age"] as Tensor, d, "age", { fewRows: true, weight: initial });
  return concat([expand(cls, ["B", 1, d]), row(sex), row(race), row(age)], 1);
}

/** 0 for real positions and what hides a key for padding, [B, 1, 1, P]. */
function attentionBias(graph: Graph, mask: Tensor): Tensor {
  const leading = expand(graph.scalar(1), ["B", LEADING]);
  return paddingBias(concat([leading, mask], 1));
}

function forward(context: ForwardContext<H>): Tensor {
  const { graph, inputs, hyperparameters: h, classes } = context;
  const d = h.width;
  const { codes, history } = embedHistory(context);
  const all = concat([leadingPositions(context), reshape(history, ["B", "L", d])], 1);
  let x = reshape(all, [multiplyDims("B", P), d]);
  const block = {
    heads: h.heads,
    feedForward: h.feedForward,
    activation: h.activation as "relu" | "gelu",
    norm: h.norm as "post" | "pre",
    dropout: h.dropout,
    attentionDropout: h.attentionDropout,
    batch: "B",
    length: P,
    bias: attentionBias(graph, inputs["mask"] as Tensor),
    chunked: needsChunks(h.heads, h.maxCodes + LEADING),
  };
  for (let i = 0; i < h.layers; i++) {
    const isLast = i === h.layers - 1; // only the summary token is read after it
    x = transformerBlock(x, `layer${i}`, isLast ? { ...block, keep: 1 } : block);
  }
  const summary = h.norm === "pre" ? layerNorm(x, "norm") : x; // [B, d]
  if (h.readout === "summary") return linear(summary, classes, "output", { fewRows: true });
  return readHistory(summary, codes, context);
}

function check(h: H): void {
  checkHeads(h.width, h.heads);
  if (h.width <= CYCLES)
    throw new BenchError({
      what: `width ${h.width} leaves no room for years beside the ${CYCLES} numbers of days and hours`,
      fix: `choose a multiple of ${h.heads} above ${CYCLES}`,
      exitCode: 2,
    });
  checkWord("activation", h.activation, ["relu", "gelu"]);
  checkWord("norm", h.norm, ["post", "pre"]);
  checkWord("readout", h.readout, READOUTS);
  checkRates(h);
  checkSizes(h, ["layers", "feedForward", "hidden", "maxCodes"]);
}

export const transformerModel: GraphModel<H> = {
  name: "transformer",
  version: 4,
  description:
    "Transformer encoder over codes with visit order, times and demographics; reads a summary token and sums.",
  reference: "Vaswani et al., NeurIPS 2017; inputs after Su et al., ICML 2025",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      width: 64,
      heads: 4,
      layers: 4,
      feedForward: 256,
      readout: "summary",
      dropout: 0.5,
      attentionDropout: 0.5,
      inputDropout: 0.2,
      codeDropout: 0,
      initialScale: 1,
      averaging: 0,
      maxCodes: 2000,
      batchSize: 256,
      learningRate: 1e-3,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
    },
  },
  history: ({ maxCodes }) => ({ maxCodes, repeats: "once-per-visit" }),
  check,
  inputs: (source, tokenizer, { readout }) =>
    sequenceInputs(
      source,
      tokenizer,
      readout === "summary" ? COLUMNS : [...COLUMNS, "utilisation", "share", "isLast"],
    ),
  bytesOfSample: (length, { heads }) => 4 * heads * (length + LEADING) ** 2,
  forward,
};

export const transformer = defineGraphModel(transformerModel);
