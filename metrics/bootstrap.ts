/**
 * Bootstrap over subjects (Efron 1979, percentile interval): each draw takes as many subjects as there
 * are, with replacement, and all samples of a subject come along as often as the subject was drawn.
 * The same stream and the same subjects give the same draws for every model, so that draws can be paired.
 */
import type { Random } from "../core/random.ts";
import { quantile } from "./statistics.ts";

/** Share of draws the interval covers. */
export const LEVEL = 0.95;
const TAILS = [0.025, 0.975] as const;
export const DEFAULT_DRAWS = 1000;

/** What a byte holds. With N subjects the times one is drawn are near Poisson(1): above 255 is out of reach. */
const MOST_TIMES = 255;

/** Samples' subjects as indices 0 … N-1 in order of the subject ids. */
export interface SubjectIndex {
  /** N. */
  readonly count: number;
  readonly index: Uint32Array; // [S]
}

/** Numbers subjects by ascending id, so that the order of the samples does not matter. */
export function indexSubjects(subjects: Float64Array): SubjectIndex {
  const ids = [...new Set(subjects)].sort((a, b) => a - b);
  const position = new Map(ids.map((id, i) => [id, i]));
  return {
    count: ids.length,
    index: Uint32Array.from(subjects, (id) => position.get(id) as number),
  };
}

/**
 * Calls `measure` once a draw with how often each subject was drawn, [N]; the array is reused.
 * Draws come from the stream's child "subjects", so the given stream itself is not advanced.
 */
export function bootstrap(
  subjects: number,
  draws: number,
  random: Random,
  measure: (multiplicity: Uint8Array, draw: number) => void,
): void {
  const stream = random.derive("subjects");
  const multiplicity = new Uint8Array(subjects); // bytes, as it is read at random in inner loops
  for (let draw = 0; draw < draws; draw++) {
    multiplicity.fill(0);
    for (let i = 0; i < subjects; i++) {
      const subject = stream.below(subjects);
      const times = (multiplicity[subject] as number) + 1;
      if (times > MOST_TIMES)
        throw new Error(`one subject was drawn more than ${MOST_TIMES} times`);
      multiplicity[subject] = times;
    }
    measure(multiplicity, draw);
  }
}

/** A percentile interval and over how many draws it is taken. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly method: "bootstrap over subjects";
  readonly level: typeof LEVEL;
  readonly draws: number;
  /** Draws in which the metric was undefined, left out of the percentiles. */
  readonly undefined_draws: number;
  /** Averages over classes only: draws in which some averaged class was undefined and the average is over the others. */
  readonly incomplete_draws?: number;
}

/** The interval of drawn values (NaN where undefined); undefined when fewer than half the draws have a value. */
export function percentileInterval(values: Float64Array): Interval | undefined {
  const defined = values.filter((value) => !Number.isNaN(value)).sort();
  if (defined.length === 0 || defined.length * 2 < values.length) return undefined;
  return {
    low: quantile(defined, TAILS[0]),
    high: quantile(defined, TAILS[1]),
    method: "bootstrap over subjects",
    level: LEVEL,
    draws: values.length,
    undefined_draws: values.length - defined.length,
  };
}
