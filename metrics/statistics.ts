/** The door to mathjs: quantiles, means and deviations. The numbers-only build is loaded, being smaller. */
import { mean as meanOf, quantileSeq, std } from "mathjs/number";

/**
 * Quantile by linear interpolation between order statistics (type 7, the default of R and numpy).
 * @throws when there is no value.
 */
export function quantile(values: ArrayLike<number>, probability: number): number {
  return Number(quantileSeq(Array.from(values), probability));
}

/** Arithmetic mean. @throws when there is no value. */
export function mean(values: readonly number[]): number {
  return Number(meanOf([...values]));
}

/** Sample standard deviation (divides by n - 1); null for fewer than two values. */
export function standardDeviation(values: readonly number[]): number | null {
  return values.length < 2 ? null : Number(std([...values]));
}
