/**
 * What may leave this machine. Counts: what leaves the private cache says nothing about fewer than ten real
 * subjects. Network: nothing is sent by any package that runs in this process.
 */
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

/**
 * Switches off what onnxruntime sends to its makers: its packages do so from version 1.29 on, unless this variable is
 * set before the library loads (its Privacy.md). To be called before whatever loads it. Windows is another
 * matter: there the library writes trace events that the system may collect, and no package can stop it.
 */
export function switchOffTelemetry(): void {
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
}
