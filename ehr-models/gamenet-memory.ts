/**
 * GAMENet's memory of drugs (`gamenet.ts` has its equations and notation): vectors of classes from the graphs of what
 * is given together and what interacts, read by the current visit and by the visits before it.
 */
import type { Graph, Tensor } from "../engine/graph.ts";
import { uniform } from "../engine/initial.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { relu, sigmoid, softmax } from "../engine/ops/activation.ts";
import { add, mul, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice, transpose } from "../engine/ops/layout.ts";
import { affine, matmul } from "../engine/ops/matmul.ts";
import { sum } from "../engine/ops/reduction.ts";
import { type DrugMemory, neighbourMean } from "./drug-graphs.ts";
import type { ForwardContext } from "./model-graphs.ts";

const TOGETHER = "graph.together";
const INTERACTING = "graph.interacting";
/** The input with A_d as it is, for the loss. */
export const INTERACTIONS = "graph.interactions";

export interface MemoryOptions {
  /** e. */
  readonly width: number;
  readonly graphDropout: number;
  /** T. */
  readonly maxVisits: number;
}

type MemoryContext = Pick<ForwardContext<MemoryOptions>, "graph" | "inputs" | "hyperparameters">;

/** The graphs as values of the inputs that never change. */
export function heldGraphs({ together, interacting }: DrugMemory) {
  const held = { [TOGETHER]: neighbourMean(together) };
  if (interacting === undefined) return held;
  const interactions = Float32Array.from(interacting);
  return { ...held, [INTERACTING]: neighbourMean(interacting), [INTERACTIONS]: interactions };
}

/** Â (drop(ReLU(Â W0 + b0)) W1) + b1, [D, e]. */
function graphConvolution(
  mean: Tensor,
  name: string,
  { width: e, graphDropout }: MemoryOptions,
): Tensor {
  const g = mean.graph;
  const D = mean.shape[0] as number;
  const initial = uniform(1 / Math.sqrt(e));
  return g.scope(name, () => {
    const w0 = g.parameter("weight0", [D, e], initial);
    const b0 = g.parameter("bias0", [e], initial, false);
    const w1 = g.parameter("weight1", [e, e], initial);
    const b1 = g.parameter("bias1", [e], initial, false);
    const hidden = dropout(relu(add(matmul(mean, w0), b0)), graphDropout, "hidden");
    return add(matmul(mean, matmul(hidden, w1)), b1);
  });
}

/** Mem, [D, e]. */
export function drugVectors(g: Graph, memory: DrugMemory, h: MemoryOptions): Tensor {
  const D = memory.classes.groups.length;
  const together = graphConvolution(g.input(TOGETHER, [D, D]), "together", h);
  if (memory.interacting === undefined) return together;
  const apart = graphConvolution(g.input(INTERACTING, [D, D]), "interacting", h);
  const weight = g.parameter("interactionWeight", [1], uniform(0.1), false);
  return sub(together, mul(apart, sigmoid(weight)));
}

/** x w for few rows. */
function rowsTimes(x: Tensor, w: Tensor): Tensor {
  const zeros = x.graph.floats(new Array<number>(w.shape[1] as number).fill(0));
  return affine(x, w, zeros, { fewRows: true });
}

/** o_b, [B, e]: the drugs that fit the query. */
export function readByQuery(query: Tensor, drugs: Tensor): Tensor {
  return rowsTimes(softmax(rowsTimes(query, transpose(drugs, [1, 0]))), drugs);
}

/** 1 for visits of some [B, T] that another one of them follows: of all visits, the past ones. */
function followed(visits: Tensor, T: number): Tensor {
  return concat([slice(visits, 1, 1, T), slice(scale(visits, 0), 1, 0, 1)], 1);
}

/** o_d, [B, e]: the drugs of earlier visits that were like the current one; `otherwise` where there are none. */
export function readByHistory(
  q: Tensor,
  query: Tensor,
  drugs: Tensor,
  otherwise: Tensor,
  context: MemoryContext,
) {
  const { graph: g, inputs, hyperparameters: h } = context;
  const { width: e, maxVisits: T } = h;
  const past = followed(inputs["visitMask"] as Tensor, T);
  const likeness = sum(mul(q, reshape(query, ["B", 1, e])), [2]);
  const shares = softmax(add(likeness, scale(shift(past, -1), 1e9)));
  const D = drugs.shape[0] as number;
  const given = matmul(reshape(shares, ["B", 1, T]), inputs["drugs"] as Tensor); // [B, 1, D]
  const read = rowsTimes(reshape(given, ["B", D]), drugs);
  const hasPast = slice(past, 1, 0, 1); // [B, 1]
  return add(mul(read, hasPast), mul(otherwise, sub(g.scalar(1), hasPast)));
}

/** Classes given in the visit before the current one, and in any before it, each [B, D] of 0 and 1. */
export function earlierDrugs(
  { graph: g, inputs }: Pick<MemoryContext, "graph" | "inputs">,
  T: number,
  D: number,
): readonly Tensor[] {
  const past = followed(inputs["visitMask"] as Tensor, T);
  const before = sub(past, followed(past, T));
  const given = (visits: Tensor) =>
    reshape(matmul(reshape(visits, ["B", 1, T]), inputs["drugs"] as Tensor), ["B", D]);
  const ever = sub(g.scalar(1), relu(sub(g.scalar(1), given(past))));
  return [given(before), ever];
}
