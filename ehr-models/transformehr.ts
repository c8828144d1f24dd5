/**
 * TransformEHR: an encoder of the visits so far, and a decoder that writes a visit's codes in pretraining
 * and is asked one question afterwards.
 *
 * Yang, Mitra, Liu, Berlowitz, Yu: TransformEHR: transformer-based encoder-decoder generative model to
 * enhance prediction of disease outcomes using electronic health records, Nature Communications 14, 7857
 * (2023), and its published code. B samples, L codes, P = L + 3, d width, C classes.
 *
 *   X       = drop(LN([Sex[s]; Race[r]; Age(a); E[c_p] + PE(visits before the last) + PE(days before)]))
 *   X       = n_e blocks, each attention and a feed-forward layer with GELU, normalised after   [B, P, d]
 *   Y       = LN([query; E[y_1]; ...; E[y_{J-1}]] + Pos'[j])                                    [B, J, d]
 *   Y       = n_d blocks: causal attention, attention to X, a feed-forward layer                [B, J, d]
 *   written = Y Eᵀ for each y_j                                             (pretraining: cross entropy)
 *   logits  = drop(tanh(drop(Y_1) W_1 + b_1)) W_2 + b_2,  with J = 1              (training)    [B, C]
 *
 * Pretraining hides a visit and all after it, and writes all of the visit's codes, sorted by kind and unit
 * (`visit-targets.ts`). Training starts from those weights; the query is the first decoder token of both.
 *
 * Deviation: the query takes the place of the shifted copy of the input that the published head reads; it
 *   costs one decoder position, and no sample needs an end token (models.md TE9).
 * Deviation: positions are visits and days before the prediction, as sinusoids, so that codes of a visit are
 *   a set; the paper has learned positions and calendar dates, which are shifted at random in MIMIC.
 * Deviation: all kinds of codes are read and written; the paper's are diagnoses.
 * Deviation: sex, race and age are positions of their own; described in the paper, not in its code.
 * Deviation: any visit of a timeline is hidden, drawn anew each epoch, and not the last one only; at most
 *   `maxTargets` of its codes are written; neither length nor end is written, as nothing is generated later.
 * Deviation: where the tokenizer gives vectors, the output is a matrix of its own instead of E.
 * Deviation: layers start as torch's, tables at N(0, 0.02²), PE is scaled alike; classes are not weighted.
 * Deviation: beside its summary the output reads sums of code vectors over the history and over the last visit,
 *   through a hidden layer (`code-sums.ts`), as attention averages over codes but risks add up, and once more what is
 *   known of the subject (`subject-facts.ts`). `readout = summary` is the equation above, and the paper's preset.
 * Deviation: dropout of whole codes (`codeDropout`), 0 in the paper's preset; one epoch of pretraining.
 */

import type { FitContext } from "../core/model.ts";
import { FIRST_KNOWN_UNIT } from "../core/tokenizer.ts";
import type { Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { paddingBias } from "../engine/layers/attention-bias.ts";
import { decoderBlock } from "../engine/layers/decoder-block.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { lookup, sinusoid, table } from "../engine/layers/embedding.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { tanh } from "../engine/ops/activation.ts";
import { add, scale } from "../engine/ops/elementwise.ts";
import { oneHot, takeRows } from "../engine/ops/indexing.ts";
import { concat, expand, reshape, slice } from "../engine/ops/layout.ts";
import { softmaxLoss } from "../engine/ops/losses.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { addDims, type Dim, multiplyDims, subtractDims } from "../engine/shape.ts";
import { encodeSequence, readHistory } from "./bert-encoder.ts";
import { checkHeads, checkRates, checkSizes, checkWord } from "./checks.ts";
import { embedCodes, frozenTables } from "./code-embedding.ts";
import { READOUTS } from "./code-sums.ts";
import { defineGraphModel } from "./graph-model.ts";
import { type SequenceColumn, sequenceInputs } from "./inputs.ts";
import { outputMatrix } from "./masked-codes.ts";
import {
  type ForwardContext,
  type GraphModel,
  RIDGE_DEFAULTS,
  type Setup,
} from "./model-graphs.ts";
import { type PretrainStage, runStage, type StageGraph } from "./pretraining.ts";
import { AT, COUNT, POSITIONS, PREVIOUS, UNITS, writtenVisits } from "./visit-targets.ts";

const COLUMNS: readonly SequenceColumn[] = [
  "codes",
  "mask",
  "visitsBefore",
  "daysBefore",
  "sex",
  "race",
  "age",
];
/** Leading positions: sex, race, age. */
const LEADING = 3;
const P = addDims("L", LEADING);

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  width: 64,
  heads: 4,
  encoderLayers: 1,
  decoderLayers: 1,
  feedForward: 128,
  /** After attention, inside and after the feed-forward layers, and around W_1. */
  dropout: 0.1,
  /** Of attention weights. */
  attentionDropout: 0,
  /** Of elements of X before the first block. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  /** Standard deviation of tables at the start, and amplitude of PE. */
  initialScale: 0.02,
  /** What the output reads: `summary`, or `summary+sums`. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 128,
  maxCodes: 512,
  pretrainEpochs: 1,
  pretrainLearningRate: 1e-3,
  /** J at most: codes of a visit that are written. */
  maxTargets: 64,
};
type H = typeof DEFAULTS;
type Encoder = Pick<
  ForwardContext<H>,
  "graph" | "inputs" | "tokenizer" | "hyperparameters" | "raceCount"
