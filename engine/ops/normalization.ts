/** Layer normalisation, and rows of unit length. */
import type { Graph, Tensor } from "../graph.ts";
import type { Dim, Shape } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import { columnSums, reshaped } from "./broadcast.ts";
import { div, mul, scale, shift, sub } from "./elementwise.ts";
import { concat, slice } from "./layout.ts";
import { product } from "./matmul.ts";

/** x-hat and 1/std, [n, d] and [n, 1]: one more run of the fused operator, with gain 1. */
function standardised(
  x: Tensor,
  width: number,
  epsilon: number,
): { unit: Tensor; inverse: Tensor } {
  const g: Graph = x.graph;
  const column: Shape = [x.shape[0] as Dim, 1];
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon } };
  const ones = g.emit("Expand", [g.scalar(1), g.integers([width])], [width]);
  const shapes = [x.shape, column, column];
  const [unit, , inverse] = g.emitMany("LayerNormalization", [x, ones], shapes, { attributes });
  if (g.dtype === "float32") return { unit: unit as Tensor, inverse: inverse as Tensor };
  // The runtime's 1/std is float32 whatever the input is, so a float64 graph computes it from parts.
  const mean = (u: Tensor) =>
    g.emit("ReduceMean", [u], column, {
      attributes: { axes: { ints: [-1] }, keepdims: { int: 1 } },
    });
  const centred = sub(x, mean(x));
  const deviation = g.emit("Sqrt", [shift(mean(mul(centred, centred)), epsilon)], column);
  return { unit: unit as Tensor, inverse: g.emit("Reciprocal", [deviation], column) };
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
  const y = g.emit("LayerNormalization", [x, gain, bias], x.shape, { attributes });
  return g.record(y, [x, gain, bias], (dy) => {
    const { unit, inverse } = standardised(x, width, epsilon);
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
