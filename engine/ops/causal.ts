/** The bias that hides the future. */

import type { Graph, Tensor } from "../graph.ts";
import type { Dim } from "../shape.ts";
import { repeated } from "./broadcast.ts";

/** Added to the score of a hidden key; finite, so that no row of scores can become NaN. */
export const HIDDEN = -1e9;

/** Hides from each of L positions what comes after it: [1, 1, L, L]. */
export function causalBias(g: Graph, length: Dim): Tensor {
  const shape = [1, 1, length, length];
  const all = repeated(g.scalar(HIDDEN), shape);
  return g.emit("Trilu", [all, g.constant(BigInt64Array.of(1n), [], "int64")], shape, {
    attributes: { upper: { int: 1 } },
  });
}
