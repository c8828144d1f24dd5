/** Summing a gradient back to the shape of an operand that was broadcast. Emits nodes, records nothing. */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims, type Shape, sameShape } from "../shape.ts";

/** `x` in another shape of the same size. */
export function reshaped(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.graph.emit("Reshape", [x, x.graph.shapeTensor(shape)], shape, { type: x.type });
}

/** A row of ones, [1, n]. */
function onesRow(g: Graph, n: Dim): Tensor {
  return g.emit("Expand", [g.scalar(1), g.shapeTensor([1, n])], [1, n]);
}

/**
 * Sum over the rows of a matrix, [r, c] -> [1, c], as a product with a row of ones: two to five times
 * faster than ReduceSum over the first axis, and steadier with two threads.
 */
export function columnSums(x: Tensor): Tensor {
  const [rows, columns] = x.shape as [Dim, Dim];
  if (rows === 1) return x;
  return x.graph.emit("MatMul", [onesRow(x.graph, rows), x], [1, columns]);
}

/** Sums `dy` over every axis along which `shape` was broadcast to it; the result has `shape`. */
export function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const g: Graph = dy.graph;
  const lead = dy.shape.length - shape.length;
  const axes: number[] = [];
  for (const [i, dim] of dy.shape.entries()) {
    const target = i < lead ? 1 : (shape[i - lead] as Dim);
    if (dim !== target) axes.push(i);
  }
  const isPrefix = axes.every((axis, i) => axis === i);
  if (isPrefix && axes.length > 0 && axes.length < dy.shape.length) {
    const rows = multiplyDims(...dy.shape.slice(0, axes.length));
    const columns = multiplyDims(...dy.shape.slice(axes.length));
    return reshaped(columnSums(reshaped(dy, [rows, columns])), shape);
  }
  if (axes.length === 0) return reshaped(dy, shape);
  const kept = dy.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return reshaped(
    g.emit("ReduceSum", [dy, g.integers(axes)], kept, { attributes: { keepdims: { int: 1 } } }),
    shape,
  );
}
