/**
 * Tables of drug interactions that a user gives: a CSV file with the header `atc_a,atc_b` and one unordered
 * pair of ATC classes or drugs a row (third to fifth level: J01X, J01XA or J01XA01).
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { BenchError } from "../core/errors.ts";
import type { LabelSpec } from "../core/label.ts";

/** What the file is, for lists of the files a model can read. */
export const INTERACTION_FILE =
  "drug interactions: CSV with the header atc_a,atc_b, a pair of ATC classes a row";

const COLUMNS = ["atc_a", "atc_b"] as const;
/** Third to fifth level. */
const ATC = /^[A-Z]\d{2}[A-Z]([A-Z](\d{2})?)?$/;
const FIX = "write the header atc_a,atc_b and then two ATC codes a row, e.g. J01X,B01A";

/** A pair as it stands in the file. */
export type CodePair = readonly [string, string];

function mistake(file: string, line: number, what: string): BenchError {
  return new BenchError({ what, where: `${file}, line ${line}`, fix: FIX, exitCode: 2 });
}

function rowsOf(file: string): string[][] {
  try {
    const bytes = readFileSync(file);
    const text = file.endsWith(".gz") ? gunzipSync(bytes) : bytes;
    return parse(text, { bom: true, trim: true, relax_column_count: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError({ what: `cannot be read: ${why}`, where: file, fix: FIX, cause });
  }
}

/**
 * The pairs of a file in its order; a pair may stand in it twice and in either direction.
 * @throws BenchError naming file and line for another header, a row that is not two fields, a code that is
 * no ATC code of the third to fifth level, a code beside itself, and a file without pairs.
 */
export function readInteractions(file: string): CodePair[] {
  const [header = [], ...rows] = rowsOf(file);
  if (header.map((name) => name.toLowerCase()).join() !== COLUMNS.join())
    throw mistake(file, 1, `the columns are ${header.join(", ") || "none"}`);
  if (rows.length === 0) throw mistake(file, 2, "there is no pair of interacting classes");
  return rows.map((row, i) => {
    const line = i + 2;
    const [a = "", b = ""] = row;
    if (row.length !== COLUMNS.length) throw mistake(file, line, `${row.length} fields`);
    for (const code of [a, b])
      if (!ATC.test(code))
        throw mistake(file, line, `"${code}" is no ATC code of the third to fifth level`);
    if (a === b) throw mistake(file, line, `${a} is said to interact with itself`);
    return [a, b];
  });
}

/** Prefix of the event store's ATC codes. */
const VOCABULARY = "ATC/";

/**
 * The ATC group that a class stands for, e.g. J01X for `ATC/J01X*`; null where a class is something else,
 * or more than one group.
 */
export function atcGroup(codes: readonly string[]): string | null {
  const [code] = codes;
  if (codes.length !== 1 || code === undefined || !code.startsWith(VOCABULARY)) return null;
  return code.slice(VOCABULARY.length).replace(/\*$/, "");
}

/** Whether each class of a target is one whole ATC group, so that interactions between classes mean something. */
export function areDrugClasses({ kind, classCodes }: LabelSpec): boolean {
  if (kind !== "multilabel" || classCodes === undefined) return false;
  return classCodes.every((codes) => atcGroup(codes) !== null && codes[0]?.endsWith("*") === true);
}

/**
 * Pairs of classes that interact, by index, the lower first, each once. A listed code speaks of a class
 * where one of the two contains the other: a class interacts if any of its drugs is listed, and a drug as
 * its class does. Pairs within one class are left out.
 * @param groups ATC group of each class, [C]
 */
export function interactingClasses(
  pairs: readonly CodePair[],
  groups: readonly string[],
): [number, number][] {
  const spokenOf = (code: string) =>
    groups.flatMap((group, c) => (code.startsWith(group) || group.startsWith(code) ? [c] : []));
  const classesOf = new Map<string, number[]>();
  for (const code of pairs.flat()) if (!classesOf.has(code)) classesOf.set(code, spokenOf(code));
  const found = new Map<string, [number, number]>();
  for (const [a, b] of pairs)
    for (const i of classesOf.get(a) ?? [])
      for (const j of classesOf.get(b) ?? []) {
        const pair: [number, number] = [Math.min(i, j), Math.max(i, j)];
        if (i !== j) found.set(pair.join(), pair);
      }
  return [...found.values()].sort(([a, b], [c, d]) => a - c || b - d);
}

/**
 * Interactions among the classes of a target. @throws BenchError as `readInteractions`, and when no pair
 * of the file is about two of the classes.
 */
export function classInteractions(
  file: string,
  classCodes: readonly (readonly string[])[],
): [number, number][] {
  const groups = classCodes.map((codes) => atcGroup(codes) ?? "?");
  const found = interactingClasses(readInteractions(file), groups);
  if (found.length > 0) return found;
  throw new BenchError({
    what: `no pair of the file is about two of the ${groups.length} classes (${groups.slice(0, 5).join(", ")} ...)`,
    where: file,
    fix: "give interactions between ATC classes that the task asks for",
    exitCode: 2,
  });
}
