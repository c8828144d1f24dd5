/**
 * The graph around one sample, and the attention of a heterogeneous graph transformer on it (Hu et al., WWW
 * 2020, as MulT-EHR has it). Nodes: the sample itself (the patient at the prediction time), T visits, and L
 * codes of four types. Edges have one direction: code -> its visit, earlier visit -> later visit, visit ->
 * sample. So no node hears of another subject, of a later visit, or of what the task hides.
 *
 *   per relation r from nodes x of type s to a node y of type t, per head:
 *     key = K_s(h_x) A_r,  val = V_s(h_x) M_r
 *     a   = softmax over the neighbours of y of (Q_t(h_y) · key) μ_r / sqrt(D_k);   m_r(y) = Σ_x a val, or 0
 *   m(y)  = mean over the relations that end in y's type of m_r(y)
 *   h_y'  = drop(LN(γ_t (m(y) O_t + b_t) + (1 - γ_t) h_y)),  γ_t = σ(skip_t)
 *
 * Neighbourhoods are masks, so that every product is dense. Codes have no incoming edges and stay as they are; those
 * of one type stand together (`typed-codes.ts`), as each type has keys and values of its own. There are many codes and
 * few visits: A_r is multiplied to the queries, Q · (K A_r) = (Q A_rᵀ) · K, and M_r to what was read.
 */
import type { Graph, Tensor } from "../engine/graph.ts";
import { ones, xavierUniform } from "../engine/initial.ts";
import { HIDDEN } from "../engine/layers/attention-bias.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { sigmoid } from "../engine/ops/activation.ts";
import { attention } from "../engine/ops/attention.ts";
import { add, mul, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { reshape, transpose } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { max } from "../engine/ops/reduction.ts";
import { type Dim, multiplyDims } from "../engine/shape.ts";
import { CODE_TYPES, type CodeType } from "./typed-codes.ts";

/** Widths up to which few rows are harmless; see `engine/ops/matmul.ts`. */
const NARROW = 128;

/** Nodes of one type: their states [B*n, D]. */
export interface Nodes {
  readonly states: Tensor;
  /** n. */
  readonly count: Dim;
}

export interface EgoGraph {
  /** n_k of each type. */
  readonly codes: Readonly<Record<CodeType, Nodes>>;
  readonly visits: Nodes;
  readonly sample: Nodes;
  /** Whether a code belongs to a visit, by the code's type, [B, T, n_k]. */
  readonly ofVisit: Readonly<Record<CodeType, Tensor>>;
  /** Whether a visit comes before another, [B, T, T]: row y, column x. */
  readonly before: Tensor;
  /** Whether there is such a visit, [B, 1, T]. */
  readonly visitMask: Tensor;
}

export interface EgoOptions {
  /** D. */
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly dropout: number;
}

/** [B*n, D] -> [B, H, n, D/H]. */
function split({ states, count }: Nodes, name: string, { width, heads }: EgoOptions): Tensor {
  const projected = linear(states, width, name, { fewRows: width > NARROW });
  return transpose(reshape(projected, ["B", count, heads, width / heads]), [0, 2, 1, 3]);
}

/** Keys and values of the nodes of one type, [B, H, n, D/H]. */
interface Source {
  readonly keys: Tensor;
  readonly values: Tensor;
}

function sourceOf(nodes: Nodes, type: string, options: EgoOptions): Source {
  const scope = (part: string) => `${type}.${part}`;
  return {
    keys: split(nodes, scope("key"), options),
    values: split(nodes, scope("value"), options),
  };
}

/** m_r of m nodes, [B, m, D], for queries [B, H, m, D/H] and neighbours [B, m, n] of 0 and 1. */
function message(
  relation: string,
  queries: Tensor,
  { keys, values }: Source,
  neighbours: Tensor,
  { width, heads }: EgoOptions,
): Tensor {
  const g: Graph = queries.graph;
  const d = width / heads;
  const [, m, n] = neighbours.shape as readonly [Dim, Dim, Dim];
  return g.scope(relation, () => {
    const initial = xavierUniform(d, d);
    const A = g.parameter("attention", [heads, d, d], initial);
    const M = g.parameter("message", [heads, d, d], initial);
    const weight = reshape(g.parameter("weight", [heads], ones, false), [1, heads, 1, 1]);
    const bias = reshape(scale(shift(neighbours, -1), -HIDDEN), ["B", 1, m, n]);
    const turned = matmul(mul(queries, weight), transpose(A, [0, 2, 1]));
    const read = matmul(attention(turned, keys, values, { bias }), M);
    const merged = reshape(transpose(read, [0, 2, 1, 3]), ["B", m, width]);
    return mul(merged, max(neighbours, 2, { keep: true })); // nothing from nobody
  });
}

/** h_y' from the messages of all relations, each [B, m, D]. */
function update(
  nodes: Nodes,
  messages: readonly Tensor[],
  type: string,
  options: EgoOptions,
): Nodes {
  const g = nodes.states.graph;
  const { width } = options;
  const mean = scale(messages.reduce(add), 1 / messages.length);
  const rows = reshape(mean, [multiplyDims("B", nodes.count), width]);
  return g.scope(type, () => {
    const gate = sigmoid(g.parameter("skip", [1], ones, false));
    const fresh = mul(linear(rows, width, "output", { fewRows: true }), gate);
    const kept = mul(nodes.states, sub(g.scalar(1), gate));
    const states = dropout(layerNorm(add(fresh, kept), "norm"), options.dropout, "states");
    return { ...nodes, states };
  });
}

/** Visits hear of their codes and of the visits before them, [B*T, D]. */
function updateVisits(graph: EgoGraph, fromVisits: Source, options: EgoOptions): Nodes {
  const { codes, visits, ofVisit, before } = graph;
  const queries = split(visits, "visit.query", options);
  const messages = CODE_TYPES.map((type) => {
    const source = sourceOf(codes[type], type, options);
    return message(`${type}OfVisit`, queries, source, ofVisit[type], options);
  });
  messages.push(message("visitBeforeVisit", queries, fromVisits, before, options));
  return update(visits, messages, "visit", options);
}

/** One layer; all nodes are updated from their neighbours' states before it. */
function layer(graph: EgoGraph, isLast: boolean, options: EgoOptions): EgoGraph {
  const { visits, sample, visitMask } = graph;
  const fromVisits = sourceOf(visits, "visit", options);
  const queries = split(sample, "sample.query", options);
  const heard = message("visitOfSample", queries, fromVisits, visitMask, options);
  const next = { ...graph, sample: update(sample, [heard], "sample", options) };
  // After the last layer nothing reads the visits any more.
  return isLast ? next : { ...next, visits: updateVisits(graph, fromVisits, options) };
}

/** The sample's state after all layers, [B, D]; of two, the first brings codes to visits. */
export function readEgoGraph(start: EgoGraph, name: string, options: EgoOptions): Tensor {
  const g = start.sample.states.graph;
  let graph = start;
  for (let i = 0; i < options.layers; i++) {
    const isLast = i === options.layers - 1;
    graph = g.scope(`${name}.layer${i}`, () => layer(graph, isLast, options));
  }
  return reshape(graph.sample.states, ["B", options.width]);
}
