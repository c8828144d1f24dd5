/**
 * The two stages of GT-BEHRT before training (`gt-behrt.ts` says what they are). What is hidden is drawn anew
 * for each batch, and is gone from the inputs: a missing node has no place in its graph, and a hidden type is 0.
 */
import type { FitContext } from "../core/model.ts";
import type { Random } from "../core/random.ts";
import { FIRST_KNOWN_UNIT } from "../core/tokenizer.ts";
import type { Tensor } from "../engine/graph.ts";
import { linear } from "../engine/layers/linear.ts";
import { add } from "../engine/ops/elementwise.ts";
import { oneHot, takeRows } from "../engine/ops/indexing.ts";
import { softmaxLoss } from "../engine/ops/losses.ts";
import type { BatchSource, Collated } from "./batch-source.ts";
import { frozenTables } from "./code-embedding.ts";
import { hiddenCodeLoss, hiddenFeeds, hiddenInputs, maskCodes } from "./masked-codes.ts";
import type { Full, Setup } from "./model-graphs.ts";
import { type PretrainStage, runStage, type StageFeeds, type StageGraph } from "./pretraining.ts";
import { NODE, VISIT_TYPES } from "./visit-graphs.ts";

/** Hyperparameters that the stages read. */
export interface StageHyperparameters {
  readonly [name: string]: number | string | boolean;
  readonly initialScale: number;
  readonly pretrainEpochs: number;
  readonly pretrainLearningRate: number;
  readonly maskShare: number;
  readonly missingShare: number;
  readonly typeShare: number;
}

/** The network, as far as the stages need it. */
export interface Encoders {
  /** Outputs of all nodes, [G*n, g]. */
  nodes(stage: StageGraph): Tensor;
  /** Outputs of all positions, [B*(T + 1), d], cls first. */
  visits(stage: StageGraph): Tensor;
}

/** Nodes and logits of a part of a pretraining batch: bounds the logits of hidden codes, N times the vocabulary. */
const PRETRAIN_TOKENS = 4096;

/** What the first stage reads; a network without visits has no input for the rest. */
const NODE_COLUMNS = ["nodes", "special", "nodeClass", "nodeMask"];

