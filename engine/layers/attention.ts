/** Multi-head attention (Vaswani et al. 2017, section 3.2.2). */
import type { Graph, Tensor } from "../graph.ts";
import { uniform } from "../initial.ts";
import { attention } from "../ops/attention.ts";
import { reshape, transpose } from "../ops/layout.ts";
import type { Dim } from "../shape.ts";
import { linear, zeroBias } from "./linear.ts";

export interface MultiHeadOptions {
  readonly heads: number;
  /** B. */
  readonly batch: Dim;
  /** M, the number of queries per sample, and L, that of keys. */
  readonly queries: Dim;
  readonly keys: Dim;
  /** Added to the scores; broadcast to [B, heads, M, L]. */
  readonly bias?: Tensor;
  /** Share of the attention weights that is dropped in training. */
  readonly dropout: number;
  /** Whether queries see only keys up to their own position. */
  readonly causal?: boolean;
  /** One head at a time; see `needsChunks` in `ops/attention.ts`. */
  readonly chunked?: boolean;
  /** Whether B*M may be smaller than d; see `ops/matmul.ts`. */
  readonly fewQueries?: boolean;
}

/** [B*n, d] -> [B, h, n, d/h]. */
function splitHeads(x: Tensor, batch: Dim, length: Dim, heads: number): Tensor {
  const width = x.shape[1] as number;
  return transpose(reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, h, n, d/h] -> [B*n, d]. */
function mergeHeads(x: Tensor, rows: Dim, width: number): Tensor {
  return reshape(transpose(x, [0, 2, 1, 3]), [rows, width]);
}

/**
 * Queries from `x` [B*M, d], keys and values from `memory` [B*L, d] -> [B*M, d]. Initial values as
 * torch's attention: Glorot over the joint 3d × d projection, biases zero, output projection uniform.
 */
export function multiHeadAttention(x: Tensor, memory: Tensor, options: MultiHeadOptions): Tensor {
  const g: Graph = x.graph;
  const { heads, batch, queries, keys } = options;
  const width = x.shape[1];
  if (typeof width !== "number" || width % heads !== 0)
    return g.fail("multiHeadAttention", `${heads} heads do not divide the width of ${x}`);
  const joint = zeroBias(uniform(Math.sqrt(6 / (4 * width))));
  const few = { fewRows: options.fewQueries === true };
  const project = (u: Tensor, length: Dim, name: string, more = {}) =>
    splitHeads(linear(u, width, name, { ...joint, ...more }), batch, length, heads);
  const q = project(x, queries, "query", few);
  const k = project(memory, keys, "key");
  const v = project(memory, keys, "value");
  const isDropped = g.training && options.dropout > 0;
  const mask = isDropped ? g.mask([batch, heads, queries, keys], options.dropout) : undefined;
  const o = attention(q, k, v, {
    ...(options.bias === undefined ? {} : { bias: options.bias }),
    ...(mask === undefined ? {} : { mask }),
    causal: options.causal === true,
    chunked: options.chunked === true,
  });
  const merged = mergeHeads(o, x.shape[0] as Dim, width);
  return linear(merged, width, "output", { ...zeroBias(uniform(1 / Math.sqrt(width))), ...few });
}
