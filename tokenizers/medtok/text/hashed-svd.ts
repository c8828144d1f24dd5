/**
 * The default text encoder, which needs no download: hashed words, word pairs and letter 4-grams, 1 + log tf,
 * smoothed idf, unit length, truncated SVD, rows to unit length again (medtok.md 9.2). A word's vector is
 * made in the same way from the grams of that word alone.
 */
import { BenchError } from "../../../core/errors.ts";
import { sha256 } from "../../../core/hash.ts";
import type { EncodeTextOptions, TextEncoder, TextEncoderState, TextFeatures } from "../types.ts";
import { featuresHash, wordTable } from "./features.ts";
import { countGrams, type SparseRows, wordsOf } from "./grams.ts";
import { truncatedSvd } from "./truncated-svd.ts";

export interface HashedSvdOptions {
  readonly width?: number;
  readonly buckets?: number;
  /** Descriptions, evenly spread over the rows, from which idf and SVD are learnt at most. */
  readonly fitRows?: number;
}

const KIND = "hashed-svd";
const DEFAULTS = { width: 256, buckets: 1 << 16, fitRows: 20_000 } as const;
/** Rows turned into grams at a time when encoding, so that memory does not grow with the number of codes. */
const BLOCK = 4096;

/** An encoder with other options has another key. Fitting throws a BenchError where no description says anything. */
export function hashedSvdEncoder(options: HashedSvdOptions = {}): TextEncoder {
  const settings = { ...DEFAULTS, ...options };
  return {
    kind: KIND,
    key: `${KIND} 1 ${settings.width} ${settings.buckets} ${settings.fitRows}`,
    fit: async (descriptions, context) => {
      const state = await fit(descriptions, settings, context);
      return { state, features: await encode(state, descriptions, context) };
    },
    encode,
  };
}

/** Every k-th row, so that at most `most` are taken; all rows have an equal chance by their place. */
function spread<T>(rows: readonly T[], most: number): T[] {
  const step = Math.max(1, rows.length / most);
  const taken: T[] = [];
  for (let i = 0; i < Math.min(rows.length, most); i++) taken.push(rows[Math.floor(i * step)] as T);
  return taken;
}

async function fit(
  descriptions: readonly string[],
  settings: Required<HashedSvdOptions>,
  { random, report }: EncodeTextOptions,
): Promise<TextEncoderState> {
  const { buckets, fitRows } = settings;
  const texts = spread(descriptions.map(wordsOf), fitRows).filter((words) => words.length > 0);
  if (texts.length === 0)
    throw new BenchError({
      what: "no code has a description, so that there is no text to read",
      fix: "give a table that says what codes mean (in runs --tokenizer-file codes=FILE), or use a tokenizer without text: baseline, vqgraph",
    });
  const rows = countGrams(texts, buckets);
  const idf = smoothedIdf(rows, texts.length, buckets);
  weigh(rows, idf);
  const svd = await truncatedSvd(rows, buckets, settings.width, random.derive("svd"), (done, all) =>
    report("fitting the text encoder", done, all),
  );
  const rank = svd.singular.length;
  const projection = new Float32Array(buckets * settings.width);
  for (let b = 0; b < buckets; b++)
    for (let j = 0; j < rank; j++)
      projection[b * settings.width + j] = svd.vectors[b * rank + j] as number;
  const bytes = (x: Float32Array) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  const hash = sha256(Buffer.concat([bytes(idf), bytes(projection)])).slice(0, 16);
  return {
    kind: KIND,
    width: settings.width,
    hash,
    settings: { buckets, fitRows, rank },
    arrays: new Map([
      ["idf", idf],
      ["projection", projection],
    ]),
  };
}

/** log((1 + n) / (1 + df)) + 1 per column. */
function smoothedIdf(rows: SparseRows, texts: number, buckets: number): Float32Array {
  const seen = new Uint32Array(buckets);
  for (const column of rows.column) seen[column] = (seen[column] as number) + 1;
  return Float32Array.from(seen, (count) => Math.log((1 + texts) / (1 + count)) + 1);
}

/** Multiplies by idf and brings each row to unit length, in place. */
function weigh({ offset, column, value }: SparseRows, idf: Float32Array): void {
  for (let row = 0; row + 1 < offset.length; row++) {
    let square = 0;
    for (let e = offset[row] as number; e < (offset[row + 1] as number); e++) {
      const x = (value[e] as number) * (idf[column[e] as number] as number);
      value[e] = x;
      square += x * x;
    }
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let e = offset[row] as number; e < (offset[row + 1] as number); e++)
      value[e] = (value[e] as number) * scale;
  }
}

function array(state: TextEncoderState, name: string): Float32Array {
  const found = state.arrays.get(name);
  if (found === undefined) throw new Error(`the text encoder's state has no "${name}"`);
  return found;
}

/** Unit rows [texts × width] into `out` from row `start`. */
function project(
  texts: readonly (readonly string[])[],
  state: TextEncoderState,
  out: Float32Array,
  start: number,
): void {
  const { width } = state;
  const projection = array(state, "projection");
  const rows = countGrams(texts, Number(state.settings["buckets"]));
  weigh(rows, array(state, "idf"));
  const y = new Float64Array(width);
  for (let row = 0; row < texts.length; row++) {
    y.fill(0);
    for (let e = rows.offset[row] as number; e < (rows.offset[row + 1] as number); e++) {
      const at = (rows.column[e] as number) * width;
      const x = rows.value[e] as number;
      for (let j = 0; j < width; j++) y[j] = (y[j] as number) + x * (projection[at + j] as number);
    }
    let square = 0;
    for (const x of y) square += x * x;
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let j = 0; j < width; j++) out[(start + row) * width + j] = (y[j] as number) * scale;
  }
}

async function encode(
  state: TextEncoderState,
  descriptions: readonly string[],
  { maxWords, signal, report }: EncodeTextOptions,
): Promise<TextFeatures> {
  const texts = descriptions.map(wordsOf);
  const table = wordTable(texts, maxWords);
  const vectors = async (all: readonly (readonly string[])[], stage: string) => {
    const out = new Float32Array(all.length * state.width);
    for (let start = 0; start < all.length; start += BLOCK) {
      signal.throwIfAborted();
      project(all.slice(start, start + BLOCK), state, out, start);
      report(stage, Math.min(all.length, start + BLOCK), all.length);
      await new Promise(setImmediate); // lets a signal through
    }
    return out;
  };
  return {
    width: state.width,
    sentence: await vectors(texts, "encoding descriptions"),
    word: await vectors(
      table.words.map((word) => [word]),
      "encoding words",
    ),
    wordOffset: table.offset,
    wordId: table.id,
    hash: featuresHash(state, descriptions, maxWords),
  };
}
