/**
 * How a history came about, in four numbers: how often, how lately and how long somebody was in hospital tells of
 * severity beyond what was coded (the L and E of the LACE index: van Walraven et al., CMAJ 2010).
 */
import type { History } from "../core/samples.ts";

/** Numbers of `utilisationOf`. */
export const UTILISATION_WIDTH = 4;
/** The gap before the last visit at which its recency is a half, in days. */
const HALF_RECENT_DAYS = 30;

/**
 * log(1 + visits before the last); 30 / (30 + days between the last two visits), 0 where there is no visit before;
 * log(1 + days of the last visit), 0 while it is not over; 1 when it is over. Of the visits in the kept history.
 */
export function utilisationOf(history: History): [number, number, number, number] {
  const { visitCount: T, visitStart, visitEnd } = history;
  if (T === 0) return [0, 0, 0, 0];
  const start = visitStart[T - 1] as number; // days before the prediction time, as all times here
  const gap = T === 1 ? Number.NaN : (visitEnd[T - 2] as number) - start;
  const recency = Number.isNaN(gap) ? 0 : HALF_RECENT_DAYS / (HALF_RECENT_DAYS + Math.max(0, gap));
  const stay = start - (visitEnd[T - 1] as number);
  const isOver = stay >= 0; // not so where the end is NaN
  return [Math.log1p(T - 1), recency, isOver ? Math.log1p(stay) : 0, Number(isOver)];
}
