/**
 * BEHRT: a record as a document, a visit as a sentence, a code as a word, read by BERT.
 *
 * Li, Rao, Ayala Solares, Hassaine, Ramakrishnan, Canoy, Zhu, Rahimi, Salimi-Khorshidi: BEHRT, Scientific
 * Reports 10, 7155 (2020), and its published code. Notation: B samples, L tokens, d width, C classes.
 *
 *   tokens = CLS, codes of visit 1, SEP, codes of visit 2, SEP, ...; the latest `maxLength` are kept
 *   X_0    = drop(LN(E[code] + S[segment] + G[age] + Pos(position)))                         [B, L, d]
 *   X      = n blocks, each attention and a feed-forward layer with GELU, normalised after   [B, L, d]
 *   pooled = tanh(X[:, CLS] W_p + b_p),   logits = drop(pooled) W + b                        [B, C]
 *
 * Position is the number of SEPs before a token, segment its parity, age that at the start of the token's
 * visit; CLS takes the age of the first. Tokens of one visit share all three, so their order says nothing.
 * Pos is the sinusoid of Vaswani et al. (2017), section 3.5, a constant: it cannot be overwritten by an
 * initialiser (models.md B1, B2), nor does its length differ between the stages (B4).
 *
 * Pretraining: masked codes (`masked-codes.ts`) on whole records of training subjects.
 *
 * Deviation: procedures, drugs and other codes are words too; the paper has 301 groups of diagnoses.
 * Deviation: special tokens have vectors of their own beside the tokenizer's, whatever it gives.
 * Deviation: the output of masked codes is tied to E where the tokenizer's vectors are learned; else it is a
 *   matrix of its own, as there is no table of width d.
 * Deviation: Pos is scaled like the tables (`initialScale`), which would drown beside an amplitude of 1.
 * Deviation: ages in steps of `monthsPerAge` months, twelve by default: small cohorts leave most of 1,320
 *   single months unseen. Layers start as torch's, their norms use an epsilon of 1e-5, and dropout also acts
 *   inside the feed-forward layers (the published code: N(0, 0.02²), 1e-12, not there).
 * Deviation: beside its summary the output reads sums of code vectors over the history and over the last visit,
 *   through a hidden layer (`code-sums.ts`), as attention averages over codes but risks add up; and what is known of
 *   the subject (`subject-facts.ts`), as an age that is one of many rows, read through attention, is learned badly.
 *   `readout = summary` is the equation above, and the paper's preset.
 * Deviation: dropout of whole codes (`codeDropout`), 0 in the paper's preset.
 */

import type { FitContext } from "../core/model.ts";
import type { Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { paddingBias } from "../engine/layers/attention-bias.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { lookup, sinusoid, table } from "../engine/layers/embedding.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { tanh } from "../engine/ops/activation.ts";
import { add, equals, mul, scale, shift } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import { multiplyDims } from "../engine/shape.ts";
import { encodeSequence, readHistory } from "./bert-encoder.ts";
import { checkHeads, checkRates, checkSizes, checkWord } from "./checks.ts";
import { embedCodes, frozenTables } from "./code-embedding.ts";
import { READOUTS } from "./code-sums.ts";
import { defineGraphModel } from "./graph-model.ts";
import { hiddenCodeLoss, hiddenFeeds, maskCodes } from "./masked-codes.ts";
import {
  type ForwardContext,
  type GraphModel,
  RIDGE_DEFAULTS,
  type Setup,
} from "./model-graphs.ts";
import { type PretrainStage, runStage, type StageFeeds } from "./pretraining.ts";
import { ageRows, SPECIAL, SPECIAL_ROWS, sentenceInputs } from "./sentence-inputs.ts";

const N = multiplyDims("B", "L");
/** Tokens of a part of a pretraining batch: bounds the logits of hidden codes, N times the vocabulary. */
const PRETRAIN_TOKENS = 4096;

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  width: 64,
  heads: 4,
  layers: 1,
  feedForward: 128,
  /** After attention, inside and after the feed-forward layers, and before the last layer. */
  dropout: 0.1,
  /** Of attention weights. */
  attentionDropout: 0,
  /** Of elements of X_0. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  /** Standard deviation of tables at the start, and amplitude of Pos. */
  initialScale: 0.02,
  /** What the output reads: `summary`, or `summary+sums`, which brings the subject's facts too. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 128,
  maxLength: 512,
  monthsPerAge: 12,
  pretrainEpochs: 2,
  pretrainLearningRate: 1e-3,
  /** Share of codes that are hidden in pretraining. */
  maskShare: 0.15,
};
type H = typeof DEFAULTS;

type Encoder = Pick<ForwardContext<H>, "graph" | "inputs" | "tokenizer" | "hyperparameters">;

/** E[code], zero where there is no code, [B*L, d]. */
function embedWords({ inputs, tokenizer, hyperparameters: h }: Encoder): Tensor {
  const vectors = embedCodes(inputs["codes"] as Tensor, tokenizer, h.width, h.initialScale);
  return mul(vectors, reshape(equals(inputs["special"] as Tensor, SPECIAL.code), [N, 1]));
}

/** Words, with vectors of their own for CLS, SEP and MASK, [B*L, d]. */
function embedTokens(words: Tensor, { graph, inputs, hyperparameters: h }: Encoder): Tensor {
  const special = inputs["special"] as Tensor;
  const isCode = reshape(equals(special, SPECIAL.code), [N, 1]);
  const codes = mask(words, [N, 1], h.codeDropout, "words");
  const initial = normal(h.initialScale);
  const specials = table(graph, "special.table", SPECIAL_ROWS, h.width, { initial });
  const others = mul(reshape(lookup(specials, special), [N, h.width]), shift(scale(isCode, -1), 1));
  return add(codes, others);
}

