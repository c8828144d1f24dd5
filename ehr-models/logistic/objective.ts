/**
 * The penalised loss of a block of K classes and its gradient, in float64, over the sparse matrix of `design.ts`.
 *
 *   f(A, W, b) = 1/N Σ_i loss(y_i, z_i) + 1 / (2 C N) (Σ_w |A_w|² + r |W|²),   z_i = Σ_w Σ_u A_w[u] + f_i W + b
 *
 * C is the inverse strength of the penalty, as in scikit-learn; b is not penalised, and the profile's weights by a
 * share r. loss is the sum over the block of softplus(z) - y z, or logsumexp(z) - z_y where classes exclude each other.
 * Its gradient in z is σ(z) - y, or softmax(z) - y.
 *
 * Parameters lie in strips of eight classes, one after another; in a strip, the windows' rows [V × 8] one after
 * another, then W [F × 8], then b [8].
 */
import { CELLS, type Design, WINDOW_BITS } from "./design.ts";
import type { Evaluate } from "./lbfgs.ts";
import { addRows, addScaledStrip, addTo, STRIP, spreadRows } from "./strips.ts";

/** Some classes among all. */
export interface Block {
  readonly first: number;
  /** K. */
  readonly count: number;
  /** C. */
  readonly classes: number;
  /** Whether they exclude each other. */
  readonly isExclusive: boolean;
}

export interface Penalty {
  /** C. */
  readonly inverse: number;
  /** r. */
  readonly profileShare: number;
}

/** Rows of a strip, in this order: 3 V of windows, F of the profile, one of biases. */
export interface Rows {
  /** V. */
  readonly units: number;
  /** First row of W. */
  readonly profile: number;
  readonly bias: number;
  readonly count: number;
}

export function rowsOf(units: number, width: number): Rows {
  const profile = WINDOW_BITS.length * units;
  return { units, profile, bias: profile + width, count: profile + width + 1 };
}

/** Where row `row` of a block's class k lies. */
export function indexOf(row: number, k: number, rowCount: number): number {
  return (Math.floor(k / STRIP) * rowCount + row) * STRIP + (k % STRIP);
}

/** Strips of a block. */
export const stripsOf = (block: Block): number => Math.ceil(block.count / STRIP);

/** Pairs of a window w and a kind of cell in which it counts. */
const COUNTED = Array.from({ length: CELLS }, (_, cell) => cell).flatMap((cell) =>
  WINDOW_BITS.flatMap((bit, w) => ((cell & bit) === bit ? [{ w, cell }] : [])),
);

/** Σ_w A_w[u] of each cell of a strip, [4 · V × 8]. */
function foldWeights(strip: Float64Array, folded: Float64Array, { units }: Rows): void {
  const n = units * STRIP;
  folded.fill(0);
  for (const { w, cell } of COUNTED)
    addTo(folded.subarray(cell * n, (cell + 1) * n), strip.subarray(w * n, (w + 1) * n));
}

/** The transpose of `foldWeights`, added to a strip of the gradient. */
function unfold(folded: Float64Array, strip: Float64Array, { units }: Rows): void {
  const n = units * STRIP;
  for (const { w, cell } of COUNTED)
    addTo(strip.subarray(w * n, (w + 1) * n), folded.subarray(cell * n, (cell + 1) * n));
}

/** A block's parameters, or its gradient, with what belongs to each cell: its logits and their transpose. */
class Cells {
  readonly #design: Design;
  readonly #rows: Rows;
  readonly #folded: readonly Float64Array[];
  #strips: readonly Float64Array[] = [];

  constructor(design: Design, block: Block) {
    this.#design = design;
    this.#rows = rowsOf(design.units, design.width);
    const folded = () => new Float64Array(CELLS * this.#rows.units * STRIP);
    this.#folded = Array.from({ length: stripsOf(block) }, folded);
  }

  #take(x: Float64Array): void {
    const size = this.#rows.count * STRIP;
    this.#strips = this.#folded.map((_, s) => x.subarray(s * size, (s + 1) * size));
  }

