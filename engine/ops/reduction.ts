/** Sums, means, maxima and running sums over axes. */

import type { Tensor } from "../graph.ts";
import { multiplyDims, type Shape, sameShape } from "../shape.ts";
import { keptSum, repeated, reshaped } from "./broadcast.ts";
import { div, mul, toFloat } from "./elementwise.ts";
import { dimAsFloat } from "./sizes.ts";

interface ReductionOptions {
  /** Keep the reduced axes with size 1; default false. */
  readonly keep?: boolean;
}

function reducedShapes(
  x: Tensor,
  op: string,
  axes: readonly number[],
): { kept: Shape; cut: Shape } {
  for (const axis of axes) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length)
      x.graph.fail(op, `axis ${axis} is not in ${x}`);
  }
  return {
    kept: x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
    cut: x.shape.filter((_, i) => !axes.includes(i)),
  };
}

/** Sum over `axes` (counted from 0); all axes by default. */
export function sum(x: Tensor, axes?: readonly number[], options: ReductionOptions = {}): Tensor {
  const all = axes ?? x.shape.map((_, i) => i);
  const { kept, cut } = reducedShapes(x, "sum", all);
  const shape = options.keep === true ? kept : cut;
  const y = reshaped(keptSum(x, all), shape);
  return x.graph.record(y, [x], (dy) => [() => repeated(reshaped(dy, kept), x.shape)]);
}

/** Mean over `axes` (counted from 0); all axes by default. */
export function mean(x: Tensor, axes?: readonly number[], options: ReductionOptions = {}): Tensor {
  const all = axes ?? x.shape.map((_, i) => i);
  const count = multiplyDims(...x.shape.filter((_, i) => all.includes(i)));
  const total = sum(x, all, options);
  return div(total, reshaped(dimAsFloat(x.graph, count), total.shape.length > 0 ? [1] : []));
}

/** Sum over one axis of x where `mask` is 1; the mask has the axes of x up to and including `axis`, e.g. [B, L] for x [B, L, d] and axis 1. */
export function maskedSum(x: Tensor, mask: Tensor, axis: number): Tensor {
  return sum(mul(x, alignedMask(x, mask, axis, "maskedSum")), [axis]);
}

/** Mean over one axis of x where `mask` is 1, and 0 where it is 0 everywhere; see `maskedSum`. */
export function maskedMean(x: Tensor, mask: Tensor, axis: number): Tensor {
  const g = x.graph;
  const aligned = alignedMask(x, mask, axis, "maskedMean");
  const count = keptSum(aligned, [axis]);
  const total = sum(mul(x, aligned), [axis], { keep: true });
  const y = div(total, g.emit("Max", [count, g.scalar(1)], count.shape));
  const shape = x.shape.filter((_, i) => i !== axis);
  return g.record(reshaped(y, shape), [y], (dy) => [() => reshaped(dy, y.shape)]);
}

function alignedMask(x: Tensor, mask: Tensor, axis: number, op: string): Tensor {
  if (mask.tracked || !sameShape(mask.shape, x.shape.slice(0, axis + 1)))
    x.graph.fail(op, `the mask ${mask} does not fit axis ${axis} of ${x}`);
  return reshaped(mask, [...mask.shape, ...x.shape.slice(axis + 1).map(() => 1)]);
}

/** Largest value along one axis, which is dropped unless kept; equal largest values share the gradient. */
export function max(x: Tensor, axis: number, options: ReductionOptions = {}): Tensor {
  const g = x.graph;
  const { kept, cut } = reducedShapes(x, "max", [axis]);
  const top = g.emit("ReduceMax", [x], kept, {
    attributes: { axes: { ints: [axis] }, keepdims: { int: 1 } },
  });
  const y = reshaped(top, options.keep === true ? kept : cut);
  return g.record(y, [x], (dy) => [
    () => {
      const isTop = toFloat(g.emit("Equal", [x, top], x.shape, { type: "bool" }));
      return mul(isTop, div(reshaped(dy, kept), keptSum(isTop, [axis])));
    },
  ]);
}

/** Running sums along one axis; `reverse` sums from the end, `exclusive` leaves the element itself out. */
export function cumulativeSum(
  x: Tensor,
  axis: number,
  options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {},
): Tensor {
  const g = x.graph;
  reducedShapes(x, "cumulativeSum", [axis]);
  const { reverse = false, exclusive = false } = options;
  const attributes = { reverse: { int: reverse ? 1 : 0 }, exclusive: { int: exclusive ? 1 : 0 } };
  const y = g.emit("CumSum", [x, g.integers([axis])], x.shape, { attributes });
  return g.record(y, [x], (dy) => [
    () => cumulativeSum(dy, axis, { reverse: !reverse, exclusive }),
  ]);
}