>;

/** E of codes [B, n], [B, n, d]. */
function embed(codes: Tensor, { tokenizer, hyperparameters: h }: Encoder): Tensor {
  const vectors = embedCodes(codes, tokenizer, h.width, h.initialScale);
  return reshape(vectors, [...codes.shape, h.width]);
}

/** What is known of the subject, [B, 3, d]. */
function leadingPositions({ graph, inputs, raceCount, hyperparameters: h }: Encoder): Tensor {
  const initial = normal(h.initialScale);
  const row = (x: Tensor) => reshape(x, ["B", 1, h.width]);
  const of = (name: string, rows: number) =>
    row(lookup(table(graph, `${name}.table`, rows, h.width, { initial }), inputs[name] as Tensor));
  const age = linear(inputs["age"] as Tensor, h.width, "age", { fewRows: true, weight: initial });
  return concat([of("sex", 3), of("race", raceCount), row(age)], 1);
}

/** X, [B*P, d]. */
function encode(context: Encoder, codes: Tensor): Tensor {
  const { inputs, hyperparameters: h } = context;
  const d = h.width;
  const N = multiplyDims("B", "L");
  const waves = (name: string) => sinusoid(reshape(inputs[name] as Tensor, [N, 1]), d);
  const where = scale(add(waves("visitsBefore"), waves("daysBefore")), h.initialScale);
  const history = mask(add(reshape(codes, [N, d]), where), [N, 1], h.codeDropout, "words");
  const joined = concat([leadingPositions(context), reshape(history, ["B", "L", d])], 1);
  const rows = layerNorm(reshape(joined, [multiplyDims("B", P), d]), "norm");
  return encodeSequence(dropout(rows, h.inputDropout, "history"), h, {
    name: "encoder",
    layers: h.encoderLayers,
    length: P,
    bias: memoryBias(context),
    reads: "all",
  });
}

/** Hides padding, never the leading positions, so that no row is hidden whole (TE10); [B, 1, 1, P]. */
function memoryBias({ graph, inputs }: Encoder): Tensor {
  const leading = expand(graph.scalar(1), ["B", LEADING]);
  return paddingBias(concat([leading, inputs["mask"] as Tensor], 1));
}

/** Y, [B*J, d], for the query followed by `written` [B, J - 1, d]. */
function decode(context: Encoder, memory: Tensor, written: Tensor | undefined): Tensor {
  const { graph: g, hyperparameters: h } = context;
  const d = h.width;
  const initial = normal(h.initialScale);
  const query = expand(g.parameter("query", [1, 1, d], initial, false), ["B", 1, d]);
  const tokens = written === undefined ? query : concat([query, written], 1);
  const J = tokens.shape[1] as Dim;
  const places = table(g, "decoder.position", h.maxTargets, d, { initial });
  const placed = add(tokens, reshape(slice(places, 0, 0, J), [1, J, d]));
  let y = layerNorm(reshape(placed, [multiplyDims("B", J), d]), "decoder.norm");
  const options = {
    heads: h.heads,
    feedForward: h.feedForward,
    dropout: h.dropout,
    attentionDropout: h.attentionDropout,
    batch: "B",
    queries: J,
    keys: P,
    bias: memoryBias(context),
  } as const;
  for (let i = 0; i < h.decoderLayers; i++) y = decoderBlock(y, memory, `decoder${i}`, options);
  return y;
}

