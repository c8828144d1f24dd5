/** Eigenvalues and eigenvectors of a small symmetric matrix. */

const MOST_SWEEPS = 30;
const SMALLEST = 1e-14;

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** [n × n], column i belongs to value i. */
  readonly vectors: Float64Array;
}

/** Eigen decomposition of a symmetric [n × n] matrix by cyclic Jacobi rotations (Golub and Van Loan, 8.5). */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(n * n); // transposed: row i is a vector
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let least = 0;
  for (const x of a) least = Math.max(least, SMALLEST * Math.abs(x));
  for (let sweep = 0; sweep < MOST_SWEEPS && swept(a, v, n, least) > 0; sweep++);
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (a[j * n + j] as number) - (a[i * n + i] as number) || i - j,
  );
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries())
    for (let k = 0; k < n; k++) vectors[k * n + to] = v[from * n + k] as number;
  return { values: Float64Array.from(order, (i) => a[i * n + i] as number), vectors };
}

/** Rotates every pair whose entry is above `least`, once; returns how many there were. */
function swept(a: Float64Array, v: Float64Array, n: number, least: number): number {
  let rotated = 0;
  for (let p = 0; p < n - 1; p++)
    for (let q = p + 1; q < n; q++) {
      if (Math.abs(a[p * n + q] as number) <= least) continue;
      rotate(a, v, n, p, q);
      rotated += 1;
    }
  return rotated;
}

/** One rotation that makes a[p, q] zero; `a` is kept whole, so that rows are enough to read. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q] as number;
  const theta = ((a[q * n + q] as number) - (a[p * n + p] as number)) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const [app, aqq] = [a[p * n + p] as number, a[q * n + q] as number];
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k] as number, a[q * n + k] as number];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
    const [f, g] = [v[p * n + k] as number, v[q * n + k] as number];
    v[p * n + k] = c * f - s * g;
    v[q * n + k] = s * f + c * g;
  }
  for (let k = 0; k < n; k++) {
    a[k * n + p] = a[p * n + k] as number;
    a[k * n + q] = a[q * n + k] as number;
  }
  a[p * n + p] = app - t * apq;
  a[q * n + q] = aqq + t * apq;
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}
