/** Which runs of a grid have their record already, and in what the records of the others differ from what is asked now. */
import { canonicalJson } from "../core/hash.ts";
import type { ResultRecord, RunSpec } from "./record.ts";

/** A specification as names and values, the settings of a model or task one by one. */
function flat(spec: RunSpec): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(spec as Readonly<Record<string, unknown>>)) {
    const isNested = value !== null && typeof value === "object" && !Array.isArray(value);
    const inner = isNested ? Object.entries(value).map(([own, v]) => [`${name}.${own}`, v]) : [];
    for (const [own, v] of isNested ? inner : [[name, value]])
      found.set(String(own), canonicalJson(v));
  }
  return found;
}

/**
 * In what a record differs from a run that is asked for: `hyperparameters.width 64, now 128`. What the tokenizer
 * learns is known only after it has learned; that it was made by the run is asked for.
 */
export function differencesFrom(record: ResultRecord, wanted: RunSpec): string[] {
  const [found, asked] = [flat(record.spec), flat(wanted)];
  for (const spec of [found, asked]) spec.delete("tokenizer_artefact");
  const names = [...new Set([...found.keys(), ...asked.keys()])].sort();
  const told = names
    .filter((name) => found.get(name) !== asked.get(name))
    .map((name) => `${name} ${found.get(name) ?? "not set"}, now ${asked.get(name) ?? "not set"}`);
  const origin = record.tokenizer_origin ?? "run";
  return origin === "run" ? told : [...told, `tokenizer from ${origin}, now made by the run`];
}

/** The record nearest to a run that is asked for. */
export interface Kept {
  readonly record: ResultRecord;
  /** None: it is the run's own. */
  readonly differences: readonly string[];
}

/** What makes a record one of a cell of a grid, whatever its settings and data. */
const CELL = ["dataset", "task", "model", "tokenizer", "seed"] as const;

/** Of all records of the same dataset, task, model, tokenizer and seed, the one that differs least; undefined without any. */
export function keptRecord(records: readonly ResultRecord[], wanted: RunSpec): Kept | undefined {
  return records
    .filter(({ spec }) => CELL.every((name) => spec[name] === wanted[name]))
    .map((record) => ({ record, differences: differencesFrom(record, wanted) }))
    .sort((a, b) => a.differences.length - b.differences.length)[0];
}