function onlyColumns(source: BatchSource, names: readonly string[]): BatchSource {
  const only = <T>(all: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
  return {
    ...source,
    specs: only(source.specs),
    collate: (samples) => {
      const { feeds, dims } = source.collate(samples);
      return { feeds: only(feeds), dims };
    },
  };
}

/** Hidden nodes become MASK; their class stays. */
export function hideNodes(
  { feeds }: Collated,
  vocabularySize: number,
  share: number,
  random: Random,
): StageFeeds {
  const masked = maskCodes(
    feeds["nodes"] as Int32Array,
    vocabularySize,
    { share, toMask: 1 },
    random,
  );
  const special = (feeds["special"] as Int32Array).slice();
  for (const at of masked.masked) special[at] = NODE.mask;
  const hidden = hiddenFeeds("masked", masked);
  return {
    feeds: { ...hidden.feeds, nodes: masked.codes, special },
    dims: hidden.dims,
    weight: masked.at.length,
  };
}

/** Takes a node out of some visits that have more than one, and hides the types of some. */
export function hideVisits(
  { feeds, dims }: Collated,
  shares: { readonly missingShare: number; readonly typeShare: number },
  random: Random,
): StageFeeds {
  const { B = 0, T = 0, n = 0 } = dims;
  const graph = feeds["graph"] as Int32Array;
  const visitMask = feeds["visitMask"] as Float32Array;
  const nodes = (feeds["nodes"] as Int32Array).slice();
  const nodeMask = (feeds["nodeMask"] as Float32Array).slice();
  const visitType = (feeds["visitType"] as Int32Array).slice();
  const missing: { at: number[]; hidden: number[] } = { at: [], hidden: [] };
  const typed: { at: number[]; hidden: number[] } = { at: [], hidden: [] };
  let visits = 0;
  for (let slot = 0; slot < B * T; slot++) {
    if (visitMask[slot] === 0) continue;
    visits += 1;
    const state = Math.floor(slot / T) * (T + 1) + 1 + (slot % T); // behind the sample's cls
    const lost =
      random.uniform() < shares.missingShare
        ? drawNode(nodes, nodeMask, graph[slot] as number, n, random)
        : undefined;
    if (lost !== undefined) {
      missing.at.push(state);
      missing.hidden.push(nodes[lost] as number);
      nodes[lost] = 0;
      nodeMask[lost] = 0;
    }
    if (random.uniform() >= shares.typeShare) continue;
    typed.at.push(state);
    typed.hidden.push(visitType[slot] as number);
    visitType[slot] = 0;
  }
  const codes = hiddenFeeds("missing", missing);
  const types = hiddenFeeds("types", typed, 0);
  return {
    feeds: { ...codes.feeds, ...types.feeds, nodes, nodeMask, visitType },
    dims: { ...codes.dims, ...types.dims },
    weight: visits,
  };
}

/** A known code of a graph that has at least one other code; undefined where there is none. */
function drawNode(
  nodes: Int32Array,
  nodeMask: Float32Array,
  graph: number,
  n: number,
  random: Random,
): number | undefined {
  const known: number[] = [];
  let codes = 0;
  for (let i = graph * n + 1; i < (graph + 1) * n; i++) {
    codes += nodeMask[i] as number;
    if ((nodes[i] as number) >= FIRST_KNOWN_UNIT) known.push(i);
  }
  return codes > 1 && known.length > 0 ? known[random.below(known.length)] : undefined;
}

/** Cross entropy of hidden visit types, from the visits' outputs x [m, d]. */
function typeLoss(x: Tensor, total: Tensor): Tensor {
  const { at, hidden, weight } = hiddenInputs(x.graph, "types");
  const logits = linear(takeRows(x, at), VISIT_TYPES, "typeHead", { fewRows: true });
  return softmaxLoss(logits, oneHot(hidden, VISIT_TYPES), { weight, total });
}

/** Runs both stages; training starts from what the second leaves. */
export async function graphStages<H extends StageHyperparameters>(
  context: FitContext,
  setup: Setup<H>,
  encoders: Encoders,
) {
  const { model, tokenizer } = setup;
  const h: Full<H> = setup.hyperparameters;
  const timelines = await context.timelines(model.history(h));
  const source: BatchSource = model.inputs(timelines, tokenizer, { ...h, readout: "summary" });
  const common = {
    source,
    limits: { ...setup.limits, tokens: PRETRAIN_TOKENS },
    hyperparameters: { ...h, learningRate: h.pretrainLearningRate },
    epochs: h.pretrainEpochs,
    held: frozenTables(tokenizer),
  };
  const loss = (x: Tensor, name: string, total: Tensor) =>
    hiddenCodeLoss(x, name, { tokenizer, total, deviation: h.initialScale });
  const nodes: PretrainStage = {
    ...common,
    source: onlyColumns(source, NODE_COLUMNS),
    name: "masked-nodes",
    loss: (stage) => loss(encoders.nodes(stage), "masked", stage.total),
    feeds: (_, collated, random) =>
      hideNodes(collated, tokenizer.vocabularySize, h.maskShare, random),
  };
  const first = await runStage(nodes, context);
  const visits: PretrainStage = {
    ...common,
    name: "missing-nodes",
    loss: (stage) => {
      const x = encoders.visits(stage);
      return add(loss(x, "missing", stage.total), typeLoss(x, stage.total));
    },
    feeds: (_, collated, random) => hideVisits(collated, h, random),
    start: first.parameters,
  };
  const second = await runStage(visits, context);
  return { parameters: second.parameters, summaries: [first.summary, second.summary] };
}
