/** Biases that hide keys from attention; finite, so that no row of scores can become NaN. */
import type { Graph, Tensor } from "../graph.ts";
import { add, scale, shift } from "../ops/elementwise.ts";
import { reshape } from "../ops/layout.ts";
import type { Dim } from "../shape.ts";

/** Added to the score of a hidden key. */
export const HIDDEN = -1e9;

/** 0 where `mask` [B, L] is 1, hidden where it is 0: [B, 1, 1, L]. */
export function paddingBias(mask: Tensor): Tensor {
  const [batch, length] = mask.shape as readonly [Dim, Dim];
  return reshape(scale(shift(mask, -1), -HIDDEN), [batch, 1, 1, length]);
}

/** Hides from each of L positions what comes after it: [1, 1, L, L]. */
export function causalBias(g: Graph, length: Dim): Tensor {
  const shape = [1, 1, length, length];
  const all = g.emit("Expand", [g.scalar(HIDDEN), g.shapeTensor(shape)], shape);
  return g.emit("Trilu", [all, g.constant(BigInt64Array.of(1n), [], "int64")], shape, {
    attributes: { upper: { int: 1 } },
  });
}

/** Hides padding and the future: [B, 1, L, L] for `mask` [B, L]. */
export function causalPaddingBias(mask: Tensor): Tensor {
  return add(causalBias(mask.graph, mask.shape[1] as Dim), paddingBias(mask));
}
