/**
 * GT-BEHRT: each visit a small graph of its codes, read by a graph transformer; BERT over the visits.
 *
 * Poulain, Beheshti: Graph Transformers on EHRs: Better Representation Improves Downstream Performance, ICLR
 * 2024, and its published notebook, the only code there is. Notation: B samples, T visits, G graphs (all visits of
 * a batch), n nodes (slot 0 the virtual node), g width of nodes, K heads, d width of visits, C classes.
 *
 * Graph transformer (`visit-graph-encoder.ts`), `graphLayers` times over fully connected nodes with typed edges:
 *   u      = Z[virtual node]                                                                 [G, g]
 * Over visits:
 *   row_t  = [u_t; Type[type]; PE(visits after t); PE(age); PE(days to the prediction)]      [B, T, 5g]
 *   X_0    = LN(GELU(GELU(drop(LN([cls; rows])) W_a + b_a) W_b + b_b))                       [B, T + 1, d]
 *   X      = n blocks, each attention and a feed-forward layer with GELU, normalised after
 *   pooled = tanh(X[:, cls] W_p + b_p),   logits = pooled W + b                              [B, C]
 *
 * Pretraining on whole records of training subjects in two stages, which no published code shows; as others
 * describe them:
 *   masked-nodes    node attribute masking: hidden nodes are MASK; each is predicted from its own output
 *   missing-nodes   missing node prediction: one code of a visit is taken out of its graph and predicted from
 *                   the visit's output; visit type prediction: half of the types are hidden and predicted
 *                   from it too. Both losses are sums over the visits of a batch, divided by their number.
 *
 * PE is the sinusoid of Vaswani et al. (2017), section 3.5, a constant (models.md GB1). Norms are per node and
 * per visit: a sample's score does not depend on the others in its batch (GB2).
 * The latest `maxVisits` visits are read, and the latest `maxNodes` - 1 codes of each (GB8).
 *
 * Deviation: days to the prediction take the place of the day of the year, as samples carry no calendar.
 * Deviation: positions count back from the latest visit, so that truncation moves nothing.
 * Deviation: codes that are no diagnosis, procedure or drug count as diagnoses for the types of edges, so that
 *   there are the paper's seven. Which pair of classes has which type is not published.
 * Deviation: gaps and lengths of stays are left out of the visits; the notebook embeds and drops them (GB3).
 * Deviation: beside its summary (`pooled`) the output reads sums of code vectors over the history and over the last visit,
 *   through a hidden layer (`code-sums.ts`), as attention averages over codes but risks add up, and what is known of
 *   the subject (`subject-facts.ts`). `readout = summary` is the equation above, and the paper's preset.
 * Deviation: layers start as torch's, tables at N(0, 0.02²); norms use an epsilon of 1e-5; dropout also acts
 *   inside the feed-forward layers over visits; dropout of whole codes (`codeDropout`), 0 in the paper's preset.
 */