/** Pos, [B*L, d], before it is scaled. */
export function positions({ inputs, hyperparameters: h }: Encoder): Tensor {
  return sinusoid(reshape(inputs["position"] as Tensor, [N, 1]), h.width);
}

/** X_0, [B*L, d]. */
function embedSentence(words: Tensor, context: Encoder): Tensor {
  const { graph, inputs, hyperparameters: h } = context;
  const initial = normal(h.initialScale);
  const rowsOf = (name: string, column: string, rows: number) => {
    const learned = table(graph, `${name}.table`, rows, h.width, { initial });
    return reshape(lookup(learned, inputs[column] as Tensor), [N, h.width]);
  };
  const segment = rowsOf("segment", "segment", 2);
  const age = rowsOf("age", "tokenAge", ageRows(h.monthsPerAge));
  const where = scale(positions(context), h.initialScale);
  const sum = [embedTokens(words, context), segment, age, where].reduce(add);
  return dropout(layerNorm(sum, "norm"), h.inputDropout, "sentence");
}

/** X of all positions, [B*L, d], or of CLS alone, [B, d]. */
function encode(words: Tensor, context: Encoder, reads: "all" | "first"): Tensor {
  const { inputs, hyperparameters: h } = context;
  return encodeSequence(embedSentence(words, context), h, {
    name: "layer",
    layers: h.layers,
    length: "L",
    bias: paddingBias(inputs["mask"] as Tensor),
    reads,
  });
}

function forward(context: ForwardContext<H>): Tensor {
  const { hyperparameters: h, classes } = context;
  const few = { fewRows: true };
  const words = embedWords(context);
  const pooled = tanh(linear(encode(words, context, "first"), h.width, "pool", few));
  if (h.readout === "summary")
    return linear(dropout(pooled, h.dropout, "pooled"), classes, "output", few);
  return readHistory(pooled, words, context);
}

/** Some codes of a part hidden: the columns that change, and what the loss reads. */
export function hideCodes(
  codes: Int32Array,
  special: Int32Array,
  hide: (codes: Int32Array) => ReturnType<typeof maskCodes>,
): StageFeeds {
  const masked = hide(codes);
  const changed = special.slice();
  for (const at of masked.masked) changed[at] = SPECIAL.mask;
  const { feeds, dims } = hiddenFeeds("masked", masked);
  return {
    feeds: { ...feeds, codes: masked.codes, special: changed },
    dims,
    weight: masked.at.length,
  };
}

async function pretrain(context: FitContext, setup: Setup<H>) {
  const { hyperparameters: h, tokenizer } = setup;
  const timelines = await context.timelines(behrtModel.history(h));
  const V = tokenizer.vocabularySize;
  const stage: PretrainStage = {
    name: "masked-codes",
    source: behrtModel.inputs(timelines, tokenizer, { ...h, readout: "summary" }),
    limits: { ...setup.limits, tokens: PRETRAIN_TOKENS },
    hyperparameters: { ...h, learningRate: h.pretrainLearningRate },
    epochs: h.pretrainEpochs,
    held: frozenTables(tokenizer),
    loss: ({ graph, inputs, total }) => {
      const stage = { graph, inputs, tokenizer, hyperparameters: h };
      const x = encode(embedWords(stage), stage, "all");
      return hiddenCodeLoss(x, "masked", { tokenizer, total, deviation: h.initialScale });
    },
    feeds: (_, { feeds }, random) =>
      hideCodes(feeds["codes"] as Int32Array, feeds["special"] as Int32Array, (codes) =>
        maskCodes(codes, V, { share: h.maskShare }, random),
      ),
  };
  const { summary, parameters } = await runStage(stage, context);
  return { parameters, summaries: [summary] };
}

export const behrtModel: GraphModel<H> = {
  name: "behrt",
  version: 4,
  description: "BERT over sentences of codes with age, segment and visit position.",
  reference: "Li et al., Scientific Reports 10, 7155, 2020",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      width: 288,
      heads: 12,
      layers: 6,
      feedForward: 512,
      readout: "summary",
      dropout: 0.1,
      attentionDropout: 0.1,
      inputDropout: 0.1,
      codeDropout: 0,
      averaging: 0,
      maxLength: 100,
      monthsPerAge: 1,
      batchSize: 256,
      learningRate: 3e-5,
      epsilon: 1e-8,
      weightDecay: 0.01,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
      pretrainEpochs: 50,
      pretrainLearningRate: 3e-5,
    },
  },
  history: ({ maxLength }) => ({ maxCodes: maxLength, repeats: "once-per-visit" }),
  check: (h) => {
    checkRates(h, ["maskShare"]);
    checkHeads(h.width, h.heads);
    checkSizes(h, ["width", "heads", "layers", "feedForward", "maxLength", "monthsPerAge"]);
    checkSizes(h, ["hidden"]);
    checkWord("readout", h.readout, READOUTS);
  },
  inputs: (source, tokenizer, { maxLength, monthsPerAge, readout }) =>
    sentenceInputs(source, tokenizer, {
      maxLength,
      monthsPerRow: monthsPerAge,
      sums: readout !== "summary",
    }),
  bytesOfSample: (length, { heads }) => 4 * heads * length ** 2,
  forward,
  pretrain,
};

export const behrt = defineGraphModel(behrtModel);
