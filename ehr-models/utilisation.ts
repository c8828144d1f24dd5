/**
 * How a history came about, in four numbers: how often, how lately and how long somebody was in hospital tells of
 * severity beyond what was coded (the L and E of the LACE index: van Walraven et al., CMAJ 2010).
 */
import type { History } from "../core/samples.ts";

/** Numbers of `utilisationOf`. */
export const UTILISATION_WIDTH = 4;
/** The gap before the last visit at which its recency is a half, in days. */
const HALF_RECENT_DAYS = 30;

/** When visits began and ended, in days before one time; NaN where they have not. */
export interface Visits {
  readonly visitStart: ArrayLike<number>;
  readonly visitEnd: ArrayLike<number>;
}

/**
 * log(1 + visits before this one); 30 / (30 + days since the one before), 0 where there is none; log(1 + days of this
 * visit), 0 while it is not over; 1 when it is over. `visit` is its ordinal.
 */
export function utilisationAt(
  { visitStart, visitEnd }: Visits,
  visit: number,
): [number, number, number, number] {
  const start = visitStart[visit] as number;
  const gap = visit === 0 ? Number.NaN : (visitEnd[visit - 1] as number) - start;
  const recency = Number.isNaN(gap) ? 0 : HALF_RECENT_DAYS / (HALF_RECENT_DAYS + Math.max(0, gap));
  const stay = start - (visitEnd[visit] as number);
  const isOver = stay >= 0; // not so where the end is NaN
  return [Math.log1p(visit), recency, isOver ? Math.log1p(stay) : 0, Number(isOver)];
}

/** `utilisationAt` the last visit of the kept history; zeros where it has none. */
export function utilisationOf(history: History): [number, number, number, number] {
  const { visitCount } = history;
  return visitCount === 0 ? [0, 0, 0, 0] : utilisationAt(history, visitCount - 1);
}
