/**
 * One layer of a graph transformer over fully connected nodes with typed edges (Shi et al., UniMP, IJCAI 2021,
 * with a feed-forward layer, as in Poulain and Beheshti, ICLR 2024).
 *
 *   X'   = LN(X)                                                                             per node
 *   q, k, v = X' W_q + b_q, X' W_k + b_k, X' W_v + b_v                                       [G, K, n, g]
 *   ε_τ  = R[τ] W_e                                      one vector per type of edge and head
 *   α_ij = softmax over nodes j of q_i · (k_j + ε_τ(i,j)) / sqrt(g)
 *   o_i  = Σ_j α_ij (v_j + ε_τ(i,j))
 *   Y    = X + drop(merge(o)),   Z = Y + drop(W_2 drop(GELU(W_1 LN(Y) + b_1)) + b_2)
 *
 * No tensor [n, n, g] is made. The type of an edge follows from the classes a and b of its two ends, so that
 * q_i · ε_τ(i,j) = Σ_b [b_j = b] U_ib with U_ib = q_i · ε_τ(a_i, b): the scores are one product of [q; U] with
 * [k; one-hot of b], and one with [v; one-hot of b] gives, beside Σ α v, the weight A_ib of each class, from
 * which Σ_j α_ij ε follows as Σ_b A_ib ε_τ(a_i, b).
 *
 * Deviation: dropout acts on o, not on single weights α as well.
 */

