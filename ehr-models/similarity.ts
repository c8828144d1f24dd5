/**
 * Given vectors e_c -> features whose products say how alike two codes are, [V, m]:
 *
 *   φ_c · φ_c' ~ k(c, c') = exp((cos(e_c, e_c') - 1) / T),   φ = K_{V,M} L^-T,  L Lᵀ = K_{M,M}
 *
 * with up to m landmark codes M (the Nyström method: Williams and Seeger, NIPS 2000). A linear function of φ with a
 * ridge penalty is kernel ridge regression with k: codes lend each other what was learnt in proportion to k,
 * so siblings share nearly all of it and strangers nearly nothing. Linear functions of e_c itself share along
 * the few directions that all vectors have in common, siblings or not.
 */

/** Landmarks; what they cannot tell apart is left to the learned residual. */
const MOST_LANDMARKS = 256;
/** Cosines fall off within this: 1 - cos is about .1 between siblings and about .8 between strangers. */
const TEMPERATURE = 0.3;
/** Added to the diagonal of K_{M,M}, so that codes with equal vectors can both be landmarks. */
const JITTER = 1e-6;

/** Rows of length 1; rows of zeros stay. */
function unitRows(values: Float32Array, d: number): Float64Array {
  const unit = Float64Array.from(values);
  for (let start = 0; start < unit.length; start += d) {
    let square = 0;
    for (let j = 0; j < d; j++) square += (unit[start + j] as number) ** 2;
    if (square === 0) continue;
    const factor = 1 / Math.sqrt(square);
    for (let j = 0; j < d; j++) unit[start + j] = (unit[start + j] as number) * factor;
  }
  return unit;
}

/** Evenly spaced rows from `first` on; in the order of codes they are spread over systems and chapters. */
function landmarkRows(first: number, rows: number): number[] {
  const count = Math.min(MOST_LANDMARKS, rows - first);
  return Array.from({ length: count }, (_, i) => first + Math.floor((i * (rows - first)) / count));
}

function likeness(unit: Float64Array, d: number, a: number, b: number): number {
  let cosine = 0;
  for (let j = 0; j < d; j++) cosine += (unit[a * d + j] as number) * (unit[b * d + j] as number);
  return Math.exp((cosine - 1) / TEMPERATURE);
}

/** The lower triangle L [m × m] of K = L Lᵀ (Golub and Van Loan, 4.2), in place. */
function cholesky(K: Float64Array, m: number): Float64Array {
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) {
      let x = K[i * m + j] as number;
      for (let k = 0; k < j; k++) x -= (K[i * m + k] as number) * (K[j * m + k] as number);
      K[i * m + j] = i === j ? Math.sqrt(x) : x / (K[j * m + j] as number);
    }
  return K;
}

export interface SimilarityFeatures {
  /** m. */
  readonly width: number;
  /** [V × m]; rows before `first` zero. */
  readonly values: Float32Array;
}

/** K_{M,M} of landmark rows. */
function landmarkKernel(unit: Float64Array, d: number, landmarks: readonly number[]): Float64Array {
  const m = landmarks.length;
  const K = new Float64Array(m * m);
  for (const [i, a] of landmarks.entries())
    for (const [j, b] of landmarks.entries())
      K[i * m + j] = likeness(unit, d, a, b) + (i === j ? JITTER : 0);
  return K;
}

/** Features of the vectors [V × d] from row `first` on; zero for a vector of zeros, which says nothing. */
export function similarityFeatures(
  vectors: Float32Array,
  d: number,
  first: number,
): SimilarityFeatures {
  const V = vectors.length / d;
  const unit = unitRows(vectors, d);
  const landmarks = landmarkRows(first, V);
  const m = landmarks.length;
  const L = cholesky(landmarkKernel(unit, d, landmarks), m);
  const values = new Float32Array(V * m);
  const phi = new Float64Array(m);
  for (let row = first; row < V; row++) {
    if (unit.subarray(row * d, (row + 1) * d).every((x) => x === 0)) continue;
    // L phi = k(row, landmarks), from the first line down.
    for (const [i, a] of landmarks.entries()) {
      let x = likeness(unit, d, row, a);
      for (let k = 0; k < i; k++) x -= (L[i * m + k] as number) * (phi[k] as number);
      phi[i] = x / (L[i * m + i] as number);
    }
    values.set(phi, row * m);
  }
  return { width: m, values };
}
