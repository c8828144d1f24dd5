import t from "tap";
import { Random } from "../../core/random.ts";
import { similarityFeatures } from "../../ehr-models/similarity.ts";

const FIRST = 2;
const D = 6;

/** Rows of normal values behind two rows of zeros. */
function someVectors(count: number): Float32Array {
  const random = Random.fromSeed(3);
  return Float32Array.from({ length: (FIRST + count) * D }, (_, i) =>
    i < FIRST * D ? 0 : random.normal(),
  );
}

const rowOf = (x: Float32Array, row: number, width: number) => [
  ...x.subarray(row * width, (row + 1) * width),
];
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);

/** exp((cos - 1) / 0.3), from two vectors. */
function kernel(a: readonly number[], b: readonly number[]): number {
  return Math.exp((dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) - 1) / 0.3);
}

t.test("products of features are how alike two vectors are", (t) => {
  const vectors = someVectors(40);
  const { width, values } = similarityFeatures(vectors, D, FIRST);
  t.equal(width, 40, "every code is a landmark while they are few");
  t.same(values.slice(0, FIRST * width), new Float32Array(FIRST * width), "padding and unknown");
  for (const [a, b] of [
    [2, 3],
    [5, 5],
    [20, 41],
    [9, 30],
  ] as const) {
    const wanted = kernel(rowOf(vectors, a, D), rowOf(vectors, b, D));
    const got = dot(rowOf(values, a, width), rowOf(values, b, width));
    t.ok(Math.abs(got - wanted) < 1e-4, `${a} and ${b}: ${got}, ${wanted}`);
  }
  t.end();
});

t.test("length does not matter, and a vector of zeros says nothing", (t) => {
  const vectors = someVectors(30);
  const longer = vectors.map((x, i) => (i >= 4 * D && i < 5 * D ? 3 * x : x));
  const [a, b] = [vectors, longer].map((x) => similarityFeatures(x, D, FIRST).values);
  for (const [i, x] of (a ?? []).entries()) t.ok(Math.abs(x - (b?.[i] ?? 9)) < 1e-6);
  const without = vectors.slice().fill(0, 4 * D, 5 * D);
  const { values, width } = similarityFeatures(without, D, FIRST);
  t.ok(rowOf(values, 4, width).every((x) => x === 0));
  t.ok(values.every(Number.isFinite));
  t.end();
});

t.test("codes with equal vectors get equal features", (t) => {
  const vectors = someVectors(20);
  for (const row of [7, 11]) vectors.copyWithin(row * D, 3 * D, 4 * D);
  const { values, width } = similarityFeatures(vectors, D, FIRST);
  const norm = (row: number) => dot(rowOf(values, row, width), rowOf(values, row, width));
  for (const row of [7, 11]) {
    const together = dot(rowOf(values, 3, width), rowOf(values, row, width));
    t.ok(Math.abs(together - 1) < 1e-3 && Math.abs(norm(row) - 1) < 1e-3, `${together}`);
  }
  t.end();
});

t.test("of more codes than landmarks, like ones stay near and strangers far", (t) => {
  const vectors = someVectors(600);
  // The last 100 are the first 100 once more, a little moved.
  for (let i = 0; i < 100 * D; i++)
    vectors[(FIRST + 500) * D + i] = (vectors[FIRST * D + i] ?? 0) + 0.05 * Math.sin(i);
  const { values, width } = similarityFeatures(vectors, D, FIRST);
  t.equal(width, 256);
  const product = (a: number, b: number) => dot(rowOf(values, a, width), rowOf(values, b, width));
  const wanted = (a: number, b: number) => kernel(rowOf(vectors, a, D), rowOf(vectors, b, D));
  let [least, error] = [1, 0];
  for (let i = 0; i < 100; i++) {
    const [like, stranger] = [FIRST + 500 + i, FIRST + 300 + i];
    least = Math.min(least, product(FIRST + i, like));
    error += Math.abs(product(FIRST + i, stranger) - wanted(FIRST + i, stranger)) / 100;
  }
  t.ok(least > 0.5, `${least}`);
  t.ok(error < 0.05, `${error}`);
  t.end();
});
