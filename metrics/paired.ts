/** Differences between pairs of runs: their mean, and how far it may be from that over all seeds. */
import { mean, standardDeviation } from "./statistics.ts";

/** 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom. */
const T_QUANTILES = [
  12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814, 2.20099,
  2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596, 2.07961, 2.07387,
  2.06866, 2.0639, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227,
];
/** Of the standard normal distribution. */
const Z = 1.959963984540054;

/** 97.5 % quantile of Student's t. Beyond the table the expansion of Fisher and Cornish (1960), exact to 1e-5. */
export function tQuantile(degrees: number): number {
  const expansion =
    Z + (Z ** 3 + Z) / (4 * degrees) + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / (96 * degrees ** 2);
  return T_QUANTILES[degrees - 1] ?? expansion;
}

/** Ends of an interval. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

export interface PairedDifference {
  readonly mean: number;
  /** Sample standard deviation; null for one pair. */
  readonly sd: number | null;
  /** Pairs. */
  readonly n: number;
  /** 95 %; null for one pair. */
  readonly interval: Limits | null;
}

/** The 95 % interval of a mean of n values, by Student's t; null for fewer than two. */
function intervalOfMean(
  middle: number,
  sd: number | null,
  n: number,
): PairedDifference["interval"] {
  if (sd === null || n < 2) return null;
  const half = (tQuantile(n - 1) * sd) / Math.sqrt(n);
  return { low: middle - half, high: middle + half };
}

/** Paired differences in one number; null without pairs. */
export function pairedDifference(differences: readonly number[]): PairedDifference | null {
  if (differences.length === 0) return null;
  const middle = mean(differences);
  const sd = standardDeviation(differences);
  const n = differences.length;
  return { mean: middle, sd, n, interval: intervalOfMean(middle, sd, n) };
}
