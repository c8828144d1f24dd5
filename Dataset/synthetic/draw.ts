/** Small distributions on top of the core generator. */
import type { Random } from "../../core/random.ts";

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** True with probability p. */
export function chance(random: Random, p: number): boolean {
  return random.uniform() < p;
}

/** Position in ascending cumulative shares that end in 1. */
export function pickCumulative(random: Random, cumulative: readonly number[]): number {
  const u = random.uniform();
  let i = 0;
  while (i < cumulative.length - 1 && u >= (cumulative[i] as number)) i++;
  return i;
}

/** A choice among values, each with a positive weight. */
export interface Choice<T> {
  readonly values: readonly T[];
  readonly cumulative: readonly number[];
}

/** Prepares weighted values for `choose`. */
export function choice<T>(weighted: readonly (readonly [T, number])[]): Choice<T> {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  let sum = 0;
  const cumulative = weighted.map(([, weight]) => {
    sum += weight / total;
    return sum;
  });
  return { values: weighted.map(([value]) => value), cumulative };
}

export function choose<T>(random: Random, from: Choice<T>): T {
  return from.values[pickCumulative(random, from.cumulative)] as T;
}

/** Number of failures before the first success: mean (1 - p) / p, at most `limit`. */
export function geometric(random: Random, p: number, limit: number): number {
  let n = 0;
  while (n < limit && random.uniform() >= p) n++;
  return n;
}

/** Whole number in [low, high]. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random.uniform() * (high - low + 1));
}
