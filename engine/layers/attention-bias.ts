/** Biases that hide keys from attention; finite, so that no row of scores can become NaN. */
import type { Tensor } from "../graph.ts";
import { HIDDEN } from "../ops/causal.ts";
import { scale, shift } from "../ops/elementwise.ts";
import { reshape } from "../ops/layout.ts";
import type { Dim } from "../shape.ts";

export { causalBias, HIDDEN } from "../ops/causal.ts";

/** 0 where `mask` [B, L] is 1, hidden where it is 0: [B, 1, 1, L]. */
export function paddingBias(mask: Tensor): Tensor {
  const [batch, length] = mask.shape as readonly [Dim, Dim];
  return reshape(scale(shift(mask, -1), -HIDDEN), [batch, 1, 1, length]);
}
