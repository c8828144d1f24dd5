/** Time between events as tokens, and back (models.md 8.1). All times in days. */
import { firstNotBefore } from "../../core/search.ts";

const MINUTE = 1 / 1440;
const HOUR = 1 / 24;

/** Half a year: the lower bound of the last interval, and what each repetition of it stands for. */
export const HALF_YEAR = 180;

/** Lower bounds of the intervals; v1 and v2 are the two published code bases. */
export const INTERVAL_BOUNDS: Readonly<Record<string, readonly number[]>> = {
  v1: [
    ...[5, 15].map((n) => n * MINUTE),
    ...[1, 2, 6, 12].map((n) => n * HOUR),
    ...[1, 3, 7, 14, 30, 90, HALF_YEAR],
  ],
  v2: [
    ...[5, 15, 45, 75].map((n) => n * MINUTE),
    ...[2, 3, 5, 8, 12, 18].map((n) => n * HOUR),
    ...[1, 2, 4, 7, 12, 20, 30, 60, HALF_YEAR],
  ],
};

/** Most gaps kept of an interval; they stand for its distribution. */
const KEPT = 256;

export interface IntervalRun {
  /** Number of the interval. */
  readonly interval: number;
  /** How often its token is repeated; above 1 for the last interval only. */
  readonly times: number;
}

export class Intervals {
  readonly bounds: readonly number[];
  /** Per interval, gaps of training subjects in it, ascending. */
  readonly #gaps: readonly Float64Array[];

  private constructor(bounds: readonly number[], gaps: readonly Float64Array[]) {
    this.bounds = bounds;
    this.#gaps = gaps;
  }

  /** @param gaps between consecutive events of training subjects, in any order. */
  static fit(bounds: readonly number[], gaps: Iterable<number>): Intervals {
    const byInterval: number[][] = bounds.map(() => []);
    for (const gap of gaps) byInterval[intervalOf(bounds, gap)]?.push(gap);
    const kept = byInterval.map((list, i) => {
      const middle = ((bounds[i] as number) + (bounds[i + 1] ?? HALF_YEAR)) / 2;
      if (i === bounds.length - 1) return Float64Array.of(HALF_YEAR);
      if (list.length === 0) return Float64Array.of(middle);
      const sorted = Float64Array.from(list).sort();
      if (sorted.length <= KEPT) return sorted;
      const step = sorted.length / KEPT;
      return Float64Array.from(
        { length: KEPT },
        (_, k) => sorted[Math.floor((k + 0.5) * step)] ?? 0,
      );
    });
    return new Intervals(bounds, kept);
  }

  get count(): number {
    return this.bounds.length;
  }

  /** The tokens of a gap; undefined below the first bound. */
  of(gap: number): IntervalRun | undefined {
    const interval = intervalOf(this.bounds, gap);
    if (interval < 0) return undefined;
    const isLast = interval === this.bounds.length - 1;
    return { interval, times: isLast ? Math.max(1, Math.round(gap / HALF_YEAR)) : 1 };
  }

  /** Gaps of training subjects in an interval, ascending, at most 256 of them. */
  gapsOf(interval: number): Float64Array {
    return this.#gaps[interval] as Float64Array;
  }

  /** Share of an interval's gaps that are longer than `elapsed`. */
  shareLonger(interval: number, elapsed: number): number {
    const gaps = this.#gaps[interval] as Float64Array;
    return (gaps.length - firstAbove(gaps, elapsed)) / gaps.length;
  }

  /**
   * A gap of an interval, among those longer than `elapsed` and, where there are such, not longer than `most`, by a
   * uniform number in [0, 1).
   */
  draw(interval: number, uniform: number, elapsed = 0, most = Number.POSITIVE_INFINITY): number {
    const gaps = this.#gaps[interval] as Float64Array;
    const first = Math.min(gaps.length - 1, firstAbove(gaps, elapsed));
    const end = Math.max(first + 1, firstAbove(gaps, most));
    return gaps[first + Math.floor(uniform * (end - first))] as number;
  }
}

/** Number of the interval a gap lies in, -1 below the first. */
function intervalOf(bounds: readonly number[], gap: number): number {
  let interval = -1;
  while (interval + 1 < bounds.length && gap >= (bounds[interval + 1] as number)) interval++;
  return interval;
}

/** Position of the first of ascending values above x. */
function firstAbove(values: Float64Array, x: number): number {
  return firstNotBefore(0, values.length, (i) => (values[i] as number) <= x);
}
