/**
 * Reads published artefacts: the `.npy` files with a list of codes in their row order, or the JSON files,
 * which carry the code with each row and are streamed, as they are gigabytes. Where both are there, the JSON
 * files are read, because the published export does not keep its rows in order (models.md 0.9, K3).
 */
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import chain from "stream-chain";
import { parser } from "stream-json";
import { streamObject } from "stream-json/streamers/stream-object.js";
import { BenchError } from "../../core/errors.ts";
import { SPECIAL_TOKENS } from "../serve/token-names.ts";
import { NpyFile } from "./npy.ts";
import {
  type ExportNote,
  exportNoteSchema,
  PUBLISHED,
  PUBLISHED_CODEBOOK,
  PUBLISHED_PARTS,
  thirds,
} from "./published.ts";
import type { ArtefactContents, ArtefactTokens } from "./write.ts";

export interface ImportOptions {
  /** Codes in the row order of the `.npy` files, with descriptions; not needed for the JSON files. */
  readonly codes?: { readonly code: readonly string[]; readonly description: readonly string[] };
  /** N, where the folder does not say it; default 21,000. */
  readonly codebookSize?: number;
  /** Whether ids of the graph part count from the start of its region, as in the published files (K1); default true. */
  readonly localGraphIds?: boolean;
  readonly report: (stage: string, done: number, total: number) => void;
}

function refuse(where: string, what: string, fix = "fetch the file anew"): BenchError {
  return new BenchError({ what, where, fix });
}

/** Rows of numbers that grow as they come. */
class Rows {
  width = 0;
  count = 0;
  #values = new Float32Array(0);

