/** A dense layer. */
import type { Initializer, Tensor } from "../graph.ts";
import { uniform, zeros } from "../initial.ts";
import { type AffineOptions, affine } from "../ops/matmul.ts";

export interface LinearOptions extends AffineOptions {
  /** Default: uniform within ±1/sqrt(inputs), as torch's linear layer. */
  readonly weight?: Initializer;
  /** Default: as the weight. */
  readonly bias?: Initializer;
}

/** x W + b for x [n, i] -> [n, width], with the parameters `<name>.weight` and `<name>.bias` (not decayed). */
export function linear(
  x: Tensor,
  width: number,
  name: string,
  options: LinearOptions = {},
): Tensor {
  const g = x.graph;
  const inputs = x.shape[1];
  return g.scope(name, () => {
    if (x.shape.length !== 2 || typeof inputs !== "number")
      return g.fail("linear", `[n, i] with a fixed i wanted, got ${x}`);
    const initial = options.weight ?? uniform(1 / Math.sqrt(inputs));
    const weight = g.parameter("weight", [inputs, width], initial);
    const bias = g.parameter("bias", [width], options.bias ?? initial, false);
    return affine(x, weight, bias, options);
  });
}

/** Glorot weights and biases of zero, as torch's attention projections. */
export function zeroBias(weight: Initializer): LinearOptions {
  return { weight, bias: zeros };
}
