/**
 * L-BFGS: the minimum of a smooth function of many variables from values and gradients alone.
 *
 * Nocedal and Wright, Numerical Optimization, 2nd edition (2006), algorithms 7.4 (two-loop recursion) and 7.5, from
 * an initial inverse Hessian that is a given diagonal, scaled by γ = sᵀy / yᵀHy of the latest step (equation 7.20).
 * Steps are found by backtracking to Armijo's condition (equation 3.4) with quadratic interpolation (section 3.5).
 *
 * Deviation: Wolfe's second condition is not searched for. Pairs (s, y) that break its consequence sᵀy > 0 are left
 *   out, which on a convex function none does.
 *
 * It stops when it expects to gain less than `tolerance`: half of gᵀHg, with H its estimate of the inverse Hessian, is
 * how far a quadratic is above its minimum.
 */

/** Writes the gradient at x and returns the value. */
export type Evaluate = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimisation {
  /** The start; holds the best point after each iteration. [n] */
  readonly x: Float64Array;
  readonly evaluate: Evaluate;
  /** A first estimate of the inverse Hessian's diagonal, all above 0, [n]. */
  readonly diagonal: Float64Array;
  /** The expected gain below which it stops, in units of the function. */
  readonly tolerance: number;
  /** Pairs that are remembered. */
  readonly memory?: number;
  readonly maxIterations?: number;
}

export interface Iteration {
  /** Counted from 1. */
  readonly iteration: number;
  /** At `x`. */
  readonly value: number;
}

export interface Minimum {
  readonly value: number;
  readonly iterations: number;
  /**
   * `converged`; `iterations`: they are used up; `precision`: no step along a descent direction lowers the value any
   * more, as happens at a minimum to rounding; `not-finite`: the function gave no number at the start.
   */
  readonly stoppedBy: "converged" | "iterations" | "precision" | "not-finite";
}

/** c_1 of Armijo's condition. */
const SUFFICIENT = 1e-4;
/** After so many halvings, or more, no step is taken. */
const MOST_TRIALS = 40;
const MEMORY = 8;
const MOST_ITERATIONS = 500;

interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  /** 1 / sᵀy. */
  readonly rho: number;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** a += factor · b. */
function addScaled(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + factor * (b[i] as number);
}

/** d = -H g by the two-loop recursion; `pairs` oldest first. */
function direction(
  d: Float64Array,
  g: Float64Array,
  pairs: readonly Pair[],
  diagonal: Float64Array,
): void {
  for (let i = 0; i < d.length; i++) d[i] = -(g[i] as number);
  const alpha: number[] = [];
  for (let p = pairs.length - 1; p >= 0; p--) {
    const { s, y, rho } = pairs[p] as Pair;
    alpha[p] = rho * dot(s, d);
    addScaled(d, -(alpha[p] as number), y);
  }
  const gamma = scaleOf(pairs.at(-1), diagonal);
  for (let i = 0; i < d.length; i++) d[i] = (d[i] as number) * (diagonal[i] as number) * gamma;
  for (const [p, { s, y, rho }] of pairs.entries())
    addScaled(d, (alpha[p] as number) - rho * dot(y, d), s);
}

/** γ: the diagonal's scale along the latest step. */
function scaleOf(latest: Pair | undefined, diagonal: Float64Array): number {
  if (latest === undefined) return 1;
  const { y, rho } = latest;
  let square = 0;
  for (let i = 0; i < y.length; i++) square += (y[i] as number) ** 2 * (diagonal[i] as number);
  return 1 / (rho * square);
}

/** The pair of a step from x, g to `next`, `nextGradient`; undefined where the function does not curve upwards. */
function pairOf(
  x: Float64Array,
  next: Float64Array,
  g: Float64Array,
  nextGradient: Float64Array,
): Pair | undefined {
  const s = next.map((v, i) => v - (x[i] as number));
  const y = nextGradient.map((v, i) => v - (g[i] as number));
  const curvature = dot(s, y);
  // Rounding alone makes a y that is no curvature at all.
  return curvature > 1e-14 * Math.sqrt(dot(s, s) * dot(y, y))
    ? { s, y, rho: 1 / curvature }
    : undefined;
}

interface Search {
  readonly x: Float64Array;
  readonly d: Float64Array;
  readonly value: number;
  /** gᵀd < 0. */
  readonly slope: number;
}

/** Puts a sufficiently lower point along d into `next`, its gradient into `nextGradient`; undefined when there is none. */
function search(
  { x, d, value, slope }: Search,
  evaluate: Evaluate,
  next: Float64Array,
  nextGradient: Float64Array,
): number | undefined {
  let step = 1;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    for (let i = 0; i < x.length; i++) next[i] = (x[i] as number) + step * (d[i] as number);
    const found = evaluate(next, nextGradient);
    if (found <= value + SUFFICIENT * step * slope) return found;
    // The minimum of the parabola through both values and the slope, kept between a tenth and a half of the step.
    const least = (-slope * step * step) / (2 * (found - value - slope * step));
    step = Number.isFinite(found) ? Math.min(0.5 * step, Math.max(0.1 * step, least)) : 0.1 * step;
  }
  return undefined;
}

/**
 * Minimises in place; yields after each iteration, so that whoever asks can breathe and stop.
 * @returns how it ended; `x` is then the lowest point that was found
 */
export function* minimise(problem: Minimisation): Generator<Iteration, Minimum> {
  const { x, evaluate, diagonal, tolerance } = problem;
  const { memory = MEMORY, maxIterations = MOST_ITERATIONS } = problem;
  const [g, d, next, nextGradient] = [0, 1, 2, 3].map(() => new Float64Array(x.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const pairs: Pair[] = [];
  let value = evaluate(x, g);
  if (!Number.isFinite(value)) return { value, iterations: 0, stoppedBy: "not-finite" };
  for (let iteration = 1; ; iteration++) {
    direction(d, g, pairs, diagonal);
    const slope = dot(g, d);
    const done = { value, iterations: iteration - 1 };
    if (!(-slope / 2 > tolerance)) return { ...done, stoppedBy: "converged" };
    if (iteration > maxIterations) return { ...done, stoppedBy: "iterations" };
    const found = search({ x, d, value, slope }, evaluate, next, nextGradient);
    if (found === undefined) return { ...done, stoppedBy: "precision" };
    const pair = pairOf(x, next, g, nextGradient);
    if (pair !== undefined && pairs.push(pair) > memory) pairs.shift();
    x.set(next);
    g.set(nextGradient);
    value = found;
    yield { iteration, value };
  }
}
