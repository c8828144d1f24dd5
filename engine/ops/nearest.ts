/**
 * Operations for quantization and contrast: the rows of a table with the highest scores, straight-through
 * estimates, log-sum-exp, and products with a transposed operand.
 */
import type { Graph, Tensor } from "../graph.ts";
import type { Dim } from "../shape.ts";
import { sameShape } from "../shape.ts";
import { softmax } from "./activation.ts";
import { sumTo } from "./broadcast.ts";
import { add, mul, sqrt, sub } from "./elementwise.ts";
import { product } from "./matmul.ts";
import { sum } from "./reduction.ts";

/** Added to squared norms, so that a row of zeros stays a row of zeros with finite gradients. */
const SMALLEST_SQUARE = 1e-12;
/** ONNX's number of the type. */
const INT32 = 6;

/**
 * x + stopGradient(y - x): the value of y, with the whole gradient going to x (Bengio et al. 2013). The value
 * is y up to one rounding.
 */
export function straightThrough(x: Tensor, y: Tensor): Tensor {
  if (!sameShape(x.shape, y.shape)) x.graph.fail("straightThrough", `${x} and ${y} differ`);
  const g = x.graph;
  const value = g.withoutGradient(() => add(x, sub(y, x)));
  return g.record(value, [x], (dy) => [() => dy]);
}

/** log Σ exp(x) along the last axis, which is kept with size 1. Gradient: softmax(x). */
export function logSumExp(x: Tensor): Tensor {
  const shape = [...x.shape.slice(0, -1), 1];
  const attributes = { axes: { ints: [-1] }, keepdims: { int: 1 } };
  const y = x.graph.emit("ReduceLogSumExp", [x], shape, { attributes });
  return x.graph.record(y, [x], (dy) => [() => mul(softmax(x), dy)]);
}

/** ‖x‖ over all elements (Frobenius), shape []. */
export function frobeniusNorm(x: Tensor): Tensor {
  return sqrt(add(sum(mul(x, x)), x.graph.scalar(SMALLEST_SQUARE)));
}

/** a bᵀ over the last two axes; earlier axes broadcast. */
export function matmulTransposed(a: Tensor, b: Tensor): Tensor {
  return a.graph.record(product(a, b, { transposeB: true }), [a, b], (dy) => [
    () => sumTo(product(dy, b), a.shape),
    () => sumTo(product(dy, a, { transposeA: true }), b.shape),
  ]);
}

/** aᵀ b over the last two axes; earlier axes broadcast. */
export function transposedMatmul(a: Tensor, b: Tensor): Tensor {
  return a.graph.record(product(a, b, { transposeA: true }), [a, b], (dy) => [
    () => sumTo(product(b, dy, { transposeB: true }), a.shape),
    () => sumTo(product(a, dy), b.shape),
  ]);
}

/**
 * Positions of the `count` highest values in each row of x [n, m], highest first, equal values by the lower
 * position -> [n, count] int32. Carries no gradient.
 */
export function highest(x: Tensor, count: number): Tensor {
  const g: Graph = x.graph;
  if (x.shape.length !== 2) g.fail("highest", `[n, m] wanted, got ${x}`);
  const shape = [x.shape[0] as Dim, count];
  const attributes = { axis: { int: -1 }, largest: { int: 1 }, sorted: { int: 1 } };
  // The type is that of the positions; nothing reads the values.
  const options = { attributes, type: "int64" } as const;
  const outputs = g.emitMany("TopK", [x, g.integers([count])], [shape, shape], options);
  const toInt32 = { attributes: { to: { int: INT32 } }, type: "int32" } as const;
  return g.emit("Cast", [outputs[1] as Tensor], shape, toInt32);
}
