/** Tokenizers with made-up tokens of a small codebook. */
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { denseVectors } from "../../ehr-models/token-rows.ts";
import { CODE_COUNT } from "./samples.ts";

export const SEGMENTS = 4;
export const K = 3;
export const WIDTH = 2;
export const ROWS = 12;
export const V = CODE_COUNT + 2;

/**
 * Made-up tokens: distinct rows within a segment, weights that sum to 1, nothing at units 0 and 1. Read as rows of
 * the codebook, or with a learned vector a token.
 */
export function tokenTokenizer(
  trainable: boolean,
  learned = false,
): Tokenizer & {
  representation: Extract<Tokenizer["representation"], { kind: "tokens" }> & {
    codebook: Float32Array;
  };
} {
  const random = Random.fromSeed(8).derive("tokens");
  const tokens = new Int32Array(V * SEGMENTS * K);
  const weights = new Float32Array(V * SEGMENTS * K);
  for (let place = 2 * SEGMENTS; place < V * SEGMENTS; place++) {
    const first = random.below(ROWS);
    const shares = Array.from({ length: K }, () => 0.1 + random.uniform());
    const total = shares.reduce((a, b) => a + b, 0);
    for (const [k, share] of shares.entries()) {
      tokens[place * K + k] = (first + k) % ROWS;
      weights[place * K + k] = share / total;
    }
  }
  const codebook = Float32Array.from({ length: ROWS * WIDTH }, () => random.normal());
  return {
    name: "made-up",
    vocabularySize: V,
    unit: Int32Array.from({ length: CODE_COUNT }, (_, row) => (row < 55 ? row + 2 : 1)),
    representation: {
      kind: "tokens",
      tokens,
      weights,
      segments: SEGMENTS,
      perSegment: K,
      rows: ROWS,
      codebook,
      width: WIDTH,
      learned,
      trainable,
    },
    artefactHash: "made-up",
  };
}

/** The same tokenizer with its vectors written out, F1. */
export function asVectors(
  tokenizer: ReturnType<typeof tokenTokenizer>,
  trainable = false,
): Tokenizer {
  const values = denseVectors(tokenizer.representation);
  const width = SEGMENTS * WIDTH;
  return { ...tokenizer, representation: { kind: "vectors", values, width, trainable } };
}