  add(row: readonly number[], where: string, code: string): void {
    if (this.count === 0) this.width = row.length;
    if (row.length !== this.width || this.width === 0)
      throw refuse(where, `${code} has ${row.length} numbers, others ${this.width}`);
    const at = this.count * this.width;
    if (at + this.width > this.#values.length) {
      const more = new Float32Array(Math.max(1024 * this.width, 2 * this.#values.length));
      more.set(this.#values);
      this.#values = more;
    }
    this.#values.set(row, at);
    this.count += 1;
  }

  get values(): Float32Array {
    return this.#values.slice(0, this.count * this.width);
  }
}

/** The entries of a JSON object of any size, one after the other. */
async function* entriesOf(path: string): AsyncIterable<readonly [string, unknown]> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const packed = { packValues: true, streamValues: false };
  const entries = chain([file, parser(packed), streamObject()]);
  try {
    for await (const { key, value } of entries as AsyncIterable<{ key: string; value: unknown }>)
      yield [key, value];
  } catch (cause) {
    if (cause instanceof BenchError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw refuse(path, `no readable JSON object: ${message}`);
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((x) => typeof x === "number" && Number.isFinite(x));
}

async function readEmbeddings(path: string, report: ImportOptions["report"]) {
  const rows = new Rows();
  const code: string[] = [];
  for await (const [key, value] of entriesOf(path)) {
    if (!isNumbers(value)) throw refuse(path, `${key} has no list of numbers`);
    rows.add(value, path, key);
    code.push(key);
    if (code.length % 10_000 === 0) report(PUBLISHED.codeEmbeddings, code.length, 0);
  }
  if (code.length === 0) throw refuse(path, "there is no code in it");
  if (new Set(code).size !== code.length) throw refuse(path, "a code occurs twice");
  return { code, values: rows.values, width: rows.width };
}

/** What an export of ours says about itself; undefined for folders of others. */
function noteOf(folder: string): ExportNote | undefined {
  const path = join(folder, PUBLISHED.config);
  if (!existsSync(path)) return undefined;
  const config = JSON.parse(readFileSync(path, "utf8")) as { medtok_bench?: unknown };
  return config.medtok_bench === undefined
    ? undefined
    : exportNoteSchema.parse(config.medtok_bench);
}

interface Layout {
  readonly note: ExportNote | undefined;
  readonly size: number;
  /** Added to ids of the graph part. */
  readonly graphOffset: number;
}

function layoutOf(folder: string, options: ImportOptions): Layout {
  const note = noteOf(folder);
  const size = note?.codebook_size ?? options.codebookSize ?? PUBLISHED_CODEBOOK;
  const isLocal = note === undefined && (options.localGraphIds ?? true);
  return { note, size, graphOffset: isLocal ? size - Math.floor(size / 3) : 0 };
}

/** Ids as global rows. @throws BenchError naming the code whose id is not in the codebook. */
function globalIds(
  ids: Int32Array,
  perPart: number,
  { size, graphOffset }: Layout,
  where: string,
): Int32Array {
  const parts = PUBLISHED_PARTS.length;
  const graph = PUBLISHED_PARTS.indexOf("graph-specific");
  return ids.map((id, i) => {
    const isGraph = Math.floor(i / perPart) % parts === graph;
    const row = isGraph ? id + graphOffset : id;
    if (id >= 0 && row < size) return row;
    throw refuse(
      where,
      `row ${Math.floor(i / (parts * perPart))} has the token ${id}, which a codebook of ${size} rows has not`,
      "give the right codebook size, and say whether ids of the graph part are local",
    );
  });
}

function withLayout(
  ids: Int32Array,
  weights: Float32Array,
  perPart: number,
  layout: Layout,
): ArtefactTokens {
  return {
    ids,
    weights,
    codebook: null,
    parts: PUBLISHED_PARTS,
    per_part: perPart,
    codebook_size: layout.size,
    regions: layout.note?.regions ?? thirds(layout.size),
  };
}

function readArrays(folder: string, options: ImportOptions) {
  const { codes } = options;
  const embeddings = NpyFile.open(join(folder, PUBLISHED.embeddings));
  if (codes === undefined)
    throw refuse(
      embeddings.path,
      "its rows carry no codes",
      "give the code table whose row order it has, or the JSON files",
    );
  if (codes.code.length !== embeddings.rows)
    throw refuse(
      embeddings.path,
      `${embeddings.rows} rows, the code table has ${codes.code.length}`,
      "give the code table that the tokenizer was run on, whole and in its order",
    );
  const values = embeddings.floats(0, embeddings.rows);
  embeddings.close();
  if (!values.every(Number.isFinite)) throw refuse(embeddings.path, "a value is no number");
  return { code: codes.code, values, width: embeddings.width };
}

function readTokenArrays(folder: string, rows: number, layout: Layout): ArtefactTokens | null {
  const path = join(folder, PUBLISHED.tokens);
  if (!existsSync(path)) return null;
  const file = NpyFile.open(path);
  const weights = NpyFile.open(join(folder, PUBLISHED.weights));
  const perPart = file.width / PUBLISHED_PARTS.length;
  for (const { path: where, rows: found, width } of [file, weights])
    if (found !== rows || width !== file.width || !Number.isInteger(perPart))
      throw refuse(where, `${found} rows of ${width}, ${rows} of ${file.width} wanted`);
  const ids = globalIds(file.integers(0, rows), perPart, layout, path);
  const given = weights.floats(0, rows);
  file.close();
  weights.close();
  return withLayout(ids, given, perPart, layout);
}

/** Ids by name: those of vocab.json less its special tokens, which come first. */
function vocabularyOf(folder: string): (token: unknown) => number {
  const path = join(folder, PUBLISHED.vocabulary);
  if (!existsSync(path)) return (token) => (typeof token === "number" ? token : Number.NaN);
  const ids = JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
  const special = Object.keys(ids).filter((name) => /^\[.*\]$/.test(name));
  const isFirst = special.every((name) => (ids[name] ?? 0) < special.length);
  if (!isFirst)
    throw refuse(path, "special tokens do not come first, so ids cannot be read as rows");
  return (token) =>
    typeof token === "number" ? token : (ids[String(token)] ?? Number.NaN) - special.length;
}

async function readTokenLists(
  folder: string,
  code: readonly string[],
  layout: Layout,
): Promise<ArtefactTokens | null> {
  const path = join(folder, PUBLISHED.codeTokens);
  if (!existsSync(path)) return null;
  const rowOf = vocabularyOf(folder);
  const at = new Map(code.map((key, row) => [key, row]));
  let ids = new Int32Array(0);
  let seen = 0;
  for await (const [key, value] of entriesOf(path)) {
    const row = at.get(key);
    const list = Array.isArray(value) ? value.map(rowOf) : [];
    const each = seen === 0 ? list.length : ids.length / code.length;
    if (row === undefined) throw refuse(path, `${key} has tokens but no embedding`);
    if (list.length !== each || each % PUBLISHED_PARTS.length !== 0 || list.some(Number.isNaN))
      throw refuse(path, `${key} has no list of ${each} tokens of vocab.json`);
    if (seen === 0) ids = new Int32Array(code.length * each);
    ids.set(list, row * each);
    seen += 1;
  }
  if (seen !== code.length) throw refuse(path, `${seen} codes, ${code.length} have an embedding`);
  const perPart = ids.length / code.length / PUBLISHED_PARTS.length;
  // Weights are not published as JSON.
  const weights = new Float32Array(ids.length).fill(1 / perPart);
  return withLayout(globalIds(ids, perPart, layout, path), weights, perPart, layout);
}

/**
 * The contents of a folder with published files, ready to be written as an artefact.
 * @throws BenchError when files are missing, do not fit together, or hold ids outside the codebook.
 */
export async function importPublished(
  folder: string,
  options: ImportOptions,
): Promise<ArtefactContents> {
  const layout = layoutOf(folder, options);
  const json = join(folder, PUBLISHED.codeEmbeddings);
  const isJson = existsSync(json);
  if (!isJson && !existsSync(join(folder, PUBLISHED.embeddings)))
    throw refuse(
      folder,
      `neither ${PUBLISHED.codeEmbeddings} nor ${PUBLISHED.embeddings} is in it`,
      "name the folder with the published files, unpacked",
    );
  const { code, values, width } = isJson
    ? await readEmbeddings(json, options.report)
    : readArrays(folder, options);
  const tokens = isJson
    ? await readTokenLists(folder, code, layout)
    : readTokenArrays(folder, code.length, layout);
  const hasSystems = layout.note?.has_systems ?? code.every((c) => /^[A-Za-z][\w-]*\//.test(c));
  return {
    tokenizer: "imported",
    version: 1,
    options: {
      files: isJson ? "json" : "npy",
      weights: isJson ? "uniform" : "published",
      graphOffset: layout.graphOffset,
      specialTokens: SPECIAL_TOKENS.length,
    },
    code,
    hasSystems,
    description: descriptionsOf(code, options),
    embeddings: values,
    width,
    tokens,
    inputs: {},
    split: null,
    mapped: [],
    graph: [],
    report: { imported: true, codes: code.length },
  };
}

function descriptionsOf(code: readonly string[], { codes }: ImportOptions): readonly string[] {
  if (codes === undefined) return code.map(() => "");
  const of = new Map(codes.code.map((key, row) => [key, codes.description[row] ?? ""]));
  return code.map((key) => of.get(key) ?? "");
}