  /** Parameters to make logits of. */
  read(x: Float64Array): void {
    this.#take(x);
    for (const [s, folded] of this.#folded.entries())
      foldWeights(this.#strips[s] as Float64Array, folded, this.#rows);
  }

  /** z = the logits of sample i, [K]. */
  logits(i: number, z: Float64Array): void {
    const { start, cells, profile, width } = this.#design;
    z.fill(0);
    for (let s = 0; s < this.#strips.length; s++) {
      const strip = this.#strips[s] as Float64Array;
      const at = s * STRIP;
      addScaledStrip(z, at, 1, strip, this.#rows.bias * STRIP);
      for (let f = 0; f < width; f++) {
        const value = profile[i * width + f] as number;
        if (value !== 0) addScaledStrip(z, at, value, strip, (this.#rows.profile + f) * STRIP);
      }
      const folded = this.#folded[s] as Float64Array;
      addRows(z, at, folded, cells, start[i] as number, start[i + 1] as number);
    }
  }

  /** A gradient to write, from zero. */
  begin(gradient: Float64Array): void {
    gradient.fill(0);
    this.#take(gradient);
    for (const folded of this.#folded) folded.fill(0);
  }

  /** Adds slopes in the logits of sample i, [K]. */
  add(i: number, slopes: Float64Array): void {
    const { start, cells, profile, width } = this.#design;
    for (let s = 0; s < this.#strips.length; s++) {
      const strip = this.#strips[s] as Float64Array;
      const at = s * STRIP;
      addScaledStrip(strip, this.#rows.bias * STRIP, 1, slopes, at);
      for (let f = 0; f < width; f++) {
        const value = profile[i * width + f] as number;
        if (value !== 0) addScaledStrip(strip, (this.#rows.profile + f) * STRIP, value, slopes, at);
      }
      const folded = this.#folded[s] as Float64Array;
      spreadRows(slopes, at, folded, cells, start[i] as number, start[i + 1] as number);
    }
  }

  finish(): void {
    for (const [s, folded] of this.#folded.entries())
      unfold(folded, this.#strips[s] as Float64Array, this.#rows);
  }
}

/** Turns K logits into probabilities in place, and returns the loss of targets y[at .. at+K]. */
function link(z: Float64Array, y: Uint8Array, at: number, block: Block): number {
  return block.isExclusive ? softmax(z, y, at, block.count) : sigmoids(z, y, at, block.count);
}

function sigmoids(z: Float64Array, y: Uint8Array, at: number, K: number): number {
  let loss = 0;
  for (let k = 0; k < K; k++) {
    const value = z[k] as number;
    const e = Math.exp(-Math.abs(value));
    loss += Math.max(value, 0) + Math.log1p(e) - value * (y[at + k] as number);
    z[k] = value >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  return loss;
}

function softmax(z: Float64Array, y: Uint8Array, at: number, K: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < K; k++) top = Math.max(top, z[k] as number);
  let sum = 0;
  for (let k = 0; k < K; k++) sum += Math.exp((z[k] as number) - top);
  const total = top + Math.log(sum);
  let loss = 0;
  for (let k = 0; k < K; k++) {
    const value = z[k] as number;
    loss += (total - value) * (y[at + k] as number);
    z[k] = Math.exp(value - total);
  }
  return loss;
}

/** Penalty of each row of a strip: f's second derivative but for the loss. */
export function pullsOf(design: Design, { inverse, profileShare }: Penalty): Float64Array {
  const { profile, bias, count } = rowsOf(design.units, design.width);
  const pulls = new Float64Array(count).fill(1 / (inverse * design.size));
  for (let row = profile; row < bias; row++) pulls[row] = (pulls[row] as number) * profileShare;
  pulls[bias] = 0;
  return pulls;
}

/** The penalty's part of f at x. */
export function penaltyAt(design: Design, penalty: Penalty, x: Float64Array): number {
  return penalise(x, new Float64Array(x.length), pullsOf(design, penalty));
}

/** Adds the penalty's slope to a gradient and returns its value. */
function penalise(x: Float64Array, gradient: Float64Array, pulls: Float64Array): number {
  let sum = 0;
  for (let start = 0; start < x.length; start += STRIP) {
    const pull = pulls[(start / STRIP) % pulls.length] as number;
    for (let i = start; i < start + STRIP; i++) {
      const value = x[i] as number;
      gradient[i] = (gradient[i] as number) + pull * value;
      sum += pull * value * value;
    }
  }
  return sum / 2;
}

/** f of a block, as L-BFGS wants it. */
export function objectiveOf(
  design: Design,
  y: Uint8Array,
  block: Block,
  penalty: Penalty,
): Evaluate {
  const { size: N } = design;
  const weights = new Cells(design, block);
  const slopes = new Cells(design, block);
  const pulls = pullsOf(design, penalty);
  const z = new Float64Array(stripsOf(block) * STRIP);
  return (x, gradient) => {
    weights.read(x);
    slopes.begin(gradient);
    let loss = 0;
    for (let i = 0; i < N; i++) {
      weights.logits(i, z);
      const at = i * block.classes + block.first;
      loss += link(z, y, at, block);
      for (let k = 0; k < block.count; k++) z[k] = ((z[k] as number) - (y[at + k] as number)) / N;
      z.fill(0, block.count);
      slopes.add(i, z);
    }
    slopes.finish();
    return loss / N + penalise(x, gradient, pulls);
  };
}

/** Writes a block's probabilities into `all`, [S × C]. */
export function predictBlock(
  design: Design,
  block: Block,
  x: Float64Array,
  all: Float32Array,
): void {
  const weights = new Cells(design, block);
  weights.read(x);
  const z = new Float64Array(stripsOf(block) * STRIP);
  const none = new Uint8Array(block.count);
  for (let i = 0; i < design.size; i++) {
    weights.logits(i, z);
    link(z, none, 0, block);
    all.set(z.subarray(0, block.count), i * block.classes + block.first);
  }
}
