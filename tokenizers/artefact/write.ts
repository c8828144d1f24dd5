/** Writes an artefact folder: beside its place first, renamed when whole, readable by its owner only. */
import { createHash } from "node:crypto";
import { open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import { makeFolder, tryFolder } from "../../core/make-folder.ts";
import {
  type ArtefactConfig,
  configText,
  FILES,
  FORMAT,
  FORMAT_VERSION,
  type TokenLayout,
} from "./config.ts";
import { npyBytes } from "./npy.ts";
import { type NamedTensor, safetensorsBytes } from "./safetensors.ts";

/** Tokens of all codes, with the book they point into. */
export interface ArtefactTokens extends TokenLayout {
  /** [codes × parts × K] global rows; -1 in parts that were left out. */
  readonly ids: Int32Array;
  /** [codes × parts × K]. */
  readonly weights: Float32Array;
  /** [N × part width], or null where it is not known (published artefacts). */
  readonly codebook: Float32Array | null;
}

/** An edge of the knowledge graph, as text. */
export interface GraphLine {
  readonly from: string;
  readonly relation: string;
  readonly to: string;
  readonly origin: string;
}

/** Everything an artefact may hold. All rows are in the order of `code`. */
export interface ArtefactContents {
  readonly tokenizer: string;
  readonly version: number;
  readonly options: Hyperparameters;
  readonly code: readonly string[];
  readonly hasSystems: boolean;
  readonly description: readonly string[];
  /** [codes × width]. */
  readonly embeddings: Float32Array;
  readonly width: number;
  readonly tokens: ArtefactTokens | null;
  readonly model?: ReadonlyMap<string, NamedTensor>;
  readonly textEncoder?: {
    readonly kind: string;
    readonly width: number;
    readonly hash: string;
    readonly settings: Readonly<Record<string, string | number>>;
    readonly arrays: ReadonlyMap<string, Float32Array>;
  };
  readonly inputs: Readonly<Record<string, string>>;
  readonly split: string | null;
  readonly mapped: readonly (readonly [from: string, to: string])[];
  readonly graph: Iterable<GraphLine>;
  readonly report: unknown;
}

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
/** Bytes of text that are written at once. */
const BLOCK = 1 << 20;

/** A value in one cell of a tab-separated file. */
function cell(text: string): string {
  return text.replaceAll(/[\t\r\n]+/g, " ");
}

function* lines(head: string, rows: Iterable<string>): Iterable<Uint8Array> {
  let text = `${head}\n`;
  for (const row of rows) {
    text += `${row}\n`;
    if (text.length < BLOCK) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

function* graphRows(graph: Iterable<GraphLine>): Iterable<string> {
  for (const { from, relation, to, origin } of graph)
    yield [from, relation, to, origin].map(cell).join("\t");
}

/** The mean of all rows, added up in float64. */
export function meanRow(values: Float32Array, width: number): Float32Array {
  const sum = new Float64Array(width);
  const rows = values.length / width;
  for (let i = 0; i < values.length; i += width)
    for (let j = 0; j < width; j++) sum[j] = (sum[j] as number) + (values[i + j] as number);
  return Float32Array.from(sum, (x) => x / Math.max(1, rows));
}

/** The pieces of every file by name. */
function* filesOf(c: ArtefactContents): Iterable<readonly [string, Iterable<Uint8Array>]> {
  const n = c.code.length;
  yield [FILES.codes, lines("code", c.code.map(cell))];
  yield [FILES.descriptions, lines("description", c.description.map(cell))];
  yield [FILES.embeddings, npyBytes(c.embeddings, [n, c.width])];
  yield [FILES.unknown, npyBytes(meanRow(c.embeddings, c.width), [c.width])];
  if (c.tokens !== null) {
    const { ids, weights, parts, per_part, codebook, codebook_size } = c.tokens;
    const shape = [n, parts.length, per_part];
    yield [FILES.tokens, npyBytes(ids, shape)];
    yield [FILES.weights, npyBytes(weights, shape)];
    if (codebook !== null)
      yield [FILES.codebook, npyBytes(codebook, [codebook_size, codebook.length / codebook_size])];
  }
  if (c.model !== undefined) yield [FILES.model, safetensorsBytes(c.model)];
  if (c.textEncoder !== undefined) {
    const arrays = [...c.textEncoder.arrays].map(
      ([name, values]) => [name, { values, shape: [values.length] }] as const,
    );
    yield [FILES.text, safetensorsBytes(new Map(arrays))];
  }
  yield [
    FILES.mapped,
    lines(
      "from\tto",
      c.mapped.map((pair) => pair.map(cell).join("\t")),
    ),
  ];
  yield [FILES.graph, lines("from\trelation\tto\torigin", graphRows(c.graph))];
  yield [FILES.report, [Buffer.from(`${JSON.stringify(c.report, null, 2)}\n`)]];
}

function check(c: ArtefactContents): void {
  const distinct = new Set(c.code);
  const refuse = (what: string): never => {
    throw new Error(`artefact: ${what}`);
  };
  if (c.code.length === 0) refuse("no codes");
  if (distinct.size !== c.code.length) refuse("a code occurs twice");
  if (c.description.length !== c.code.length) refuse("descriptions and codes differ in number");
  if (c.embeddings.length !== c.code.length * c.width) refuse("embeddings and codes differ");
  if (c.tokens === null) return;
  for (const id of c.tokens.ids)
    if (id < -1 || id >= c.tokens.codebook_size) refuse(`token ${id} is not in the codebook`);
}

async function writePieces(path: string, pieces: Iterable<Uint8Array>) {
  const hash = createHash("sha256");
  const file = await open(path, "wx", PRIVATE_FILE);
  let bytes = 0;
  try {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.byteLength;
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** @throws BenchError when a folder cannot be written, or holds something already: look before a long training. */
export async function checkPlace(folder: string): Promise<void> {
  tryFolder(dirname(resolve(folder)), { fix: "name another folder with --out" });
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new BenchError({
      what: `the place of the folder cannot be used: ${error.message}`,
      where: folder,
      fix: "name a new folder",
      exitCode: 2,
      cause: error,
    });
  });
  if (found.length === 0) return;
  throw new BenchError({
    what: "the folder is not empty, and an artefact is never written over another one",
    where: folder,
    fix: "name a new folder, or remove this one",
    exitCode: 2,
  });
}

function configOf(c: ArtefactContents, files: ArtefactConfig["files"]): ArtefactConfig {
  const { tokens, textEncoder } = c;
  return {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    tokenizer: c.tokenizer,
    tokenizer_version: c.version,
    options: { ...c.options },
    codes: c.code.length,
    has_systems: c.hasSystems,
    width: c.width,
    tokens:
      tokens === null
        ? null
        : {
            parts: tokens.parts,
            per_part: tokens.per_part,
            codebook_size: tokens.codebook_size,
            regions: tokens.regions,
          },
    text_encoder:
      textEncoder === undefined
        ? null
        : {
            kind: textEncoder.kind,
            width: textEncoder.width,
            hash: textEncoder.hash,
            settings: { ...textEncoder.settings },
          },
    inputs: { ...c.inputs },
    split: c.split,
    files,
  };
}

/**
 * Writes an artefact. A reader sees nothing or the whole folder.
 * @throws BenchError when the folder is taken.
 */
export async function writeArtefact(folder: string, contents: ArtefactContents): Promise<void> {
  check(contents);
  const place = resolve(folder);
  await checkPlace(place);
  const beside = join(dirname(place), `.${basename(place)}.${process.pid}.tmp`);
  await rm(beside, { recursive: true, force: true });
  makeFolder(dirname(place));
  makeFolder(beside, { mode: PRIVATE_FOLDER });
  try {
    const files: ArtefactConfig["files"] = {};
    for (const [name, pieces] of filesOf(contents))
      files[name] = await writePieces(join(beside, name), pieces);
    const text = configText(configOf(contents, files));
    await writeFile(join(beside, "config.json"), text, { mode: PRIVATE_FILE });
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}