function forward(context: ForwardContext<H>): Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  const few = { fewRows: true };
  const codes = embed(inputs["codes"] as Tensor, context);
  const answer = decode(context, encode(context, codes), undefined); // [B, d]
  const dense = tanh(linear(dropout(answer, h.dropout, "answer"), h.width, "head", few));
  if (h.readout === "summary")
    return linear(dropout(dense, h.dropout, "head"), classes, "output", few);
  return readHistory(dense, reshape(codes, [multiplyDims("B", "L"), h.width]), context);
}

/** Mean cross entropy of the written codes, shape []. */
function writingLoss(context: Encoder, total: StageGraph["total"]): Tensor {
  const { graph: g, inputs, tokenizer } = context;
  const before = subtractDims(POSITIONS, 1);
  const previous = g.input(PREVIOUS, ["B", before], "int32");
  const both = embed(concat([inputs["codes"] as Tensor, previous], 1), context);
  const history = slice(both, 1, 0, "L");
  const y = decode(context, encode(context, history), slice(both, 1, "L", addDims("L", before)));
  const rows = takeRows(y, g.input(AT, [COUNT], "int32"));
  const E = () => outputMatrix(rows, tokenizer, context.hyperparameters.initialScale);
  const logits = matmul(rows, g.scope("written", E)); // [N, V - 2]
  const targets = oneHot(
    g.input(UNITS, [COUNT], "int32"),
    tokenizer.vocabularySize - FIRST_KNOWN_UNIT,
  );
  return softmaxLoss(logits, targets, { weight: expand(g.scalar(1), [COUNT, 1]), total });
}

async function pretrain(context: FitContext, setup: Setup<H>) {
  const { hyperparameters: h, tokenizer, raceCount } = setup;
  const timelines = await context.timelines(transformehrModel.history(h));
  const logitBytes = 4 * h.maxTargets * tokenizer.vocabularySize;
  const stage: PretrainStage = {
    name: "written-visits",
    source: transformehrModel.inputs(timelines, tokenizer, { ...h, readout: "summary" }),
    limits: {
      tokens: setup.limits.tokens,
      bytesOfSample: (length) => Math.max(setup.limits.bytesOfSample(length), logitBytes),
    },
    hyperparameters: { ...h, learningRate: h.pretrainLearningRate },
    epochs: h.pretrainEpochs,
    held: frozenTables(tokenizer),
    loss: ({ graph, inputs, total }) =>
      writingLoss({ graph, inputs, tokenizer, raceCount, hyperparameters: h }, total),
    feeds: (samples, collated, random) =>
      writtenVisits(timelines, tokenizer, h.maxTargets, samples, collated, random),
  };
  const { summary, parameters } = await runStage(stage, context);
  return { parameters, summaries: [summary] };
}

export const transformehrModel: GraphModel<H> = {
  name: "transformehr",
  version: 3,
  description: "Encoder of the visits so far and a decoder that is pretrained by writing visits.",
  reference: "Yang et al., Nature Communications 14, 7857, 2023",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    /** Sizes are BART-base's: those of the paper are not published. */
    paper: {
      width: 768,
      heads: 12,
      encoderLayers: 6,
      decoderLayers: 6,
      feedForward: 3072,
      readout: "summary",
      dropout: 0.1,
      attentionDropout: 0,
      inputDropout: 0.1,
      codeDropout: 0,
      averaging: 0,
      batchSize: 24,
      learningRate: 1e-4,
      epsilon: 1e-8,
      schedule: "linear",
      weightDecay: 0.05,
      pretrainEpochs: 5,
      pretrainLearningRate: 1e-4,
    },
    medium: { width: 256, heads: 8, encoderLayers: 4, decoderLayers: 2, feedForward: 1024 },
  },
  history: ({ maxCodes }) => ({ maxCodes, repeats: "once-per-visit" }),
  check: (h) => {
    checkRates(h);
    checkHeads(h.width, h.heads);
    checkSizes(h, ["width", "heads", "encoderLayers", "decoderLayers", "feedForward"]);
    checkSizes(h, ["maxCodes", "maxTargets", "hidden"]);
    checkWord("readout", h.readout, READOUTS);
  },
  inputs: (source, tokenizer, { readout }) =>
    sequenceInputs(
      source,
      tokenizer,
      readout === "summary" ? COLUMNS : [...COLUMNS, "utilisation", "share", "isLast"],
    ),
  bytesOfSample: (length, { heads }) => 4 * heads * (length + LEADING) ** 2,
  forward,
  pretrain,
};

export const transformehr = defineGraphModel(transformehrModel);
