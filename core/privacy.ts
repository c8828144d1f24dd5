/** The rule about small counts: what may leave the private cache says nothing about fewer than ten real subjects. */
import type { Source } from "./event-store.ts";

/** Counts about real subjects from 1 to one below this are masked. */
export const SMALLEST_COUNT = 10;

/** A count; null where it was masked. */
export type Count = number | null;

/** The count, or null where it is 1 to 9 about subjects of a real source. Zero is nobody, and stays. */
export function maskCount(count: Count, source: Source): Count {
  return source === "real" && count !== null && count > 0 && count < SMALLEST_COUNT ? null : count;
}

/** How a count is shown to people. */
export function showCount(count: Count): string {
  return count === null ? `<${SMALLEST_COUNT}` : count.toLocaleString("en-US");
}
