/**
 * The matrix products of a transformer's training step, each alone and over and over, as the runtime's own profile
 * times them: no graph that is made of them can be faster.
 */
import { Graph, type Tensor } from "../engine/graph.ts";
import { toOnnx } from "../engine/onnx.ts";
import { reshape, slice } from "../engine/ops/layout.ts";
import { type ProductOptions, product } from "../engine/ops/matmul.ts";
import { startProfiling, takeProfiles } from "../engine/profile.ts";
import { Session } from "../engine/runner.ts";

/** Sizes of a net, and how many samples of its batch are in a part. */
export interface Sizes {
  readonly L: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly layers: number;
  readonly samples: number;
}

interface Product {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly bias?: number;
  readonly options?: ProductOptions;
  /** How often in a layer. */
  readonly times: number;
}

const PRODUCTS = ["Gemm", "MatMul", "FusedMatMul"];
/** As many as a profile looks at. */
const RUNS = 24;

/** A dense layer over n rows: forward, by its input, by its weight. */
function dense(n: number, i: number, o: number, times: number): Product[] {
  return [
    { a: [n, i], b: [i, o], bias: o, times },
    { a: [n, o], b: [i, o], options: { transposeB: true }, times },
    { a: [n, i], b: [n, o], options: { transposeA: true }, times },
  ];
}

/** q kᵀ and dO vᵀ, P v and dS k, and by keys and values, all heads of the part at once. */
function attention({ L, d, heads, samples }: Sizes): Product[] {
  const rows = [samples, heads, L, d / heads];
  const scores = [samples, heads, L, L];
  return [
    { a: rows, b: rows, options: { transposeB: true }, times: 2 },
    { a: scores, b: rows, times: 2 },
    { a: rows, b: scores, options: { transposeA: true }, times: 2 },
  ];
}

function emit(a: Tensor, b: Tensor, { bias, options = {} }: Product): Tensor {
  if (a.shape.length > 2) return product(a, b, options);
  const g = a.graph;
  const { transposeA = false, transposeB = false } = options;
  const shape = [a.shape[transposeA ? 1 : 0] as number, b.shape[transposeB ? 0 : 1] as number];
  const attributes = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } };
  const inputs = bias === undefined ? [a, b] : [a, b, g.input("bias", [bias])];
  return g.emit("Gemm", inputs, shape, { attributes });
}

/** Milliseconds of one product with one thread. */
async function alone(wanted: Product): Promise<number> {
  const g = new Graph();
  const y = emit(g.input("a", wanted.a), g.input("b", wanted.b), wanted);
  const size = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);
  const first = slice(reshape(y, [size(y.shape.map(Number))]), 0, 0, 1);
  startProfiling();
  const session = await Session.create(toOnnx(g, [first]), { threads: 1 });
  const values = (shape: readonly number[]) =>
    Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(i));
  const { a, b, bias } = wanted;
  const feeds = { a: values(a), b: values(b), ...(bias && { bias: values([bias]) }) };
  for (let run = 0; run < RUNS; run++) await session.run(feeds);
  await session.release();
  const operations = takeProfiles().flatMap((profile) => profile.operations);
  const products = operations.filter(({ operation }) => PRODUCTS.includes(operation));
  return products.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

/** Milliseconds of all products of one part, forward and backward, with one thread. */
export async function productsAlone(sizes: Sizes): Promise<number> {
  const { L, d, ff, layers, samples } = sizes;
  const n = samples * L;
  const all = [...dense(n, d, d, 4), ...dense(n, d, ff, 1), ...dense(n, ff, d, 1)];
  let sum = 0;
  for (const wanted of [...all, ...attention(sizes)])
    sum += wanted.times * layers * (await alone(wanted));
  return sum;
}
