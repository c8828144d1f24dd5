/** What the serving tokenizer is asked with, and what it answers. */
import type { Answer } from "./ladder.ts";
import type { UnknownPolicy } from "./unknown-codes.ts";

export interface MedTokOptions {
  /**
   * What an unknown code does beside getting the unknown token: `warn` (the default) prints a process
   * warning once a code, `throw` raises a BenchError, `quiet` only counts it in `found`.
   */
  readonly unknown?: UnknownPolicy;
  /** Descriptions of codes that it may not know, see `addDescriptions`. */
  readonly descriptions?: Readonly<Record<string, string>>;
  /** Folder of the sentence encoder, where it was trained with one and descriptions are to be read. */
  readonly encoder?: string;
}

/** A code as ids. */
export interface Encoded extends Answer {
  /** [parts · K] codebook rows + 4, part by part, nearest first; all 1 when unknown. */
  readonly ids: Int32Array;
  /** [parts · K]; each K sum to 1. */
  readonly weights: Float32Array;
}

/** Many codes as ids, one row each. */
export interface EncodedBatch {
  /** [n × parts · K]. */
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  /** [n] index into RUNGS. */
  readonly how: Uint8Array;
}

/** A code that shares tokens with ids. */
export interface Decoded {
  readonly code: string;
  /** Share of the ids that it has too, part by part. */
  readonly overlap: number;
}

/** The tokens of one code, part by part, as ids or names. */
export type CodeTokens = ArrayLike<number> | readonly string[];

export function isBatch(
  tokens: CodeTokens | readonly CodeTokens[],
): tokens is readonly CodeTokens[] {
  return typeof tokens[0] === "object";
}
