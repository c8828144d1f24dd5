/** Terms of scores and their gradients that enter a product as one more column, which saves a pass over L·L values. */
import type { Tensor } from "../graph.ts";
import type { Dim } from "../shape.ts";
import { repeated, reshaped } from "./broadcast.ts";

/** x with one more column at the end of its last axis. */
export function withColumn(x: Tensor, column: Tensor): Tensor {
  const shape = [...x.shape.slice(0, -1), (x.shape.at(-1) as number) + 1];
  return x.graph.emit("Concat", [x, column], shape, { attributes: { axis: { int: -1 } } });
}

/** x with a column of ones. */
export function withOnes(x: Tensor): Tensor {
  return withColumn(x, repeated(x.graph.scalar(1), [...x.shape.slice(0, -1), 1]));
}

/** Whether a bias is one number per key, [B or 1, 1, 1, L]. */
export function isPerKey({ shape }: Tensor): boolean {
  return shape.length === 4 && shape[1] === 1 && shape[2] === 1;
}

/** Keys [B, h, L, w] with a bias per key as a column; beside ones in the queries, alpha q kᵀ then holds it. */
export function withKeyBias(k: Tensor, bias: Tensor, alpha: number): Tensor {
  const g = k.graph;
  const [batch, heads, keys] = k.shape as readonly [Dim, Dim, Dim];
  const scaled = g.emit("Mul", [bias, g.scalar(1 / alpha)], bias.shape);
  const upright = reshaped(scaled, [bias.shape[0] as Dim, 1, keys, 1]);
  return withColumn(k, repeated(upright, [batch, heads, keys, 1]));
}
