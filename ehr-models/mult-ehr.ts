/**
 * MulT-EHR: heterogeneous graph learning on records, with tasks that help each other.
 *
 * Chan, Yin, Bae, Yu: Multi-task heterogeneous graph learning on electronic health records, Neural Networks
 * (2024), 106644, and its published code. B samples, L codes, T visits, D width, C classes.
 *
 *   h_c    = GELU(LN(E[c]) W_type(c)),  h_v = GELU([log days ago; log visits after] W_v),  h_s = GELU(facts W_s)
 *   h      = the sample's state after n layers of attention over its graph (`ego-graph.ts`)      [B, D]
 *   logits = drop(h) W + b                                                                       [B, C]
 *
 * Denoising, in training only: a second stack with layers of its own over the same h_c, h_v and h_s yields h~,
 * which is pushed to noise, while the prediction must survive h~ of another sample:
 *
 *   L = ½ [task(logits) + task((h + h~_other) W + b)] + reg · mean of L_unif
 *   L_unif = ½ [KL(p || q) + KL(q || p)],  p = softmax(h~ scaled to [0, 1] by its own extremes),
 *            q = softmax(u), u ~ U(0, 1) drawn anew
 *
 * Pretraining, on training timelines: edges (`graph-edges.ts`), then tasks (`next-visit.ts`) whose losses ℓ
 * are combined as mean + variance, the variance with its gradient. A benchmark run has one task, so that the
 * tasks that help are learned before it, from the same stacks with heads of their own.
 *
 * Deviation: the graph around each sample instead of one graph of all subjects, whose patient and later
 *   visit nodes let a prediction see the future, other subjects and its own label (models.md M1, M2, M12).
 * Deviation: L_unif is a mean over samples, not a sum over nodes (M7), and each sample is scaled by its own
 *   extremes, through which no gradient flows; the term with h~ of another sample is really added (M5).
 * Deviation: losses of different tasks are divided by what knowing nothing costs, so that their variance
 *   compares them; no temperature, which would only scale training logits (M11).
 * Deviation: denoising is an option (`denoising`), on in the paper's preset: sums of codes, and half of the codes
 *   dropped, do its work on small cohorts.
 * Deviation: vectors of codes go on being trained; the published ones are frozen, and never were trained (M4).
 * Deviation: vectors of codes are normalised first; a table that starts small would drown in what visits hear.
 * Deviation: beside h the output reads sums of code vectors over the history and over the last visit,
 *   through a hidden layer (`code-sums.ts`), as attention averages over codes but risks add up, and the facts once
 *   more. `readout = summary` is the equation above, and the paper's preset.
 * Deviation: visits and the sample start from times and facts instead of from noise; other codes are a fourth
 *   type of node. In training, whole codes are dropped (`codeDropout`), 0 in the paper's preset.
 */
import { BenchError } from "../core/errors.ts";
import type { LabelKind } from "../core/label.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { gelu } from "../engine/ops/activation.ts";
import { add, mul, scale } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice, transpose } from "../engine/ops/layout.ts";
import { multiplyDims } from "../engine/shape.ts";
import { checkHeads, checkRates, checkSizes, checkWord } from "./checks.ts";
import { embedCodes } from "./code-embedding.ts";
import { codeSums, READOUTS, readSums, sameLayer } from "./code-sums.ts";
import { type EgoGraph, type Nodes, readEgoGraph } from "./ego-graph.ts";
import { defineGraphModel } from "./graph-model.ts";
import {
  type ForwardContext,
  type GraphModel,
  type LossContext,
  RIDGE_DEFAULTS,
} from "./model-graphs.ts";
import { NOISE, noiseLoss, taskLoss } from "./mult-ehr-losses.ts";
import { multEhrStages } from "./mult-ehr-stages.ts";
import { FACT_COLUMNS, subjectFacts } from "./subject-facts.ts";
import { CODE_TYPES, type CodeType, stretchOf, TYPED_LENGTH, typedCodes } from "./typed-codes.ts";
import { visitInputs } from "./visit-inputs.ts";
import { logDays } from "./visit-sums.ts";

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  /** Of a code's vector before W_type. */
  inputWidth: 64,
  width: 64,
  heads: 4,
  layers: 2,
  /** Of the states of nodes. */
  dropout: 0.1,
  /** Of elements of E[c]. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  initialScale: 0.02,
  /** Whether the second stack is trained; it takes nearly as long as the first. */
  denoising: false,
  /** reg. */
  noiseWeight: 0.005,
  /** What the output reads: `summary`, or `summary+sums`. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 128,
  maxVisits: 16,
  maxCodes: 512,
  pretrainEpochs: 1,
  pretrainLearningRate: 1e-3,
  /** γ of the edges. */
  edgeMargin: 0.1,
};
type H = typeof DEFAULTS;
type Context = ForwardContext<H>;

