/** Sums and means over axes. */
import type { Tensor } from "../graph.ts";
import { multiplyDims, type Shape } from "../shape.ts";
import { keptSum, reshaped } from "./broadcast.ts";
import { div } from "./elementwise.ts";

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

/** `x` repeated to `shape`, to which it broadcasts; records nothing. */
function repeated(x: Tensor, shape: Shape): Tensor {
  return x.graph.emit("Expand", [x, x.graph.shapeTensor(shape)], shape);
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
  return div(total, reshaped(x.graph.dimAsFloat(count), total.shape.length > 0 ? [1] : []));
}