import type { Graph, Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { HIDDEN } from "../engine/layers/attention-bias.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { gelu } from "../engine/ops/activation.ts";
import { attention } from "../engine/ops/attention.ts";
import { add, mul, scale, shift } from "../engine/ops/elementwise.ts";
import { oneHot } from "../engine/ops/indexing.ts";
import { concat, expand, reshape, slice, transpose } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { mean, sum } from "../engine/ops/reduction.ts";
import { type Dim, multiplyDims } from "../engine/shape.ts";
import { NODE_CLASSES as CLASSES } from "./visit-graphs.ts";

/** Types of edges: the six pairs of three classes of codes, and edges with the virtual node. */
export const EDGE_TYPES = 7;

/** The type of an edge between nodes of two classes; the virtual node is class 3. */
export function edgeType(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  if (high === 3) return 6;
  return low === 0 ? high : low === 1 ? 2 + high : 5; // 00 01 02 11 12 22
}

export interface GraphLayerOptions {
  readonly heads: number;
  readonly dropout: number;
  /** [G, n], int32 below NODE_CLASSES. */
  readonly nodeClass: Tensor;
  /** [G, n]: 1 = a node. */
  readonly nodeMask: Tensor;
  /** Heads side by side behind a projection, or their mean. */
  readonly merge: "project" | "mean";
  /** Only the first so many nodes of each graph leave the layer; all when undefined. */
  readonly keep: number | undefined;
}

/** ε of every pair of classes, [K, CLASSES², g]; the ends are ordered (class of i, class of j). */
function edgeVectors(g: Graph, heads: number, width: number): Tensor {
  const pairs = Array.from({ length: CLASSES ** 2 }, (_, pair) =>
    edgeType(Math.floor(pair / CLASSES), pair % CLASSES),
  );
  const chosen = pairs.flatMap((type) =>
    Array.from({ length: EDGE_TYPES }, (_, t) => Number(t === type)),
  );
  const R = g.parameter("edges", [EDGE_TYPES, width], normal(0.02));
  const We = g.parameter("edgeWeight", [width, heads * width], normal(1 / Math.sqrt(width)));
  const rows = matmul(g.floats(chosen, [CLASSES ** 2, EDGE_TYPES]), matmul(R, We));
  return transpose(reshape(rows, [CLASSES ** 2, heads, width]), [1, 0, 2]);
}

interface Sizes {
  readonly heads: number;
  readonly width: number;
  readonly graphs: Dim;
}

/** x [G*m, K*g] -> [G, K, m, g]. */
function splitHeads(x: Tensor, m: Dim, { heads, width, graphs }: Sizes): Tensor {
  return transpose(reshape(x, [graphs, m, heads, width]), [0, 2, 1, 3]);
}

/** Σ_a [a_i = a] x_i(a, b): of values for pairs of classes [G, K, m, CLASSES²], those of each node's own, [G, K, m, CLASSES]. */
function ownClass(x: Tensor, own: Tensor): Tensor {
  const [graphs, heads, m] = x.shape as readonly [Dim, Dim, Dim];
  return sum(mul(reshape(x, [graphs, heads, m, CLASSES, CLASSES]), own), [3]);
}

/** o, [G, K, m, g]: attention with the terms of edges. */
function attendEdges(q: Tensor, k: Tensor, v: Tensor, options: GraphLayerOptions): Tensor {
  const g: Graph = q.graph;
  const [graphs, heads, m, width] = q.shape as readonly [Dim, number, Dim, number];
  const n = k.shape[2] as Dim;
  const edges = reshape(edgeVectors(g, heads, width), [1, heads, CLASSES ** 2, width]);
  const classes = oneHot(options.nodeClass, CLASSES); // [G, n, CLASSES]
  const mine = m === n ? classes : slice(classes, 1, 0, m);
  const own = reshape(mine, [graphs, 1, m, CLASSES, 1]);
  const theirs = expand(reshape(classes, [graphs, 1, n, CLASSES]), [graphs, heads, n, CLASSES]);
  const U = ownClass(matmul(q, transpose(edges, [0, 1, 3, 2])), own); // [G, K, m, CLASSES]
  // The operation divides by the root of its own width, which has grown by the classes.
  const queries = scale(concat([q, U], 3), Math.sqrt((width + CLASSES) / width));
  const bias = reshape(scale(shift(options.nodeMask, -1), -HIDDEN), [graphs, 1, 1, n]);
  const both = attention(queries, concat([k, theirs], 3), concat([v, theirs], 3), { bias });
  const weights = slice(both, 3, width, width + CLASSES); // A, [G, K, m, CLASSES]
  const pairs = mul(reshape(weights, [graphs, heads, m, 1, CLASSES]), own); // 0 but for the node's own class
  const flat = reshape(pairs, [graphs, heads, m, CLASSES ** 2]);
  return add(slice(both, 3, 0, width), matmul(flat, edges));
}

/** x [G*n, g] -> [G*n, g], or [G*keep, g]. */
export function graphLayer(x: Tensor, name: string, options: GraphLayerOptions): Tensor {
  const [graphs, n] = options.nodeMask.shape as readonly [Dim, Dim];
  const width = x.shape[1] as number;
  const { heads, keep } = options;
  const m = keep ?? n;
  const sizes = { heads, width, graphs };
  const few = { fewRows: true };
  const first = (u: Tensor) =>
    keep === undefined
      ? u
      : reshape(slice(reshape(u, [graphs, n, width]), 1, 0, keep), [
          multiplyDims(graphs, m),
          width,
        ]);
  return x.graph.scope(name, () => {
    const unit = layerNorm(x, "norm1");
    const q = splitHeads(linear(first(unit), heads * width, "query", few), m, sizes);
    const k = splitHeads(linear(unit, heads * width, "key", few), n, sizes);
    const v = splitHeads(linear(unit, heads * width, "value", few), n, sizes);
    const o = attendEdges(q, k, v, options); // [G, K, m, g]
    const rows = multiplyDims(graphs, m);
    const merged =
      options.merge === "mean"
        ? reshape(mean(o, [1]), [rows, width])
        : linear(reshape(transpose(o, [0, 2, 1, 3]), [rows, heads * width]), width, "merge", few);
    const y = add(first(x), dropout(merged, options.dropout, "afterAttention"));
    const inner = gelu(linear(layerNorm(y, "norm2"), width, "expand", few));
    const outer = linear(dropout(inner, options.dropout, "inner"), width, "contract", few);
    return add(y, dropout(outer, options.dropout, "afterFeedForward"));
  });
}
