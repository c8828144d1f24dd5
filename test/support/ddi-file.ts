/** A table of drug interactions in a test's own folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";

/** Writes pairs such as `A01A,A02A`; returns the path. */
export function ddiFile(t: Test, ...pairs: string[]): string {
  const file = join(t.testdir(), "ddi.csv");
  writeFileSync(file, ["atc_a,atc_b", ...pairs, ""].join("\n"));
  return file;
}
