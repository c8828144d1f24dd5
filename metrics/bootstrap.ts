/**
 * Bootstrap over subjects (Efron 1979; percentile intervals, but for the calibration error): each draw takes as many subjects as there
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

export const PERCENTILES = "bootstrap over subjects";
export const DISTANCE = "bootstrap over subjects, distance of the bins' gaps";

/** An interval, how it was made, and over how many draws it is taken. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly method: typeof PERCENTILES | typeof DISTANCE;
  readonly level: typeof LEVEL;
  readonly draws: number;
  /** Draws in which the metric was undefined, left out of the percentiles. */
  readonly undefined_draws: number;
  /** Averages over classes only: draws in which some averaged class was undefined and the average is over the others. */
  readonly incomplete_draws?: number;
}

/** The values that are not NaN in ascending order; undefined when fewer than half of them are there. */
function definedValues(values: Float64Array): Float64Array | undefined {
  const defined = values.filter((value) => !Number.isNaN(value)).sort();
  return defined.length === 0 || defined.length * 2 < values.length ? undefined : defined;
}

/** The interval of drawn values (NaN where undefined); undefined when fewer than half the draws have a value. */
export function percentileInterval(values: Float64Array): Interval | undefined {
  const defined = definedValues(values);
  if (defined === undefined) return undefined;
  return {
    low: quantile(defined, TAILS[0]),
    high: quantile(defined, TAILS[1]),
    method: PERCENTILES,
    level: LEVEL,
    draws: values.length,
    undefined_draws: values.length - defined.length,
  };
}

/**
 * The interval of a value in [0, 1] that is a sum of absolute values, as the calibration error is: the value
 * plus and minus the 95 % quantile of the drawn distances. Such a value is biased upwards, and a draw more so: where
 * calibration is good, all draws lie above the value and the value above the truth, and percentiles cover
 * the truth never (basic and bias-corrected ones too seldom, as 0 is a kink: Andrews, Econometrica
 * 68:399, 2000). The signed gaps have neither fault, so their distance from the truth is drawn, and by
 * the triangle inequality the error is off by no more than that. Wider than needed, never too narrow.
 * @param distances of the draws from the sample, NaN where undefined
 */
export function distanceInterval(value: number, distances: Float64Array): Interval | undefined {
  const defined = definedValues(distances);
  if (defined === undefined) return undefined;
  const reach = quantile(defined, LEVEL);
  return {
    low: Math.max(0, value - reach),
    high: Math.min(1, value + reach),
    method: DISTANCE,
    level: LEVEL,
    draws: distances.length,
    undefined_draws: distances.length - defined.length,
  };
}
