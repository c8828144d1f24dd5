/**
 * Ways to damage roots, and what must hold of a store that was made of a
 * damaged one all the same: every row that was read is an event or counted, and no subject has changed whose
 * rows have not.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { BenchError } from "../../core/errors.ts";
import type { EventStore } from "../../core/event-store.ts";
import { sha256 } from "../../core/hash.ts";
import type { Random } from "../../core/random.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";
import { rowsOf, storeOf } from "./made-up-mimic.ts";
import type { SoundSource } from "./sound-sources.ts";

/** Paths below a root of the files that hold data. */
export function dataFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(csv|csv\.gz|parquet)$/.test(name))
    .sort();
}

/** A copy of the root in which one file's bytes are others. */
export function damagedCopy(
  source: SoundSource,
  to: string,
  file: string,
  bytes: Buffer,
): SoundSource {
  cpSync(source.root, to, { recursive: true });
  mkdirSync(dirname(join(to, file)), { recursive: true });
  writeFileSync(join(to, file), bytes);
  return { ...source, root: to };
}

/** PhysioNet's list of checksums for the root as it is. */
export function writeChecksums(root: string): void {
  const lines = dataFiles(root).map((f) => `${sha256(readFileSync(join(root, f)))} ${f}\n`);
  writeFileSync(join(root, "SHA256SUMS.txt"), lines.join(""));
}

/** One to three bytes replaced, taken away or put in. */
export function editBytes(bytes: Buffer, random: Random): Buffer {
  let edited = Buffer.from(bytes);
  const edits = 1 + random.below(3);
  for (let i = 0; i < edits; i++) {
    const at = random.below(edited.length);
    const [before, after] = [edited.subarray(0, at), edited.subarray(at + 1)];
    const byte = Buffer.from([random.below(256)]);
    const kind = random.below(3);
    if (kind === 0) edited = Buffer.concat([before, byte, after]);
    else if (kind === 1) edited = Buffer.concat([before, after]);
    else edited = Buffer.concat([before, byte, edited.subarray(at)]);
  }
  return edited;
}

/** What a store says about each subject, and how many rows became what. */
export interface Snapshot {
  readonly info: EventStore["info"];
  /** Subject -> hash over its events, visits, ICU stays, split and labels. */
  readonly subjects: ReadonlyMap<number, string>;
}

async function snapshot(store: EventStore): Promise<Snapshot> {
  const all = ["subjects", "visits", "icu_stays", "splits", "events"].map(
    (view) => `SELECT subject_id, '${view}' || CAST(v AS VARCHAR) AS line FROM ${view} v`,
  );
  const rows = await rowsOf(
    store,
    `SELECT subject_id, md5(string_agg(line, '|' ORDER BY line)) AS hash FROM (${all.join(" UNION ALL ")}) GROUP BY 1`,
  );
  return {
    info: store.info,
    subjects: new Map(rows.map((row) => [Number(row["subject_id"]), String(row["hash"])])),
  };
}

/** The store of a root, or the error that refused it; anything else that is thrown is a fault. */
export async function attempt(
  source: SoundSource,
  cacheDir: string,
): Promise<Snapshot | BenchError> {
  try {
    const store = await storeOf(source.dataset, source.root, { cacheDir });
    try {
      return await snapshot(store);
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
}

/** What becomes of a source when one of its files has other bytes; the copy below `folder` is gone afterwards. */
export async function attemptDamaged(
  folder: string,
  source: SoundSource,
  file: string,
  bytes: Buffer,
): Promise<Snapshot | BenchError> {
  const to = mkdtempSync(join(folder, "copy-"));
  try {
    return await attempt(damagedCopy(source, to, file, bytes), join(to, "cache"));
  } finally {
    rmSync(to, { recursive: true });
  }
}

/** Rows of a csv file as another reader sees them, each as one text; undefined where it refuses the file. */
function csvLines(bytes: Buffer, file: string): string[] | undefined {
  try {
    const text = file.endsWith(".gz") ? gunzipSync(bytes) : bytes;
    const table = parse(text, { bom: true, skip_empty_lines: true }) as string[][];
    return table.slice(1).map((row) => row.join(SEPARATOR));
  } catch {
    return undefined;
  }
}

const SEPARATOR = "\u0001";

/** Rows of a parquet file, each as one text; undefined where one of its columns, read or not, is damaged. */
async function parquetLines(bytes: Buffer): Promise<string[] | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "parquet-"));
  const db = await Database.open({ threads: 1 });
  try {
    const path = join(folder, "bytes.parquet");
    writeFileSync(path, bytes);
    const found = await db.query(`SELECT * FROM read_parquet(${sqlText(path)})`);
    const columns = found.names.map((name) => found.values(name));
    return Array.from({ length: found.rowCount }, (_, i) =>
      columns.map((column) => String(column[i])).join(SEPARATOR),
    );
  } catch {
    return undefined;
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
}

/** Lines of either that the other lacks, counted with repetition. */
function changedLines(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of before) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of after) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].filter(([, n]) => n !== 0).map(([line]) => line);
}

/**
 * What is wrong with a store made of a damaged file; an empty list when nothing is: as many rows were read
 * as another reader finds, and a subject none of whose rows was touched is as before.
 */
export async function faults(
  file: string,
  before: Buffer,
  after: Buffer,
  sound: Snapshot,
  found: Snapshot,
): Promise<string[]> {
  const isParquet = file.endsWith(".parquet");
  const [was, is] = isParquet
    ? [await parquetLines(before), await parquetLines(after)]
    : [csvLines(before, file), csvLines(after, file)];
  // Of a parquet file whose columns cannot all be read, the loader may read some.
  if (isParquet && is === undefined) return [];
  if (was === undefined || is === undefined) return ["another reader refuses the file"];
  const problems: string[] = [];
  const total = (info: Snapshot["info"]) =>
    Object.values(info.rows_read).reduce((a, b) => a + b, 0);
  if (total(found.info) - total(sound.info) !== is.length - was.length) {
    problems.push(
      `${total(found.info) - total(sound.info)} rows more were read, not ${is.length - was.length}`,
    );
  }
  const touched = new Set(
    changedLines(was, is).flatMap((line) =>
      line.split(SEPARATOR).map((field) => Number.parseInt(field, 10)),
    ),
  );
  for (const [subject, hash] of sound.subjects) {
    if (touched.has(subject) || touched.has(subject + 5000)) continue;
    if (found.subjects.get(subject) !== hash) problems.push(`subject ${subject} changed`);
  }
  return problems;
}
