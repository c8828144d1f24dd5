/**
 * A layer of cross attention whose weights serve both directions: multi-head attention, residual, layer
 * normalisation, and no feed-forward block (medtok.md 2.4).
 */
import type { Graph, Tensor } from "../../engine/graph.ts";
import { ones, uniform, xavierUniform, zeros } from "../../engine/initial.ts";
import { attention } from "../../engine/ops/attention.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { reshape, transpose } from "../../engine/ops/layout.ts";
import { affine } from "../../engine/ops/matmul.ts";
import { layerNorm } from "../../engine/ops/normalization.ts";
import type { Dim } from "../../engine/shape.ts";
import { type Dense, dense } from "./dense.ts";

export interface CrossLayer {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly output: Dense;
  readonly gain: Tensor;
  readonly bias: Tensor;
}

/** Initial values as torch's attention: Glorot over the joint 3d × d projection, biases 0, output uniform. */
export function crossLayerWeights(g: Graph, name: string, width: number): CrossLayer {
  const joint = { weight: xavierUniform(width, 3 * width), zeroBias: true };
  const output = { weight: uniform(1 / Math.sqrt(width)), zeroBias: true };
  return g.scope(name, () => ({
    query: dense(g, "query", width, width, joint),
    key: dense(g, "key", width, width, joint),
    value: dense(g, "value", width, width, joint),
    output: dense(g, "output", width, width, output),
    gain: g.parameter("gain", [width], ones, false),
    bias: g.parameter("bias", [width], zeros, false),
  }));
}

export interface CrossOptions {
  readonly heads: number;
  readonly batch: Dim;
  readonly queries: Dim;
  readonly keys: Dim;
  /** [b, 1, 1, keys], -1e9 where a key is padding. */
  readonly bias: Tensor;
  /** Share of the attention weights that is dropped in training. */
  readonly dropout: number;
}

/** x [b·M, d] asks memory [b·L, d] -> [b·M, d]. */
export function crossLayer(
  x: Tensor,
  memory: Tensor,
  layer: CrossLayer,
  options: CrossOptions,
): Tensor {
  const g = x.graph;
  const { heads, batch, queries, keys, bias } = options;
  const width = x.shape[1] as number;
  const split = (u: Tensor, { weight, bias: b }: Dense, length: Dim) =>
    transpose(reshape(affine(u, weight, b), [batch, length, heads, width / heads]), [0, 2, 1, 3]);
  const isDropped = g.training && options.dropout > 0;
  const mask = isDropped ? g.mask([batch, heads, queries, keys], options.dropout) : undefined;
  const o = attention(
    split(x, layer.query, queries),
    split(memory, layer.key, keys),
    split(memory, layer.value, keys),
    { bias, ...(mask === undefined ? {} : { mask }) },
  );
  const merged = reshape(transpose(o, [0, 2, 1, 3]), x.shape);
  const answer = affine(merged, layer.output.weight, layer.output.bias);
  return layerNorm(add(x, answer), layer.gain, layer.bias);
}
