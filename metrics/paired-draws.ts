/**
 * Whether one set of probabilities beats another on other subjects too: the paired bootstrap over subjects
 * (Efron and Tibshirani 1993, chapter 8). Both are measured on the same draws, so that what is hard or rare in
 * a draw is so for both and leaves their difference.
 */
import type { Random } from "../core/random.ts";
import { averagePrecision } from "./binary.ts";
import { bootstrap, indexSubjects, percentileInterval } from "./bootstrap.ts";
import { type Limits, tQuantile } from "./paired.ts";
import { meanDefined } from "./panel.ts";
import { column, rank, scan } from "./ranking.ts";
import { mean, standardDeviation } from "./statistics.ts";

export interface PairedScores {
  /** C. */
  readonly classes: number;
  /** 0 or 1, row-major. */
  readonly labels: Uint8Array; // [S × C]
  /** Subject id of each sample. */
  readonly subjects: Float64Array; // [S]
  /** Probabilities in [0, 1] of either side. */
  readonly a: Float32Array; // [S × C]
  readonly b: Float32Array; // [S × C]
  /** The stream of the bootstrap; it is not advanced, so that the same one gives the same draws to every pair. */
  readonly random: Random;
  readonly draws: number;
}

/** AUPRC of a minus that of b, of the sample and of every draw; NaN where undefined. */
export interface DrawnDifference {
  readonly value: number;
  readonly drawn: Float64Array; // [draws]
}

/** Macro AUPRC under any multiplicities of the subjects: the mean over classes for which it is defined. */
function auprcOf(
  { classes, labels }: PairedScores,
  probabilities: Float32Array,
  subject: Uint32Array,
): (weights: Uint8Array) => number {
  const rankings = Array.from({ length: classes }, (_, c) =>
    rank(column(labels, classes, c), column(probabilities, classes, c), subject),
  );
  const values = new Float64Array(classes);
  return (weights) => {
    for (const [c, ranking] of rankings.entries())
      values[c] = averagePrecision(scan(ranking, weights));
    return meanDefined(values);
  };
}

/**
 * AUPRC is average precision, macro over classes, as in `evaluate`.
 * @throws Error when shapes disagree.
 */
export function drawDifferences(input: PairedScores): DrawnDifference {
  const { classes, labels, subjects, a, b, random, draws } = input;
  const size = subjects.length * classes;
  if (labels.length !== size || a.length !== size || b.length !== size)
    throw new Error(
      `labels [${labels.length}] and probabilities [${a.length}], [${b.length}] must be [${subjects.length} × ${classes}]`,
    );
  const { count, index } = indexSubjects(subjects);
  const [ofA, ofB] = [auprcOf(input, a, index), auprcOf(input, b, index)];
  const difference = (weights: Uint8Array) => ofA(weights) - ofB(weights);
  const drawn = new Float64Array(draws).fill(Number.NaN);
  // One subject, drawn again and again, tells nothing of others.
  if (count >= 2)
    bootstrap(count, draws, random, (weights, draw) => {
      drawn[draw] = difference(weights);
    });
  return { value: difference(new Uint8Array(count).fill(1)), drawn };
}

/** The mean over seeds, draw by draw: in each draw all seeds have the same subjects. */
export function meanOverSeeds(seeds: readonly DrawnDifference[]): DrawnDifference {
  const meanOf = (of: (seed: DrawnDifference) => number) => mean(seeds.map(of));
  const draws = seeds[0]?.drawn.length ?? 0;
  return {
    value: meanOf(({ value }) => value),
    drawn: Float64Array.from({ length: draws }, (_, d) =>
      meanOf(({ drawn }) => drawn[d] as number),
    ),
  };
}

/** Percentiles of the draws, 95 %; null where fewer than half of them are defined. */
export function overSubjects({ drawn }: DrawnDifference): Limits | null {
  const found = percentileInterval(drawn);
  return found === undefined ? null : { low: found.low, high: found.high };
}

/**
 * The 95 % interval of the mean difference over other subjects and other seeds of training: the variance of
 * the draws of the mean plus the seeds' variance over their number. What subjects and seeds do together is
 * in both, so it is rather too wide than too narrow. Student's t with the degrees of freedom of Satterthwaite (1946).
 * @returns null for one seed, or where fewer than half of the draws are defined.
 */
export function overSubjectsAndSeeds(seeds: readonly DrawnDifference[]): Limits | null {
  const middle = meanOverSeeds(seeds);
  const defined = [...middle.drawn].filter((value) => !Number.isNaN(value));
  const ofSubjects = defined.length * 2 < middle.drawn.length ? null : standardDeviation(defined);
  const ofSeeds = standardDeviation(seeds.map(({ value }) => value));
  if (ofSubjects === null || ofSeeds === null) return null;
  const between = ofSeeds ** 2 / seeds.length;
  const variance = ofSubjects ** 2 + between;
  const degrees = between === 0 ? Number.POSITIVE_INFINITY : variance ** 2 / between ** 2;
  const half = tQuantile(Math.floor(degrees * (seeds.length - 1))) * Math.sqrt(variance);
  return { low: middle.value - half, high: middle.value + half };
}
