/** Tokens of a tokenizer in memory, and how rows of them are handed out. */

import type { ReadTexts } from "./text-reader.ts";
import { PADDING_ID, SPECIAL_TOKENS, type TokenNames, UNKNOWN_ID } from "./token-names.ts";

/** Rows that descriptions made, after those of the known codes. */
export interface Described {
  readonly code: readonly string[];
  readonly texts: ReadTexts;
}

export interface Tokens {
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  /** parts · K. */
  readonly width: number;
  readonly perPart: number;
  readonly names: TokenNames;
}

/** Copies a code's ids and weights to `at`; the unknown token for row -1. */
export function fill(
  tokens: Tokens,
  row: number,
  ids: Int32Array,
  weights: Float32Array,
  at: number,
) {
  const { width } = tokens;
  if (row < 0) {
    ids.fill(UNKNOWN_ID, at, at + width);
    weights.fill(1 / tokens.perPart, at, at + width);
    return;
  }
  const from = row * width;
  const { ids: known, weights: knownWeights } = tokens;
  for (let i = 0; i < width; i++) {
    const id = known[from + i] as number;
    ids[at + i] = id < 0 ? PADDING_ID : id + SPECIAL_TOKENS.length;
    weights[at + i] = knownWeights[from + i] as number;
  }
}

export const NO_TEXTS: ReadTexts = {
  vectors: new Float32Array(0),
  ids: new Int32Array(0),
  weights: new Float32Array(0),
};

/** Two arrays, one after the other. */
export function joinedArrays<T extends Float32Array | Int32Array>(a: T, b: T): T {
  const Kind = a.constructor as new (length: number) => T;
  const all = new Kind(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** The rows of `b` after those of `a`. */
export function joined(a: ReadTexts, b: ReadTexts): ReadTexts {
  return {
    vectors: joinedArrays(a.vectors, b.vectors),
    ids: joinedArrays(a.ids, b.ids),
    weights: joinedArrays(a.weights, b.weights),
  };
}

/** As `fill`, for a row that a description made: parts without tokens get the unknown one. */
export function fillFromText(
  { width, perPart }: Tokens,
  texts: ReadTexts,
  row: number,
  ids: Int32Array,
  weights: Float32Array,
  at: number,
) {
  const from = row * width;
  for (let i = 0; i < width; i++) {
    const id = texts.ids[from + i] as number;
    ids[at + i] = id < 0 ? UNKNOWN_ID : id + SPECIAL_TOKENS.length;
    weights[at + i] = id < 0 ? 1 / perPart : (texts.weights[from + i] as number);
  }
}

/** Rows that share tokens with a code's ids, with how many; those that share most first, ties by row. */
export function rowsWithTokens(
  { ids, width, perPart }: Tokens,
  asked: readonly number[],
  most: number,
) {
  const shared = new Uint8Array(ids.length / width);
  for (let row = 0; row < shared.length; row++)
    shared[row] = sharedTokens(ids, row * width, asked, perPart);
  const rows = Array.from(shared.keys()).filter((row) => (shared[row] ?? 0) > 0);
  rows.sort((a, b) => (shared[b] ?? 0) - (shared[a] ?? 0) || a - b);
  return rows.slice(0, most).map((row) => ({ row, shared: shared[row] as number }));
}

/** Tokens of the code at `from` that are also among the asked ids of the same part. */
function sharedTokens(
  ids: Int32Array,
  from: number,
  asked: readonly number[],
  perPart: number,
): number {
  let shared = 0;
  for (let i = 0; i < asked.length; i++) {
    const id = asked[i] as number;
    if (id === UNKNOWN_ID) continue;
    const wanted = Math.max(-1, id - SPECIAL_TOKENS.length);
    const start = from + i - (i % perPart);
    for (let k = 0; k < perPart; k++) {
      if (ids[start + k] !== wanted) continue;
      shared += 1;
      break;
    }
  }
  return shared;
}
