/** Sizes of a gated recurrent unit, and moving between samples, steps and columns. Emits nodes, records nothing. */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims, sameShape } from "../shape.ts";
import { reshaped } from "./broadcast.ts";
import { transpose } from "./layout.ts";

/** Gates stand in the order r, z, c. */
export interface GruWeights {
  /** W, [d, 3H]. */
  readonly input: Tensor;
  /** b, [3H]. */
  readonly bias: Tensor;
  /** U, [H, 3H]. */
  readonly recurrent: Tensor;
  /** bq, [H]. */
  readonly recurrentBias: Tensor;
}

/** Longest sequence that is unrolled; beyond, and for a symbolic T, a Scan does the same steps. */
const UNROLLED = 64;

export interface GruOptions {
  /** [B, T], without gradient: where it is 0 the state is carried on unchanged. */
  readonly mask?: Tensor | undefined;
  /** Default: unrolled for a fixed T up to 64, else scanned. The values are the same but for rounding. */
  readonly form?: "unrolled" | "scanned" | undefined;
}

export interface Sizes {
  readonly batch: Dim;
  readonly steps: Dim;
  /** T where steps are unrolled. */
  readonly unrolled: number | undefined;
  readonly inputs: number;
  readonly width: number;
  /** T*B. */
  readonly rows: Dim;
}

export function sizesOf(x: Tensor, w: GruWeights, { mask, form }: GruOptions): Sizes {
  const g: Graph = x.graph;
  const [batch, steps, inputs] = x.shape;
  const width = w.recurrent.shape[0];
  if (x.shape.length !== 3 || typeof inputs !== "number" || typeof width !== "number")
    return g.fail("gru", `[B, T, d] with a fixed d wanted, got ${x}`);
  const isShort = typeof steps === "number" && steps <= UNROLLED;
  if (form === "unrolled" && typeof steps !== "number")
    return g.fail("gru", `a fixed number of steps wanted to unroll, got ${x}`);
  const wanted: readonly (readonly [Tensor, readonly number[]])[] = [
    [w.input, [inputs, 3 * width]],
    [w.bias, [3 * width]],
    [w.recurrent, [width, 3 * width]],
    [w.recurrentBias, [width]],
  ];
  for (const [part, shape] of wanted)
    if (!sameShape(part.shape, shape)) g.fail("gru", `[${shape}] wanted, got ${part}`);
  if (mask !== undefined && !sameShape(mask.shape, [batch as Dim, steps as Dim]))
    g.fail("gru", `the mask ${mask} does not fit ${x}`);
  if (mask?.tracked === true) g.fail("gru", `the mask ${mask} cannot have a gradient`);
  return {
    batch: batch as Dim,
    steps: steps as Dim,
    unrolled: form === "unrolled" || (form === undefined && isShort) ? Number(steps) : undefined,
    inputs,
    width,
    rows: multiplyDims(steps as Dim, batch as Dim),
  };
}

/** op(a) op(b) + c as one node; c broadcasts to the result. */
export function gemm(a: Tensor, b: Tensor, c: Tensor | undefined, transB: boolean): Tensor {
  const n = b.shape[transB ? 0 : 1] as Dim;
  const attributes = { transA: { int: 1 }, transB: { int: transB ? 1 : 0 } };
  const inputs = c === undefined ? [a, b] : [a, b, c];
  return a.graph.emit("Gemm", inputs, [a.shape[1] as Dim, n], { attributes });
}

/** [n, T*B] -> T of [n, B]. */
export function stepsOf(x: Tensor, { unrolled, batch }: Sizes): readonly Tensor[] {
  if (unrolled === 1) return [x];
  const shapes = Array.from({ length: unrolled ?? 0 }, () => [x.shape[0] as Dim, batch]);
  return x.graph.emitMany("Split", [x], shapes, { attributes: { axis: { int: 1 } } });
}

/** [n, T*B] -> [T, n, B]. */
export function stacked(x: Tensor, { steps, batch }: Sizes): Tensor {
  return transpose(reshaped(x, [x.shape[0] as Dim, steps, batch]), [1, 0, 2]);
}

/** [T, n, B] -> [n, T*B]. */
export function flat(x: Tensor, { rows }: Sizes): Tensor {
  return reshaped(transpose(x, [1, 0, 2]), [x.shape[1] as Dim, rows]);
}

/**
 * A matrix transposed for good: through a third axis, as the runtime's optimizer would take a plain
 * transpose next to a Gemm out again, and with it the form of the product that was chosen.
 */
export function turned(x: Tensor): Tensor {
  const [m, n] = x.shape as [Dim, Dim];
  return reshaped(transpose(reshaped(x, [1, m, n]), [0, 2, 1]), [n, m]);
}

/** [B, T, n] -> [T*B, n]. */
export function timeMajor(x: Tensor, { rows }: Sizes): Tensor {
  return reshaped(transpose(x, [1, 0, 2]), [rows, x.shape[2] as Dim]);
}
