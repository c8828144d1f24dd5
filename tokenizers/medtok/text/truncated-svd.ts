/**
 * The right singular vectors of a sparse matrix by randomised subspace iteration (Halko, Martinsson and
 * Tropp 2011, algorithm 4.4), on XᵀX, so that nothing as long as the matrix is ever stored densely.
 */

import type { Random } from "../../../core/random.ts";
import { symmetricEigen } from "../../../core/symmetric-eigen.ts";
import type { SparseRows } from "./grams.ts";
import { gram, times } from "./symmetric.ts";

const OVERSAMPLING = 16;
const POWER_ITERATIONS = 3;
/** Directions with less than this share of the largest variance are noise of the arithmetic. */
const NEGLIGIBLE = 1e-12;

export interface Svd {
  /** Descending; may be fewer than asked for when the matrix has a lower rank. */
  readonly singular: Float64Array;
  /** [columns × rank], orthonormal columns, the largest component of each positive. */
  readonly vectors: Float64Array;
}

/** Leading `rank` right singular vectors of `rows` [n × columns]. `each` is told of every pass done, of all. */
export async function truncatedSvd(
  rows: SparseRows,
  columns: number,
  rank: number,
  random: Random,
  each: (done: number, total: number) => void = () => {},
): Promise<Svd> {
  const total = POWER_ITERATIONS + 2;
  let width = Math.min(rank + OVERSAMPLING, columns, rows.offset.length - 1);
  let basis: Float64Array = new Float64Array(columns * width);
  for (let i = 0; i < basis.length; i++) basis[i] = random.normal();
  for (let pass = 0; pass <= POWER_ITERATIONS; pass++) {
    const spread = applyTwice(rows, basis, columns, width);
    ({ basis, width } = await orthonormal(spread, width));
    each(pass + 1, total);
  }
  const image = applyTwice(rows, basis, columns, width); // XᵀX Q
  const small = await gram(basis, image, width); // Qᵀ XᵀX Q
  const { values, vectors } = symmetricEigen(symmetrised(small, width), width);
  const kept = Math.min(rank, width);
  const chosen = new Float64Array(width * kept);
  for (let i = 0; i < width; i++)
    for (let j = 0; j < kept; j++) chosen[i * kept + j] = vectors[i * width + j] as number;
  const singular = Float64Array.from(values.subarray(0, kept), (x) => Math.sqrt(Math.max(0, x)));
  each(total, total);
  return { singular, vectors: signed(await times(basis, chosen, width, kept), kept) };
}

/** Xᵀ (X q) for q [columns × width]. */
function applyTwice(
  { offset, column, value }: SparseRows,
  q: Float64Array,
  columns: number,
  width: number,
): Float64Array {
  const out = new Float64Array(columns * width);
  const y = new Float64Array(width);
  for (let row = 0; row + 1 < offset.length; row++) {
    const [from, to] = [offset[row] as number, offset[row + 1] as number];
    y.fill(0);
    for (let e = from; e < to; e++) {
      const at = (column[e] as number) * width;
      const x = value[e] as number;
      for (let j = 0; j < width; j++) y[j] = (y[j] as number) + x * (q[at + j] as number);
    }
    for (let e = from; e < to; e++) {
      const at = (column[e] as number) * width;
      const x = value[e] as number;
      for (let j = 0; j < width; j++) out[at + j] = (out[at + j] as number) + x * (y[j] as number);
    }
  }
  return out;
}

/** Orthonormal columns with the span of x, by the eigenvectors of xᵀx; negligible directions are left out. */
async function orthonormal(
  x: Float64Array,
  width: number,
): Promise<{ basis: Float64Array; width: number }> {
  const { values, vectors } = symmetricEigen(symmetrised(await gram(x, x, width), width), width);
  const floor = NEGLIGIBLE * (values[0] as number);
  const kept = Math.max(1, values.filter((value) => value > floor).length);
  const scaled = new Float64Array(width * kept);
  for (let j = 0; j < kept; j++) {
    const scale = 1 / Math.sqrt(values[j] as number);
    for (let i = 0; i < width; i++)
      scaled[i * kept + j] = (vectors[i * width + j] as number) * scale;
  }
  return { basis: await times(x, scaled, width, kept), width: kept };
}

function symmetrised(m: Float64Array, n: number): Float64Array {
  const out = m.slice();
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      out[i * n + j] = ((m[i * n + j] as number) + (m[j * n + i] as number)) / 2;
  return out;
}

/** Turns each column so that its component of largest magnitude (the first of equals) is positive. */
function signed(vectors: Float64Array, width: number): Float64Array {
  for (let j = 0; j < width; j++) {
    let top = 0;
    for (let at = j; at < vectors.length; at += width)
      if (Math.abs(vectors[at] as number) > Math.abs(top)) top = vectors[at] as number;
    if (top < 0)
      for (let at = j; at < vectors.length; at += width) vectors[at] = -(vectors[at] as number);
  }
  return vectors;
}
