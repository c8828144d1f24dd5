/**
 * Result records on disk: `<folder>/<run id>.json`, checked against the schema when written and when
 * read, and against what the schema cannot say: the run id is that of the specification, nothing but
 * `created_at` is a date, and no small count about real subjects is told.
 */
import { existsSync } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { z } from "zod";
import { BenchError } from "../core/errors.ts";
import { canonicalJson, sha256, shortHash } from "../core/hash.ts";
import { makeFolder, tryFolder } from "../core/make-folder.ts";
import { RECORD_VERSION, type ResultRecord, type RunSpec, recordSchema } from "./schema/record.ts";
import { maskSmallCounts } from "./small-counts.ts";

export type { ResultRecord, RunSpec, SplitSummary } from "./schema/record.ts";

/** Records hold aggregates only, so they may be read by anyone. */
const READABLE = 0o644;
const DATE = /\b\d{4}-\d{2}-\d{2}\b/;
const RERUN = "run it again with this version of medtok-bench; records are produced, never edited";

/** The hash of a specification; names its record. */
export function runId(spec: RunSpec): string {
  return shortHash(spec);
}

/** A record of the current schema, with the run id of its specification. */
export function makeRecord(fields: Omit<ResultRecord, "schema_version" | "run_id">): ResultRecord {
  return { schema_version: RECORD_VERSION, run_id: runId(fields.spec), ...fields };
}

/** What must not change after a run: everything but when, where and how fast it ran. */
function resultsHash(record: ResultRecord): string {
  const outside = ["created_at", "harness", "timings", "peak_rss_mb", "results_hash"];
  const results = Object.entries(record).filter(([name]) => !outside.includes(name));
  return sha256(canonicalJson(Object.fromEntries(results)));
}

function invalid(where: string, what: string): BenchError {
  return new BenchError({ what: `not a valid result record: ${what}`, where, fix: RERUN });
}

function firstIssue(error: z.ZodError): { path: string; message: string } {
  const issue = error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  return { path: path === "" ? "(whole file)" : path, message: issue?.message ?? "unknown" };
}

/** Path of the first text below `value` that holds a date. */
function dateIn(value: unknown, path: string): string | undefined {
  if (typeof value === "string") return DATE.test(value) ? path : undefined;
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = DATE.test(key) ? `${path}.${key}` : dateIn(inner, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Checks anything that claims to be a record.
 * @param where the file it comes from, for messages
 * @throws BenchError that names the file and the path inside it.
 */
export function checkRecord(value: unknown, where: string): ResultRecord {
  const version = (value as { schema_version?: unknown } | null)?.schema_version;
  if (typeof version === "number" && version !== RECORD_VERSION) {
    throw new BenchError({
      what: `the record has schema version ${version}, this program reads version ${RECORD_VERSION}`,
      where,
      fix: "run it again, or use the version of medtok-bench that wrote it",
    });
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = firstIssue(parsed.error);
    throw invalid(`${where}, ${path}`, message);
  }
  const record: ResultRecord = parsed.data;
  if (record.run_id !== runId(record.spec)) {
    throw invalid(`${where}, run_id`, `it must be the hash of spec, ${runId(record.spec)}`);
  }
  if (record.results_hash !== undefined && record.results_hash !== resultsHash(record))
    throw invalid(`${where}, results_hash`, "it was changed after it was written");
  // What the harness runs on is not about data, and a release name may look like a date.
  const { created_at: _, harness: __, ...rest } = record;
  const date = dateIn(rest, "record");
  if (date !== undefined) throw invalid(`${where}, ${date}`, "only created_at may hold a date");
  if (canonicalJson(maskSmallCounts(record)) !== canonicalJson(record)) {
    throw invalid(where, "it tells a count below 10 about real subjects");
  }
  return record;
}

/** A reader of `file` sees the old text or the whole new one, whatever happens on the way. */
async function writeAndRename(file: string, text: string): Promise<void> {
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  const handle = await open(beside, "w", READABLE);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await handle.chmod(READABLE); // whatever the process's mask is
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    throw cause;
  } finally {
    await handle.close();
  }
}

/** Says before hours of work whether a record could be written to `<results>/runs`. @throws BenchError when none could. */
export function checkResultsFolder(results: string): void {
  tryFolder(join(results, "runs"), { fix: "choose another folder for the records with --out" });
}

/**
 * Masks small counts, checks the record, and writes `<folder>/<run id>.json` beside its final place
 * before renaming it; an earlier record of the same specification is replaced.
 * @returns the file and the record as written
 * @throws BenchError when the record is not valid or the file cannot be written.
 */
export async function writeRecord(
  folder: string,
  record: ResultRecord,
): Promise<{ file: string; record: ResultRecord }> {
  const file = join(folder, `${record.run_id}.json`);
  const sound = checkRecord(maskSmallCounts(record), file);
  const checked = { ...sound, results_hash: resultsHash(sound) };
  try {
    makeFolder(folder);
    await writeAndRename(file, `${JSON.stringify(checked, null, 2)}\n`);
  } catch (cause) {
    throw new BenchError({
      what: `the result record cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      where: file,
      fix: "make room or choose another folder with --out; no other record was touched",
      cause,
    });
  }
  return { file, record: checked };
}

async function readRecord(file: string): Promise<ResultRecord> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new BenchError({
      what: `not a readable JSON file: ${cause instanceof Error ? cause.message : cause}`,
      where: file,
      fix: RERUN,
      cause,
    });
  }
  const record = checkRecord(value, file);
  if (basename(file) !== `${record.run_id}.json`) {
    throw invalid(file, `a record is named after its run id, ${record.run_id}.json`);
  }
  return record;
}

/** The records of a folder; none where there is no folder yet. */
export async function readRecordsIfAny(folder: string): Promise<ResultRecord[]> {
  return existsSync(folder) ? readRecords(folder) : [];
}

/**
 * All records of a folder, sorted by run id.
 * @throws BenchError when the folder is missing or a record is not valid; names the file and the path inside it.
 */
export async function readRecords(folder: string): Promise<ResultRecord[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new BenchError({
      what: "there is no folder of result records",
      where: folder,
      fix: "medtok-bench run writes one; or name another folder",
      cause,
    });
  }
  const records: ResultRecord[] = [];
  for (const file of names.filter((n) => n.endsWith(".json") && !n.startsWith(".")).sort()) {
    records.push(await readRecord(join(folder, file)));
  }
  return records;
}
