/** Finds a source's raw files and reads their headers; names match in any letter case, plain or gzip. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { DatasetDefinition, RawTable } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { entries, filePattern, findFiles } from "./find-files.ts";
import { damagedGzip } from "./verify-file.ts";

/** One raw file that was found; a table may consist of several. */
export interface RawFile {
  /** Name of the table in SQL. */
  readonly name: string;
  readonly table: RawTable;
  readonly path: string;
  /** The path below the root, with `/`. */
  readonly below: string;
  readonly format: "csv" | "parquet";
  readonly gzip: boolean;
  readonly size: number;
  readonly modifiedMs: number;
  /** Column names as a csv file writes them, in order; a nameless one is called `unnamed_<position>`. */
  readonly header: readonly string[];
}

const HEADER_BYTES = 1 << 16;

/**
 * The files of every table of a dataset, missing optional ones left out.
 * @throws BenchError when the root, a file or a column is missing, or a header is no header.
 */
export function findRawFiles(definition: DatasetDefinition, root: string): RawFile[] {
  checkRoot(definition, root);
  const files: RawFile[] = [];
  for (const [name, table] of Object.entries(definition.tables)) {
    const paths = findFiles(root, table);
    for (const path of paths) files.push(describeFile(name, table, root, path));
    if (paths.length === 0 && table.optional !== true) throw missingFile(definition, root, table);
  }
  for (const file of files) if (file.format === "csv") checkColumns(definition, file);
  return files;
}

/** @throws BenchError when the root is no folder. */
export function checkRoot(definition: DatasetDefinition, root: string): void {
  if (existsSync(root) && statSync(root).isDirectory()) return;
  throw new BenchError({
    what: `the folder ${root} does not exist`,
    where: `raw files of ${definition.name}`,
    fix: `give the folder that holds ${filePattern(firstTable(definition))} with --root`,
    exitCode: 2,
  });
}

function firstTable(definition: DatasetDefinition): RawTable {
  const table = Object.values(definition.tables)[0];
  if (table === undefined) throw new Error(`dataset ${definition.name} has no tables`);
  return table;
}

function missingFile(definition: DatasetDefinition, root: string, table: RawTable): BenchError {
  const required = Object.values(definition.tables).filter((one) => one.optional !== true);
  const deeper = entries(root)
    .filter((e) => !e.isFile())
    .map((e) => join(root, e.name))
    .find((folder) => required.every((one) => findFiles(folder, one).length > 0));
  const other = table.file.split("/").length > 1 ? "the folder above its modules (hosp, icu)" : "";
  return new BenchError({
    what: `file ${filePattern(table)} not found`,
    where: `${root}, raw files of ${definition.name}`,
    fix:
      deeper === undefined
        ? `download it from ${definition.homepage}, or give ${other || "the folder that holds it"} with --root; or check --dataset`
        : `it is in ${deeper}: use --root ${deeper}`,
  });
}

function describeFile(name: string, table: RawTable, root: string, path: string): RawFile {
  const { size, mtimeMs } = statSync(path);
  const below = relative(root, path).split(sep).join("/");
  const common = { name, table, path, below, size, modifiedMs: mtimeMs };
  if (table.format === "parquet") return { ...common, format: "parquet", gzip: false, header: [] };
  const gzip = path.toLowerCase().endsWith(".gz");
  const header = readHeader(path, gzip);
  if (!gzip) checkLastLine(path, size);
  return { ...common, format: "csv", gzip, header };
}

/** A plain file that was cut in its last field looks whole but for this; gzip has a checksum. */
function checkLastLine(path: string, size: number): void {
  const last = readBytes(path, size - 1, 1)[0];
  if (last === 10 || last === 13) return;
  throw new BenchError({
    what: "the last line has no end, as in a file that was cut short",
    where: path,
    fix: "compare the file with the published one; if it is whole, put a line end at its end",
  });
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
