/**
 * Differences between label and probability, sorted by subject, for the metrics that are sums over
 * samples (Brier, calibration). A bootstrap draw walks them in memory order and, as a subject that was
 * not drawn weighs nothing, without a branch.
 */
import { descendingOrder, sortKeys } from "./sort.ts";

/** Equal-width bins of the calibration error: [0, 0.1), [0.1, 0.2) … [0.9, 1]. */
export const CALIBRATION_BINS = 10;

/** One class; made by `differencesOf`. Sorted by subject, then probability and label, whatever the order given. */
export interface Differences {
  /** Index of the subject. */
  readonly subject: Uint32Array; // [S]
  /** Label minus probability. */
  readonly difference: Float64Array; // [S]
  /** Calibration bin of the probability. */
  readonly bin: Uint8Array; // [S]
  /** Share of positives minus mean probability of each bin, times the bin's share of the samples. */
  readonly gaps: Float64Array; // [CALIBRATION_BINS]
}

export interface ErrorSums {
  readonly samples: number;
  /** Squared differences. */
  readonly squares: number;
  /** Sum of differences of each calibration bin. */
  readonly gaps: Float64Array; // [CALIBRATION_BINS]
}

/**
 * @param labels 0 or 1, [S]
 * @param probabilities in [0, 1], [S]
 * @param subject index of each sample's subject, [S]
 */
export function differencesOf(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  subject: Uint32Array,
): Differences {
  const size = probabilities.length;
  const order = descendingOrder(
    new Uint32Array(subject),
    sortKeys(probabilities),
    new Uint32Array(labels),
  ).reverse();
  const sorted = new Uint32Array(size);
  const difference = new Float64Array(size);
  const bin = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const sample = order[i] as number;
    const p = probabilities[sample] as number;
    sorted[i] = subject[sample] as number;
    difference[i] = (labels[sample] as number) - p;
    bin[i] = Math.min(CALIBRATION_BINS - 1, Math.floor(p * CALIBRATION_BINS));
  }
  const sums = sumErrors({ subject: new Uint32Array(size), difference, bin }, Uint8Array.of(1));
  return { subject: sorted, difference, bin, gaps: sums.gaps.map((gap) => gap / size) };
}

/** Sums under weights, one per subject. */
export function sumErrors(differences: Omit<Differences, "gaps">, weights: Uint8Array): ErrorSums {
  const { subject, difference, bin } = differences;
  const gaps = new Float64Array(CALIBRATION_BINS);
  let samples = 0;
  let squares = 0;
  for (let i = 0; i < subject.length; i++) {
    const weight = weights[subject[i] as number] as number;
    const b = bin[i] as number;
    const d = difference[i] as number;
    const weighted = weight * d;
    samples += weight;
    squares += weighted * d;
    gaps[b] = (gaps[b] as number) + weighted;
  }
  return { samples, squares, gaps };
}

/**
 * Mean squared difference between probability and label (Brier 1950); NaN without samples.
 * This is the score of one class; that of exclusive classes is the sum over classes.
 */
export function brierScore(sums: ErrorSums): number {
  return sums.squares / sums.samples;
}

/**
 * Expected calibration error (Naeini, Cooper and Hauskrecht 2015) over ten equal-width bins: the mean
 * over samples of the difference between mean probability and share of positives in the sample's bin.
 * Binary: bins of the positive class's probability. Multilabel: the mean over classes of that.
 * Multiclass: top-label, bins of the highest probability against whether that class is the true one.
 * NaN without samples.
 */
export function calibrationError(sums: ErrorSums): number {
  let total = 0;
  for (const gap of sums.gaps) total += Math.abs(gap);
  return total / sums.samples;
}

/**
 * How far the bins' gaps of a draw are from those of all samples, summed over bins: at least the difference of
 * the two calibration errors. The error's interval is made of this (`distanceInterval`).
 */
export function calibrationDistance(sums: ErrorSums, all: Differences): number {
  let total = 0;
  sums.gaps.forEach((gap, b) => {
    total += Math.abs(gap / sums.samples - (all.gaps[b] as number));
  });
  return total;
}
