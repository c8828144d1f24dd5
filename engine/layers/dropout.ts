/** Dropout (Srivastava et al. 2014) by masks that the trainer feeds; see engine/dropout.ts. */
import type { Tensor } from "../graph.ts";
import { mul } from "../ops/elementwise.ts";
import type { Shape } from "../shape.ts";

/** x with a share `rate` of its elements zeroed and the rest scaled by 1/(1 - rate); x itself outside training. */
export function dropout(x: Tensor, rate: number, name: string): Tensor {
  return mask(x, x.shape, rate, name);
}

/** Dropout of larger units: one mask element for each element of `shape`, which broadcasts to x, e.g. [n, 1] for rows. */
export function mask(x: Tensor, shape: Shape, rate: number, name: string): Tensor {
  const g = x.graph;
  if (!g.training || rate === 0) return x;
  return g.scope(name, () => mul(x, g.mask(shape, rate)));
}
