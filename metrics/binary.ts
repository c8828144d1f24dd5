/**
 * AUPRC, AUROC and F1 of one class against the rest, from one pass over its ranked samples. All return
 * NaN where they are undefined; `evaluate` turns that into null with a reason.
 */
import type { RankSums } from "./ranking.ts";

const hasBothOutcomes = (sums: RankSums) => sums.positives > 0 && sums.positives < sums.samples;

/** Share of positives; NaN without samples. */
export function prevalence(sums: RankSums): number {
  return sums.positives / sums.samples;
}

/**
 * Average precision: the sum over distinct thresholds, highest first, of the gain in recall times the
 * precision there. No interpolation; ties count as one threshold, as in scikit-learn's
 * `average_precision_score`. NaN without positives or without negatives.
 */
export function averagePrecision(sums: RankSums): number {
  return hasBothOutcomes(sums) ? sums.precision / sums.positives : Number.NaN;
}

/**
 * Probability that a positive ranks above a negative, ties counting one half (the area under the ROC
 * curve by trapezia). NaN without positives or without negatives.
 */
export function areaUnderRoc(sums: RankSums): number {
  const pairs = sums.positives * (sums.samples - sums.positives);
  return hasBothOutcomes(sums) ? (pairs - sums.discordant) / pairs : Number.NaN;
}

/** F1 of predicting positive at or above the threshold; NaN without positives. */
export function f1(sums: RankSums): number {
  return sums.positives === 0
    ? Number.NaN
    : (2 * sums.cutPositives) / (sums.cutSamples + sums.positives);
}
