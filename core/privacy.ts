/** The rule about small counts: what may leave the private cache says nothing about fewer than ten real subjects. */
import type { Source } from "./event-store.ts";

/** Counts about real subjects below this are masked. */
export const SMALLEST_COUNT = 10;

/** A count; null where it was masked. */
export type Count = number | null;

/** The one rule: whether a count about real subjects is too small to be told. Zero is: it says that nobody has it. */
export function isSmall(count: number): boolean {
  return count < SMALLEST_COUNT;
}

/** The count, or null where it is below 10 about subjects of a real source. */
export function maskCount(count: Count, source: Source): Count {
  return source === "real" && count !== null && isSmall(count) ? null : count;
}

/** How a count is shown to people. */
export function showCount(count: Count): string {
  return count === null ? `<${SMALLEST_COUNT}` : count.toLocaleString("en-US");
}