const COLUMNS = [
  ...["codes", "mask", "kinds", "membership", "visitMask", "visitsAfter", "visitDays"],
  ...FACT_COLUMNS,
] as Parameters<typeof visitInputs>[3];

/** E[c], [B*L, inputWidth]. */
function embed({ inputs, tokenizer, hyperparameters: h }: Context): Tensor {
  return embedCodes(inputs["codes"] as Tensor, tokenizer, h.inputWidth, h.initialScale);
}

/** A value for each type of codes. */
function byType<T>(make: (type: CodeType) => T): Readonly<Record<CodeType, T>> {
  const entries = CODE_TYPES.map((type) => [type, make(type)] as const);
  return Object.fromEntries(entries) as Readonly<Record<CodeType, T>>;
}

/** h_c of each type, [B*n, D]. */
function codeNodes(vectors: Tensor, { hyperparameters: h }: Context) {
  const whole = dropout(layerNorm(vectors, "norm"), h.inputDropout, "history");
  const kept = mask(whole, [multiplyDims("B", TYPED_LENGTH), 1], h.codeDropout, "words");
  const rows = reshape(kept, ["B", TYPED_LENGTH, h.inputWidth]);
  return byType((type): Nodes => {
    const { from, to, count } = stretchOf(type);
    const own = reshape(slice(rows, 1, from, to), [multiplyDims("B", count), h.inputWidth]);
    return { states: gelu(linear(own, h.width, `${type}.input`, { fewRows: true })), count };
  });
}

/** h_v, [B*T, D]. */
function visitStates({ inputs, hyperparameters: h }: Context): Tensor {
  const times = concat(
    [logDays(inputs["visitDays"] as Tensor), logDays(inputs["visitsAfter"] as Tensor)],
    2,
  );
  const rows = reshape(times, [multiplyDims("B", h.maxVisits), 2]);
  return gelu(linear(rows, h.width, "visit.input", { fewRows: true }));
}

/** 1 where x < y: an earlier visit, [1, T, T]. */
function earlier(g: Graph, T: number): Tensor {
  const cells = Array.from({ length: T * T }, (_, i) => (i % T < Math.floor(i / T) ? 1 : 0));
  return g.floats(cells, [1, T, T]);
}

function egoGraph(vectors: Tensor, context: Context): EgoGraph {
  const { graph: g, inputs, hyperparameters: h } = context;
  const T = h.maxVisits;
  const membership = transpose(inputs["membership"] as Tensor, [0, 2, 1]); // [B, T, L]
  const edges = (type: CodeType) => slice(membership, 2, stretchOf(type).from, stretchOf(type).to);
  const visitMask = reshape(inputs["visitMask"] as Tensor, ["B", 1, T]);
  return {
    codes: codeNodes(vectors, context),
    visits: { states: visitStates(context), count: T },
    sample: {
      states: gelu(linear(subjectFacts(context), h.width, "sample.input", { fewRows: true })),
      count: 1,
    },
    ofVisit: byType(edges),
    before: mul(earlier(g, T), visitMask),
    visitMask,
  };
}

/** What the losses need beside the logits, by training graph. */
interface Denoised {
  readonly h: Tensor;
  readonly trivial: Tensor;
  /** Of another state in the place of h. */
  readonly logits: (state: Tensor) => Tensor;
}
const denoised = new WeakMap<Graph, Denoised>();

/** Logits of states [B, D]; what is called again uses the same layers. */
function output(context: Context, vectors: Tensor): (state: Tensor, name: string) => Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  if (h.readout === "summary") return (state) => sameLayer(state, classes, "output");
  const sums = codeSums(vectors, [inputs["share"] as Tensor, inputs["isLast"] as Tensor], h);
  const facts = subjectFacts(context);
  return (state, name) => readSums(concat([state, facts], 1), sums, classes, h, name);
}

