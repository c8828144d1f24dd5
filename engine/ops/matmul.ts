/**
 * Matrix products. `product` is the one place that chooses between the fused and the standard operators.
 *
 * Threads and bits: the runtime splits a product [m, k] × [k, n] over threads by rows, but by columns
 * where n > m, and the width of a thread's columns then decides in which blocks k is summed. Results
 * depend on the number of threads exactly when n > m (or n = 1), k > 128 and the first operand is not
 * transposed; measured over 3,800 shapes, up to 16 threads. So many rows are never few (models pad to
 * 1,024 positions, see `ehr-models/batch-source.ts`), and layers over few rows say so and get the form
 * with a transposed first operand.
 */
import type { Graph, Tensor } from "../graph.ts";
import { broadcastShapes, type Dim, type Shape } from "../shape.ts";
import { columnSums, reshaped, sumTo } from "./broadcast.ts";

export interface ProductOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor of the result; default 1. */
  readonly alpha?: number;
}

function swapLast(shape: Shape): Shape {
  return [...shape.slice(0, -2), shape.at(-1) as Dim, shape.at(-2) as Dim];
}

/** The last two axes exchanged; records nothing. */
export function swapped(x: Tensor): Tensor {
  const rank = x.shape.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return x.graph.emit("Transpose", [x], swapLast(x.shape), {
    attributes: { perm: { ints: perm } },
  });
}

function productShape(a: Tensor, b: Tensor, options: ProductOptions): Shape {
  if (a.shape.length < 2 || b.shape.length < 2)
    a.graph.fail("matmul", `both operands need two axes or more, ${a} × ${b}`);
  const left = options.transposeA === true ? swapLast(a.shape) : a.shape;
  const right = options.transposeB === true ? swapLast(b.shape) : b.shape;
  if (left.at(-1) !== right.at(-2))
    a.graph.fail("matmul", `inner dimensions differ, ${a} × ${b}${describe(options)}`);
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  if (batch === undefined) a.graph.fail("matmul", `batch dimensions do not broadcast, ${a} × ${b}`);
  return [...batch, left.at(-2) as Dim, right.at(-1) as Dim];
}

function describe({ transposeA, transposeB }: ProductOptions): string {
  if (transposeA !== true && transposeB !== true) return "";
  const which = [transposeA === true ? "first" : "", transposeB === true ? "second" : ""];
  return ` (${which.filter((s) => s !== "").join(" and ")} transposed)`;
}

/** alpha · op(a) op(b) over the last two axes, earlier axes broadcast; records nothing. */
export function product(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
  const g: Graph = a.graph;
  const shape = productShape(a, b, options);
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  if (!transposeA && !transposeB && alpha === 1) return g.emit("MatMul", [a, b], shape);
  if (g.fused) {
    return g.emit("FusedMatMul", [a, b], shape, {
      domain: "com.microsoft",
      attributes: {
        transA: { int: transposeA ? 1 : 0 },
        transB: { int: transposeB ? 1 : 0 },
        alpha: { float: alpha },
      },
    });
  }
  const y = g.emit("MatMul", [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b], shape);
  return alpha === 1 ? y : g.emit("Mul", [y, g.scalar(alpha)], shape);
}

/** a b over the last two axes; earlier axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return a.graph.record(product(a, b), [a, b], (dy) => [
    () => sumTo(product(dy, b, { transposeB: true }), a.shape),
    () => sumTo(product(a, dy, { transposeA: true }), b.shape),
  ]);
}

export interface AffineOptions {
  /** Whether n may be smaller than the widths i and o; see the head of this file. */
  readonly fewRows?: boolean;
}

/**
 * x op(w) for few rows, with x transposed twice. The runtime's optimizer would take both transposes out
 * of a Gemm again, but not out of a FusedMatMul.
 */
function fewRowsProduct(x: Tensor, w: Tensor, transposeB: boolean): Tensor {
  if (!x.graph.fused) return product(x, w, { transposeB });
  return product(swapped(x), w, { transposeA: true, transposeB });
}

/** x w + b for x [n, i], w [i, o], b [o]. */
export function affine(x: Tensor, w: Tensor, b: Tensor, options: AffineOptions = {}): Tensor {
  const g: Graph = x.graph;
  const [n, i] = x.shape;
  const [wi, o] = w.shape;
  if (x.shape.length !== 2 || w.shape.length !== 2 || b.shape.length !== 1)
    g.fail("affine", `shapes [n, i], [i, o] and [o] wanted, got ${x}, ${w} and ${b}`);
  if (i !== wi) g.fail("affine", `inner dimensions differ, ${x} × ${w}`);
  if (o !== b.shape[0]) g.fail("affine", `the bias ${b} does not fit ${w}`);
  const shape = [n as Dim, o as Dim];
  const isFew = options.fewRows === true;
  const forward = () =>
    isFew ? withBias(fewRowsProduct(x, w, false), b) : g.emit("Gemm", [x, w, b], shape);
  return g.record(forward(), [x, w, b], (dy) => [
    () => (isFew ? fewRowsProduct(dy, w, true) : g.emit("Gemm", [dy, w], x.shape, TRANSPOSE_B)),
    () => g.emit("Gemm", [x, dy], w.shape, TRANSPOSE_A),
    () => reshaped(columnSums(dy), b.shape),
  ]);
}

const TRANSPOSE_A = { attributes: { transA: { int: 1 } } } as const;
const TRANSPOSE_B = { attributes: { transB: { int: 1 } } } as const;

function withBias(x: Tensor, b: Tensor): Tensor {
  return x.graph.emit("Add", [x, b], x.shape);
}
