/**
 * Writes an artefact under the file names of the published tokenizer, row by row. Token ids are global
 * (row of the codebook, in `.npy`; row + 4 in vocab.json), which tokenizer_config.json says.
 */
import { open, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { makeFolder } from "../../core/make-folder.ts";
import { PADDING_ID, SPECIAL_TOKENS, TokenNames } from "../serve/token-names.ts";
import { npyHeader } from "./npy.ts";
import type { Artefact } from "./open.ts";
import { type ExportNote, PUBLISHED } from "./published.ts";
import { checkPlace } from "./write.ts";

export interface ExportOptions {
  /** Keys without their system, as published; refused where two codes would share a key. */
  readonly bareKeys: boolean;
  readonly report: (stage: string, done: number, total: number) => void;
}

/** Rows that are written at once. */
const CHUNK = 2048;
const PRIVATE_FILE = 0o600;

/** Keys of the JSON files by row. @throws BenchError when systems are left out and keys collide. */
function keysOf(codes: readonly string[], bareKeys: boolean): readonly string[] {
  if (!bareKeys) return codes;
  const keys = codes.map((code) => code.slice(code.indexOf("/") + 1));
  const seen = new Map<string, number>();
  const collisions: string[] = [];
  for (const [row, key] of keys.entries()) {
    const other = seen.get(key);
    if (other === undefined) seen.set(key, row);
    else collisions.push(`${codes[other]} and ${codes[row]}`);
  }
  if (collisions.length === 0) return keys;
  throw new BenchError({
    what: `${collisions.length} codes have the same key without their system, e.g. ${collisions.slice(0, 3).join("; ")}`,
    fix: "keep the systems in the keys, or export a tokenizer of one system",
    exitCode: 2,
  });
}

/** A float32 in as few digits as give it back. */
function short(x: number): string {
  return String(Number(x.toPrecision(9)));
}

type Chunk = { readonly from: number; readonly count: number };

async function writeChunks(
  path: string,
  rows: number,
  frame: readonly [head: string | Uint8Array, tail: string],
  piece: (chunk: Chunk) => string | Uint8Array,
  report: (done: number) => void,
): Promise<void> {
  const file = await open(path, "wx", PRIVATE_FILE);
  try {
    await file.writeFile(frame[0]);
    for (let from = 0; from < rows; from += CHUNK) {
      await file.writeFile(piece({ from, count: Math.min(CHUNK, rows - from) }));
      report(Math.min(rows, from + CHUNK));
    }
    await file.writeFile(frame[1]);
  } finally {
    await file.close();
  }
}

const bytesOf = (values: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** A JSON object of one list a code, in pieces. */
function listsByKey(keys: readonly string[], list: (row: number) => string) {
  return ({ from, count }: Chunk): string => {
    let text = "";
    for (let row = from; row < from + count; row++)
      text += `${row === 0 ? "" : ",\n"}${JSON.stringify(keys[row])}:[${list(row)}]`;
    return text;
  };
}

async function exportEmbeddings(
  artefact: Artefact,
  folder: string,
  keys: readonly string[],
  report: ExportOptions["report"],
): Promise<void> {
  const { codes, width } = artefact.config;
  const { embeddings } = artefact;
  const say = (name: string) => (done: number) => report(name, done, codes);
  await writeChunks(
    join(folder, PUBLISHED.embeddings),
    codes,
    [npyHeader("<f4", [codes, width]), ""],
    ({ from, count }) => bytesOf(embeddings.floats(from, count)),
    say(PUBLISHED.embeddings),
  );
  await writeChunks(
    join(folder, PUBLISHED.codeEmbeddings),
    codes,
    ["{", "}\n"],
    listsByKey(keys, (row) => Array.from(embeddings.floats(row, 1), short).join(",")),
    say(PUBLISHED.codeEmbeddings),
  );
}

async function exportTokens(
  artefact: Artefact,
  folder: string,
  keys: readonly string[],
  report: ExportOptions["report"],
): Promise<void> {
  const { tokens: layout, codes } = artefact.config;
  const tokens = artefact.tokens();
  if (layout === null || tokens === null) return;
  const names = new TokenNames(layout);
  const shape = [codes, layout.parts.length, layout.per_part];
  const each = layout.parts.length * layout.per_part;
  const say = (name: string) => (done: number) => report(name, done, codes);
  const cut = <T extends Int32Array | Float32Array>(all: T, { from, count }: Chunk) =>
    all.subarray(from * each, (from + count) * each) as T;
  const wide = (chunk: Chunk) => BigInt64Array.from(cut(tokens.ids, chunk), BigInt);
  await writeChunks(
    join(folder, PUBLISHED.tokens),
    codes,
    [npyHeader("<i8", shape), ""],
    (chunk) => bytesOf(wide(chunk)),
    say(PUBLISHED.tokens),
  );
  await writeChunks(
    join(folder, PUBLISHED.weights),
    codes,
    [npyHeader("<f4", shape), ""],
    (chunk) => bytesOf(cut(tokens.weights, chunk)),
    say(PUBLISHED.weights),
  );
  const nameOf = (id: number) =>
    JSON.stringify(names.name(id < 0 ? PADDING_ID : id + SPECIAL_TOKENS.length));
  await writeChunks(
    join(folder, PUBLISHED.codeTokens),
    codes,
    ["{", "}\n"],
    listsByKey(keys, (row) =>
      Array.from(cut(tokens.ids, { from: row, count: 1 }), nameOf).join(","),
    ),
    say(PUBLISHED.codeTokens),
  );
  const vocabulary = Array.from(
    { length: layout.codebook_size + SPECIAL_TOKENS.length },
    (_, id) => [names.name(id), id] as const,
  );
  const text = `${JSON.stringify(Object.fromEntries(vocabulary))}\n`;
  await writeFile(join(folder, PUBLISHED.vocabulary), text, { mode: PRIVATE_FILE });
}

function configOf({ config }: Artefact, bareKeys: boolean): unknown {
  const { tokens } = config;
  const note: ExportNote | null = tokens && {
    codebook_size: tokens.codebook_size,
    regions: tokens.regions,
    parts: tokens.parts,
    per_part: tokens.per_part,
    has_systems: config.has_systems && !bareKeys,
  };
  return {
    tokenizer_class: "tokenizer.MedicalcodeTokenizer",
    vocab_file: PUBLISHED.vocabulary,
    code2tokens_file: PUBLISHED.codeTokens,
    code2embedding_file: PUBLISHED.codeEmbeddings,
    unk_token: "[UNK]",
    pad_token: "[PAD]",
    ...(note === null ? {} : { medtok_bench: note }),
  };
}

/**
 * Exports into a new folder, written beside and renamed.
 * @throws BenchError when the folder is taken, or keys without systems collide.
 */
export async function exportPublished(
  artefact: Artefact,
  folder: string,
  { bareKeys, report }: ExportOptions,
): Promise<void> {
  const place = resolve(folder);
  await checkPlace(place);
  const keys = keysOf(artefact.code, bareKeys);
  const beside = join(dirname(place), `.${basename(place)}.${process.pid}.tmp`);
  await rm(beside, { recursive: true, force: true });
  makeFolder(beside, { mode: 0o700 });
  try {
    await exportEmbeddings(artefact, beside, keys, report);
    await exportTokens(artefact, beside, keys, report);
    const text = `${JSON.stringify(configOf(artefact, bareKeys), null, 2)}\n`;
    await writeFile(join(beside, PUBLISHED.config), text, { mode: PRIVATE_FILE });
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}
