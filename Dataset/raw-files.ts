/** Finds a source's raw files and reads their headers; names match in any letter case, plain or gzip. */
import {
  closeSync,
  createReadStream,
  type Dirent,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { DatasetDefinition, RawTable } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";

/** One raw file that was found. */
export interface RawFile {
  /** Name of the table in SQL. */
  readonly name: string;
  readonly table: RawTable;
  readonly path: string;
  readonly gzip: boolean;
  readonly size: number;
  readonly modifiedMs: number;
  /** Column names as the file writes them, in order; a nameless one is called `unnamed_<position>`. */
  readonly header: readonly string[];
}

const HEADER_BYTES = 1 << 16;

/**
 * The files of every table of a dataset, missing optional ones left out.
 * @throws BenchError when the root, a file or a column is missing, or a header is no header.
 */
export function findRawFiles(definition: DatasetDefinition, root: string): RawFile[] {
  if (!existsSync(root) || !statSync(root).isDirectory()) {
    throw new BenchError({
      what: `the folder ${root} does not exist`,
      where: `raw files of ${definition.name}`,
      fix: `give the folder that holds ${filePattern(firstTable(definition))} with --root`,
      exitCode: 2,
    });
  }
  const files: RawFile[] = [];
  for (const [name, table] of Object.entries(definition.tables)) {
    const path = findFile(root, table.file);
    if (path !== undefined) files.push(describeFile(name, table, path));
    else if (table.optional !== true) throw missingFile(definition, root, table);
  }
  for (const file of files) checkColumns(definition, file);
  return files;
}

function firstTable(definition: DatasetDefinition): RawTable {
  const table = Object.values(definition.tables)[0];
  if (table === undefined) throw new Error(`dataset ${definition.name} has no tables`);
  return table;
}

function filePattern(table: RawTable): string {
  return `${table.file}.csv or ${table.file}.csv.gz`;
}

/** The file below `root`, each part of the path in any letter case; `.csv` is taken before `.csv.gz`. */
function findFile(root: string, file: string): string | undefined {
  let folder = root;
  const parts = file.toLowerCase().split("/");
  const base = parts.pop() ?? "";
  for (const part of parts) {
    const next = entries(folder).find((e) => !e.isFile() && e.name.toLowerCase() === part);
    if (next === undefined) return undefined;
    folder = join(folder, next.name);
  }
  const names = entries(folder)
    .filter((e) => !e.isDirectory())
    .map((e) => e.name);
  for (const wanted of [`${base}.csv`, `${base}.csv.gz`]) {
    const matches = names.filter((name) => name.toLowerCase() === wanted);
    if (matches.length > 1) {
      throw new BenchError({
        what: `two files differ only in letter case: ${matches.join(" and ")}`,
        where: folder,
        fix: "keep the one that belongs to this release",
      });
    }
    if (matches[0] !== undefined) return join(folder, matches[0]);
  }
  return undefined;
}

function entries(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function missingFile(definition: DatasetDefinition, root: string, table: RawTable): BenchError {
  const deeper = entries(root)
    .filter((e) => !e.isFile())
    .map((e) => join(root, e.name))
    .find((folder) => findFile(folder, table.file) !== undefined);
  const other = table.file.split("/").length > 1 ? "the folder above its modules (hosp, icu)" : "";
  return new BenchError({
    what: `file ${filePattern(table)} not found`,
    where: `${root}, raw files of ${definition.name}`,
    fix:
      deeper === undefined
        ? `download it from ${definition.homepage}, or give ${other || "the folder that holds it"} with --root`
        : `it is in ${deeper}: use --root ${deeper}`,
  });
}

function describeFile(name: string, table: RawTable, path: string): RawFile {
  const { size, mtimeMs } = statSync(path);
  const gzip = path.toLowerCase().endsWith(".gz");
  return { name, table, path, gzip, size, modifiedMs: mtimeMs, header: readHeader(path, gzip) };
}

/** First bytes of a file. */
export function readBytes(path: string, position: number, length: number): Buffer {
  const handle = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(handle, buffer, 0, length, position));
  } finally {
    closeSync(handle);
  }
}

function readHeader(path: string, gzip: boolean): string[] {
  const bytes = readBytes(path, 0, HEADER_BYTES);
  let text: string;
  try {
    // The piece ends in the middle of the stream, which is no error here.
    text = (gzip ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes).toString(
      "utf8",
    );
  } catch (cause) {
    throw damagedGzip(path, cause);
  }
  let rows: string[][];
  try {
    rows = parse(text, { to: 1, bom: true, relax_column_count: true });
  } catch (cause) {
    throw new BenchError({
      what: "the first line cannot be read as comma-separated column names",
      where: path,
      fix: "export the file again as comma-separated text with a header line",
      cause,
    });
  }
  const header = rows[0];
  if (header === undefined) {
    throw new BenchError({
      what: "the file is empty",
      where: path,
      fix: "download it again; even a table without rows has a header line",
    });
  }
  return header.map((name, i) => (name.trim() === "" ? `unnamed_${i}` : name.trim()));
}

function checkColumns(definition: DatasetDefinition, file: RawFile): void {
  const lower = file.header.map((name) => name.toLowerCase());
  const repeated = lower.find((name, i) => lower.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new BenchError({
      what: `column "${repeated}" occurs twice in the header`,
      where: file.path,
      fix: "keep one of the two, or download the file again",
    });
  }
  const missing = Object.keys(file.table.columns).filter(
    (column) => !lower.includes(column) && !file.table.optionalColumns?.includes(column),
  );
  if (missing.length === 0) return;
  throw new BenchError({
    what: `column ${missing.map((name) => `"${name}"`).join(", ")} not found`,
    where: `${file.path}, read as ${definition.name}`,
    fix: `the file has ${file.header.join(", ")}; check that --dataset and the release belong to these files (${definition.name} reads ${definition.releases.join(", ")})`,
  });
}

function damagedGzip(path: string, cause: unknown): BenchError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const cut = message.includes("unexpected end of file");
  return new BenchError({
    what: cut ? "the gzip file ends too early" : `the gzip file is damaged (${message})`,
    where: path,
    fix: "download it again and compare its checksum with the published one",
    cause,
  });
}

/**
 * Reads a gzip file to its end and checks length and checksum. The table reader takes a file that was
 * cut short for a shorter file, which would lose patients without a word.
 * @throws BenchError when the file is cut or damaged; the signal's reason when aborted.
 */
export async function verifyGzip(path: string, signal?: AbortSignal): Promise<void> {
  const nowhere = new Writable({
    highWaterMark: 1 << 22,
    write: (_chunk, _encoding, done) => done(),
  });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  try {
    await pipeline(source, gunzip, nowhere, signal === undefined ? {} : { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw damagedGzip(path, cause);
  }
}