function forward(context: Context): Tensor {
  const { graph: g, hyperparameters: h } = context;
  const vectors = embed(context);
  const ego = egoGraph(vectors, context);
  const read = output(context, vectors);
  const state = dropout(readEgoGraph(ego, "causal", h), h.dropout, "sample");
  const logits = read(state, "read");
  if (g.training && h.denoising) {
    const trivial = readEgoGraph(ego, "trivial", h);
    denoised.set(g, { h: state, trivial, logits: (other) => read(other, "disturbed") });
  }
  return logits;
}

/** Rows of the next sample of the part, the first for the last. */
function ofAnother(x: Tensor): Tensor {
  const width = x.shape[1] as number;
  const last = slice(x, 0, 0, 1);
  const rest = slice(x, 0, 1, "B");
  return reshape(concat([rest, last], 0), ["B", width]);
}

function loss(context: LossContext<H>, kind: LabelKind): Tensor {
  const { graph: g, logits, targets, weighting, hyperparameters: h } = context;
  const task = (z: Tensor) => taskLoss(kind, z, targets, weighting);
  const parts = denoised.get(g);
  if (parts === undefined) return task(logits);
  const disturbed = parts.logits(add(parts.h, ofAnother(parts.trivial)));
  const both = scale(add(task(logits), task(disturbed)), 0.5);
  return add(both, scale(noiseLoss(parts.trivial, weighting), h.noiseWeight));
}

/** h of a timeline, as training computes it. */
const pretrain: NonNullable<GraphModel<H>["pretrain"]> = (context, setup) =>
  multEhrStages(context, setup, ({ graph, inputs }) => {
    const { tokenizer, raceCount, hyperparameters } = setup;
    const timeline = { graph, inputs, tokenizer, raceCount, hyperparameters, classes: 0 };
    const ego = egoGraph(embed(timeline), timeline);
    return dropout(readEgoGraph(ego, "causal", hyperparameters), hyperparameters.dropout, "sample");
  });

function check(h: H): void {
  checkRates(h);
  checkHeads(h.width, h.heads);
  checkSizes(h, ["inputWidth", "width", "heads", "layers", "hidden", "maxVisits", "maxCodes"]);
  checkWord("readout", h.readout, READOUTS);
  const refuse = (what: string, fix: string): never => {
    throw new BenchError({ what, fix, exitCode: 2 });
  };
  if (h.layers < 2) refuse(`layers is ${h.layers}`, "give 2 or more: codes are two edges away");
  // Fewer rows than columns in a product would make its bits depend on the number of threads.
  if (h.maxVisits < h.width / h.heads)
    refuse(`maxVisits is ${h.maxVisits}`, `give at least width / heads, ${h.width / h.heads}`);
}

/** The model with the loss of a kind of label, and the noise that is fed to it. */
export function withLoss(kind: LabelKind, { denoising, width }: H): GraphModel<H> {
  const lossFeeds: NonNullable<GraphModel<H>["lossFeeds"]> = (samples, _, random) => ({
    [NOISE]: Float32Array.from({ length: samples.length * width }, () => random.uniform()),
  });
  return {
    ...multEhrModel,
    loss: (context) => loss(context, kind),
    ...(denoising ? { lossFeeds } : {}),
  };
}

export const multEhrModel: GraphModel<H> = {
  name: "mult-ehr",
  version: 3,
  description:
    "Attention over the graph of a sample, its visits and their codes; pretrained on edges and on several tasks.",
  reference: "Chan et al., Neural Networks, 106644, 2024",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      inputWidth: 128,
      width: 64,
      heads: 8,
      readout: "summary",
      denoising: true,
      dropout: 0.05,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 1,
      averaging: 0,
      batchSize: 2000,
      learningRate: 0.005,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
      pretrainEpochs: 100,
      pretrainLearningRate: 0.05,
    },
  },
  history: ({ maxCodes }) => ({ maxCodes, repeats: "once-per-visit" }),
  check,
  inputs: (source, tokenizer, { maxVisits, maxCodes, readout }) =>
    typedCodes(
      visitInputs(
        source,
        tokenizer,
        { maxVisits, maxVisitCodes: maxCodes, order: "oldest-first", fixedVisits: true },
        readout === "summary" ? COLUMNS : [...COLUMNS, "share", "isLast"],
      ),
    ),
  bytesOfSample: (length, { heads, maxVisits }) => 4 * heads * maxVisits * length,
  withData: async ({ labels }, h) => withLoss(labels.kind, h),
  forward,
  pretrain,
};

export const multEhr = defineGraphModel(multEhrModel);