import type { FitContext } from "../core/model.ts";
import type { Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { paddingBias } from "../engine/layers/attention-bias.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { lookup, sinusoid, table } from "../engine/layers/embedding.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { gelu, tanh } from "../engine/ops/activation.ts";
import { mul } from "../engine/ops/elementwise.ts";
import { takeRows } from "../engine/ops/indexing.ts";
import { concat, expand, reshape } from "../engine/ops/layout.ts";
import { sum } from "../engine/ops/reduction.ts";
import { addDims, multiplyDims } from "../engine/shape.ts";
import { encodeSequence } from "./bert-encoder.ts";
import { checkHeads, checkRates, checkSizes, checkWord } from "./checks.ts";
import { codeSums, READOUTS, readSums } from "./code-sums.ts";
import { defineGraphModel } from "./graph-model.ts";
import { graphStages } from "./gt-behrt-stages.ts";
import { type ForwardContext, type GraphModel, TRAINING_DEFAULTS } from "./model-graphs.ts";
import { subjectFacts } from "./subject-facts.ts";
import { embedWords, encodeGraphs } from "./visit-graph-encoder.ts";
import { graphInputs, NODE_CLASSES, VISIT_TYPES, visitTypes } from "./visit-graphs.ts";

const VISITS = multiplyDims("B", "T");
const P = addDims("T", 1);
/** Parts of row_t. */
const PARTS = 5;
/** Widths up to which few rows are harmless; see `engine/ops/matmul.ts`. */
const NARROW = 128;

const DEFAULTS = {
  ...TRAINING_DEFAULTS,
  learningRate: 1e-3,
  batchSize: 32,
  weightDecay: 1,
  /** g. */
  nodeWidth: 48,
  graphHeads: 2,
  graphLayers: 2,
  /** d. */
  width: 96,
  heads: 4,
  layers: 1,
  feedForward: 128,
  /** In both transformers. */
  dropout: 0.3,
  attentionDropout: 0,
  /** Of whole codes. */
  codeDropout: 0.5,
  /** Standard deviation of tables at the start. */
  initialScale: 0.02,
  /** What the output reads: `summary`, or `summary+sums`. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 128,
  maxVisits: 32,
  maxNodes: 48,
  pretrainEpochs: 1,
  pretrainLearningRate: 1e-3,
  /** Share of nodes that are hidden in the first stage. */
  maskShare: 0.15,
  /** Shares of visits that lose a node, and their type, in the second. */
  missingShare: 0.5,
  typeShare: 0.5,
};
type H = typeof DEFAULTS;

type Encoder = Pick<ForwardContext<H>, "graph" | "inputs" | "tokenizer" | "hyperparameters">;

/** rows, [B*T, 5g]; padding is taken out by the attention's bias. */
export function embedVisits(words: Tensor, context: Encoder): Tensor {
  const { graph, inputs, hyperparameters: h } = context;
  const g = h.nodeWidth;
  const visits = takeRows(encodeGraphs(words, context, "visits"), inputs["graph"] as Tensor);
  const types = table(graph, "type.table", VISIT_TYPES, g, { initial: normal(h.initialScale) });
  const wave = (name: string) => sinusoid(reshape(inputs[name] as Tensor, [VISITS, 1]), g);
  const known = reshape(inputs["ageKnown"] as Tensor, [VISITS, 1]);
  const parts = [
    reshape(visits, [VISITS, g]),
    reshape(lookup(types, inputs["visitType"] as Tensor), [VISITS, g]),
    wave("visitsAfter"),
    mul(wave("ageYears"), known),
    wave("daysBefore"),
  ];
  return concat(parts, 1);
}

/** X_0, [B*P, d], with cls first. */
function embedSequence(words: Tensor, context: Encoder): Tensor {
  const { graph, hyperparameters: h } = context;
  const wide = PARTS * h.nodeWidth;
  const cls = graph.parameter("cls", [1, 1, wide], normal(1), false);
  const rows = reshape(embedVisits(words, context), ["B", "T", wide]);
  const all = concat([expand(cls, ["B", 1, wide]), rows], 1);
  const few = { fewRows: true };
  const normed = layerNorm(reshape(all, [multiplyDims("B", P), wide]), "rowNorm");
  const a = gelu(linear(dropout(normed, h.dropout, "rows"), h.width, "mix1", few));
  return layerNorm(gelu(linear(a, h.width, "mix2", few)), "mixNorm");
}

/** X of all positions, [B*P, d], or of cls alone, [B, d]. */
function encodeVisits(words: Tensor, context: Encoder, reads: "all" | "first"): Tensor {
  const { graph, inputs, hyperparameters: h } = context;
  const shown = [expand(graph.scalar(1), ["B", 1]), inputs["visitMask"] as Tensor];
  return encodeSequence(embedSequence(words, context), h, {
    name: "layer",
    layers: h.layers,
    length: P,
    bias: paddingBias(concat(shown, 1)),
    reads,
  });
}

/** Sums of the codes of all kept visits and of the latest one, [B, 2g]. */
function historySums(words: Tensor, { inputs, hyperparameters: h }: Encoder): Tensor {
  const byGraph = codeSums(words, [inputs["share"] as Tensor, inputs["isLast"] as Tensor], h);
  const byVisit = takeRows(byGraph, inputs["graph"] as Tensor); // [B, T, 2g]
  return sum(mul(byVisit, reshape(inputs["visitMask"] as Tensor, ["B", "T", 1])), [1]);
}

function forward(context: ForwardContext<H>): Tensor {
  const { hyperparameters: h, classes } = context;
  const few = { fewRows: true };
  const words = embedWords(context);
  const pooled = tanh(linear(encodeVisits(words, context, "first"), h.width, "pool", few));
  if (h.readout === "summary") return linear(pooled, classes, "output", few);
  const known = concat([pooled, subjectFacts(context)], 1);
  return readSums(known, historySums(words, context), classes, h);
}

/** The model with the types of visits of one code table. */
function withTypes(types: Uint8Array): GraphModel<H> {
  const inputs: GraphModel<H>["inputs"] = (source, tokenizer, h) =>
    graphInputs(source, tokenizer, {
      maxVisits: h.maxVisits,
      maxNodes: h.maxNodes,
      visitTypes: types,
      sums: h.readout !== "summary",
      wide: Math.max(h.width, h.feedForward) > NARROW,
    });
  return { ...gtBehrtModel, inputs };
}

function check(h: H): void {
  checkRates(h, ["maskShare", "missingShare", "typeShare"]);
  checkHeads(h.width, h.heads);
  const sizes = ["nodeWidth", "graphHeads", "graphLayers", "width", "heads", "layers"];
  checkSizes(h, [...sizes, "feedForward", "hidden", "maxVisits", "maxNodes"]);
  checkWord("readout", h.readout, READOUTS);
}

/** Histories are cut by visits, not by codes; a limit that none reaches. */
const ALL_CODES = 1e9;

export const gtBehrtModel: GraphModel<H> = {
  name: "gt-behrt",
  version: 3,
  description: "A graph transformer over the codes of each visit, BERT over the visits.",
  reference: "Poulain and Beheshti, ICLR 2024",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      nodeWidth: 108,
      graphLayers: 3,
      width: 540,
      heads: 12,
      layers: 6,
      feedForward: 512,
      readout: "summary",
      dropout: 0.2,
      attentionDropout: 0.2,
      codeDropout: 0,
      averaging: 0,
      maxVisits: 50,
      batchSize: 64,
      learningRate: 3e-5,
      epsilon: 1e-8,
      weightDecay: 0.01,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
      pretrainEpochs: 10,
      pretrainLearningRate: 3e-5,
    },
  },
  history: () => ({ maxCodes: ALL_CODES, repeats: "once-per-visit" }),
  check,
  withData: async ({ codes }: FitContext) => withTypes(visitTypes(codes)),
  inputs: (source, tokenizer, h) => withTypes(new Uint8Array()).inputs(source, tokenizer, h),
  bytesOfSample: (length, h) => 4 * length * Math.max(h.graphHeads * h.maxNodes, NODE_CLASSES ** 2),
  forward,
  pretrain: (context, setup) => {
    const { tokenizer, hyperparameters } = setup;
    return graphStages(context, setup, {
      nodes: (graph) => {
        const stage = { ...graph, tokenizer, hyperparameters };
        return encodeGraphs(embedWords(stage), stage, "nodes");
      },
      visits: (graph) => {
        const stage = { ...graph, tokenizer, hyperparameters };
        return encodeVisits(embedWords(stage), stage, "all");
      },
    });
  },
};

export const gtBehrt = defineGraphModel(gtBehrtModel);
