/** Layer normalisation with a learned gain and bias. */
import type { Tensor } from "../graph.ts";
import { ones, zeros } from "../initial.ts";
import { layerNorm as normalise } from "../ops/normalization.ts";

/** Normalises the last axis of x [n, d]; parameters `<name>.gain` (1 at first) and `<name>.bias` (0), not decayed. */
export function layerNorm(x: Tensor, name: string, epsilon = 1e-5): Tensor {
  const g = x.graph;
  const width = x.shape.at(-1);
  return g.scope(name, () => {
    if (typeof width !== "number") return g.fail("layerNorm", `a fixed last axis wanted, got ${x}`);
    const gain = g.parameter("gain", [width], ones, false);
    return normalise(x, gain, g.parameter("bias", [width], zeros, false), epsilon);
  });
}
