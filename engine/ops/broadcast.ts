/** Summing a gradient back to the shape of an operand that was broadcast. Emits nodes, records nothing. */

import type { Tensor } from "../graph.ts";
import { type Dim, multiplyDims, type Shape, sameShape } from "../shape.ts";
import { shapeValue } from "./sizes.ts";

/** `x` in another shape of the same size. */
export function reshaped(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.graph.emit("Reshape", [x, shapeValue(x.graph, shape)], shape, { type: x.type });
}

/** `x` repeated to `shape`, to which it broadcasts. */
export function repeated(x: Tensor, shape: Shape): Tensor {
  return x.graph.emit("Expand", [x, shapeValue(x.graph, shape)], shape, { type: x.type });
}

/**
 * Sum over the rows of a matrix, [r, c] -> [1, c]. The runtime adds row after row to each column, whatever
 * the number of threads, in half the time of a product with a row of ones.
 */
export function columnSums(x: Tensor): Tensor {
  const [rows, columns] = x.shape as [Dim, Dim];
  if (rows === 1) return x;
  return x.graph.emit("ReduceSum", [x, x.graph.integers([0])], [1, columns], {
    attributes: { keepdims: { int: 1 } },
  });
}

/** [a, m, n] -> [a, 1, n], as products with rows of ones. */
function middleSums(x: Tensor): Tensor {
  const g = x.graph;
  const [a, m, n] = x.shape as [Dim, Dim, Dim];
  if (a === 1) return reshaped(columnSums(reshaped(x, [m, n])), [1, 1, n]);
  const ones = repeated(g.scalar(1), [a, 1, m]);
  return g.emit("MatMul", [ones, x], [a, 1, n]);
}

/**
 * Sum over some axes, which are kept with size 1; records nothing. Axes at the end take ReduceSum;
 * others go through products, as ReduceSum over a middle axis adds in an order that depends on the number of threads.
 */
export function keptSum(x: Tensor, axes: readonly number[]): Tensor {
  const g = x.graph;
  const rank = x.shape.length;
  const isReduced = (axis: number) => axes.includes(axis) && x.shape[axis] !== 1;
  let end = rank;
  while (end > 0 && !isReduced(end - 1)) end -= 1;
  if (end === 0) return x;
  let start = end;
  while (start > 0 && isReduced(start - 1)) start -= 1;
  const kept = x.shape.map((dim, i) => (i >= start && i < end ? 1 : dim));
  const block = Array.from({ length: end - start }, (_, i) => start + i);
  const attributes = { keepdims: { int: 1 } };
  const size = (from: number, to: number) => multiplyDims(...x.shape.slice(from, to));
  const reduced =
    size(end, rank) === 1
      ? g.emit("ReduceSum", [x, g.integers(block)], kept, { attributes })
      : middleSums(reshaped(x, [size(0, start), size(start, end), size(end, rank)]));
  return keptSum(
    reshaped(reduced, kept),
    axes.filter((axis) => axis < start),
  );
}

/** Sums `dy` over every axis along which `shape` was broadcast to it; the result has `shape`. */
export function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const lead = dy.shape.length - shape.length;
  const axes = dy.shape.flatMap((dim, i) => (i < lead || dim !== shape[i - lead] ? [i] : []));
  return reshaped(keptSum(dy, axes), shape);
}
