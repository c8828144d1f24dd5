/** Layer normalisation, and rows of unit length. */
import type { Graph, Tensor } from "../graph.ts";
import type { Dim, Shape } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import { columnSums, reshaped } from "./broadcast.ts";
import { div, mul, scale, shift, sub } from "./elementwise.ts";
import { concat, slice } from "./layout.ts";
import { product } from "./matmul.ts";

interface Statistics {
  /** Mean and 1/std of each row, [n, 1]. */
  readonly mean: Tensor;
  readonly inverse: Tensor;
}

/** The runtime's mean and 1/std are float32 whatever the input is, so a float64 graph computes them from parts. */
function exactStatistics(x: Tensor, epsilon: number): Statistics {
  const g: Graph = x.graph;
  const column: Shape = [x.shape[0] as Dim, 1];
  const meanOf = (u: Tensor) =>
    g.emit("ReduceMean", [u], column, {
      attributes: { axes: { ints: [-1] }, keepdims: { int: 1 } },
    });
  const mean = meanOf(x);
  const centred = sub(x, mean);
  const deviation = g.emit("Sqrt", [shift(meanOf(mul(centred, centred)), epsilon)], column);
  return { mean, inverse: g.emit("Reciprocal", [deviation], column) };
}

/**
 * x [n, d] times a column [d, 1]. Wide columns are doubled: a product with one column sums in an order
 * that depends on the number of threads (see `matmul.ts`), one with two columns does not.
 */
function timesColumn(x: Tensor, column: Tensor): Tensor {
  if ((x.shape[1] as number) <= 128) return product(x, column);
  const doubled = concat([column, column], 1);
  return slice(product(x, doubled), 1, 0, 1);
}

/**
 * (x - mean) / sqrt(var + epsilon) ⊙ gain + bias over the last axis of x [n, d] (Ba et al. 2016).
 * Gradient: dx = (u - mean(u) - x-hat mean(u ⊙ x-hat)) / std with u = dy ⊙ gain; both means are products
 * of a matrix with the column gain / d.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const g: Graph = x.graph;
  const width = x.shape[1];
  if (x.shape.length !== 2 || typeof width !== "number")
    g.fail("layerNorm", `[n, d] with a fixed d wanted, got ${x}`);
  for (const p of [gain, bias])
    if (p.shape.length !== 1 || p.shape[0] !== width) g.fail("layerNorm", `${p} does not fit ${x}`);
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon } };
  const column: Shape = [x.shape[0] as Dim, 1];
  const shapes = [x.shape, column, column];
  const made = g.emitMany("LayerNormalization", [x, gain, bias], shapes, { attributes });
  const [y, means, inverses] = made as [Tensor, Tensor, Tensor];
  return g.record(y, [x, gain, bias], (dy) => {
    const isExact = g.dtype === "float64";
    const own = { mean: means, inverse: inverses };
    const { mean, inverse } = isExact ? exactStatistics(x, epsilon) : own;
    const unit = mul(sub(x, mean), inverse); // x-hat
    const weighted = mul(dy, unit);
    const meanOf = (u: Tensor) => timesColumn(u, reshaped(scale(gain, 1 / width), [width, 1]));
    const dx = () => {
      const centred = sub(mul(dy, gain), mul(unit, meanOf(weighted)));
      return mul(sub(centred, meanOf(dy)), inverse);
    };
    return [
      dx,
      () => reshaped(columnSums(weighted), gain.shape),
      () => reshaped(columnSums(dy), bias.shape),
    ];
  });
}

/**
 * x / sqrt(sum(x²) + epsilon) along the last axis: rows of unit length, and zero rows stay zero.
 * Gradient: (dy - y sum(dy ⊙ y)) / sqrt(sum(x²) + epsilon).
 */
export function l2Normalise(x: Tensor, epsilon = 1e-12): Tensor {
  const g: Graph = x.graph;
  const { y, length } = g.withoutGradient(() => {
    const squared = shift(lastAxisSum(mul(x, x)), epsilon);
    const root = g.emit("Sqrt", [squared], squared.shape);
    return { y: div(x, root), length: root };
  });
  return g.record(y, [x], (dy) => [() => div(sub(dy, mul(y, lastAxisSum(mul(dy, y)))), length)]);
}
