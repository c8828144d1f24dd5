/** Operations that move values without changing them: reshape, transpose, concat, slice, expand. */

import type { Graph, Tensor } from "../graph.ts";
import {
  addDims,
  broadcastShapes,
  type Dim,
  normalShape,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  subtractDims,
} from "../shape.ts";
import { repeated, reshaped, sumTo } from "./broadcast.ts";
import { dimValue } from "./sizes.ts";

/** x in another shape of the same size. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const target = normalShape(shape);
  if (sizeOf(x.shape) !== sizeOf(target))
    x.graph.fail("reshape", `${x} has not the size of ${showShape(target)}`);
  return x.graph.record(reshaped(x, target), [x], (dy) => [() => reshaped(dy, x.shape)]);
}

/** Axes in another order: axis i of the result is axis perm[i] of x. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const g: Graph = x.graph;
  const isPermutation = x.shape.every((_, i) => perm.includes(i)) && perm.length === x.shape.length;
  if (!isPermutation) g.fail("transpose", `[${perm}] is no order of the axes of ${x}`);
  const shape = perm.map((axis) => x.shape[axis] as Dim);
  const y = g.emit("Transpose", [x], shape, { attributes: { perm: { ints: perm } }, type: x.type });
  const inverse = perm.map((_, i) => perm.indexOf(i));
  return g.record(y, [x], (dy) => [() => transpose(dy, inverse)]);
}

/** Tensors joined along an axis (counted from 0); their other axes must agree. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (first === undefined) throw new Error("concat: nothing to join");
  const g: Graph = first.graph;
  const other = (x: Tensor) => x.shape.filter((_, i) => i !== axis);
  for (const part of parts) {
    if (part.shape.length !== first.shape.length || !sameShape(other(part), other(first)))
      g.fail("concat", `shapes differ beside axis ${axis}, ${first} and ${part}`);
  }
  const joined = addDims(...parts.map((part) => part.shape[axis] as Dim));
  const shape = first.shape.map((dim, i) => (i === axis ? joined : dim));
  const y = g.emit("Concat", parts, shape, {
    attributes: { axis: { int: axis } },
    type: first.type,
  });
  return g.record(y, parts, (dy) => {
    let start: Dim = 0;
    return parts.map((part) => {
      const from = start;
      start = addDims(from, part.shape[axis] as Dim);
      const to = start;
      return () => slice(dy, axis, from, to);
    });
  });
}

/** The range [from, to) along an axis (counted from 0). */
export function slice(x: Tensor, axis: number, from: Dim, to: Dim): Tensor {
  const g: Graph = x.graph;
  const size = x.shape[axis];
  if (size === undefined) g.fail("slice", `axis ${axis} is not in ${x}`);
  const width = subtractDims(to, from);
  const after = subtractDims(size, to);
  const negative = [width, after, from].some((dim) => typeof dim === "number" && dim < 0);
  if (negative) g.fail("slice", `[${from}, ${to}) of axis ${axis} is not in ${x}`);
  if (from === 0 && after === 0) return x;
  const shape = x.shape.map((dim, i) => (i === axis ? width : dim));
  const y = g.emit("Slice", [x, dimValue(g, from), dimValue(g, to), g.integers([axis])], shape, {
    type: x.type,
  });
  return g.record(y, [x], (dy) => [
    () => {
      const zero = (n: Dim) => zerosLike(x, axis, n);
      const parts = [from === 0 ? [] : [zero(from)], [dy], after === 0 ? [] : [zero(after)]];
      return concat(parts.flat(), axis);
    },
  ]);
}

function zerosLike(x: Tensor, axis: number, width: Dim): Tensor {
  const shape = x.shape.map((dim, i) => (i === axis ? width : dim));
  return repeated(x.graph.scalar(0), shape);
}

/** x repeated to a shape that it broadcasts to. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const target = normalShape(shape);
  const fits = broadcastShapes(x.shape, target);
  if (fits === undefined || !sameShape(fits, target))
    x.graph.fail("expand", `${x} does not broadcast to ${showShape(target)}`);
  const y = repeated(x, target);
  return x.graph.record(y, [x], (dy) => [() => sumTo(dy, x.shape)]);
}
