/**
 * Codes as weighted tokens, n tokens a unit in all segments together, with ids t and weights w:
 *
 *   learned     E[c] = s Σ_n w[c, n] Θ[t[c, n]]                    Θ: a vector a token that the model learns
 *   codebook    e[c] = concat over segments of Σ_k w[c, s, k] B[t[c, s, k]]     B: the tokenizer's codebook
 *
 * s makes the mean over units of Σ (weights of one token)² one, so that E starts as large as a learned vector a code
 * would: what two codes share is the part of their tokens that is the same.
 */
import { FIRST_KNOWN_UNIT, type UnitRepresentation } from "../core/tokenizer.ts";
import type { Tensor } from "../engine/graph.ts";
import { given, normal } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { addMixed, type MixedRows } from "../engine/mixture.ts";
import { reshape } from "../engine/ops/layout.ts";
import { sizeOf } from "../engine/shape.ts";

export type Tokens = Extract<UnitRepresentation, { readonly kind: "tokens" }>;

/** The codebook of tokens that are read as its rows. @throws Error where it is not known; no tokenizer gives such tokens. */
function codebookOf({ codebook }: Tokens): Float32Array {
  if (codebook === null) throw new Error("tokens without a codebook can be read as learned only");
  return codebook;
}

/** Which rows of the codebook make which unit. */
const rowsOf = ({ tokens: ids, weights, segments, perSegment: each }: Tokens): MixedRows => ({
  ...{ ids, weights, segments, each },
});

/**
 * Weighted sums of codebook rows [B*L, segments · width] of units [B, L]. Like those of `learnedRows` they are made once a
 * step for each unit that its batch has (`engine/mixture.ts`).
 */
export function codebookRows(codes: Tensor, tokens: Tokens): Tensor {
  const { segments, rows, width } = tokens;
  const g = codes.graph;
  const B = table(g, "codebook", rows, width, { initial: given(codebookOf(tokens)) });
  const e = g.mixture("rows", B, rowsOf(tokens));
  return reshape(lookup(e, codes), [sizeOf(codes.shape), segments * width]);
}

/** E [B*L, width] of units [B, L] from a learned vector a token; zero for padding and unknown. */
export function learnedRows(
  codes: Tensor,
  tokens: Tokens,
  width: number,
  initialScale: number,
): Tensor {
  const { tokens: ids, segments, perSegment, rows } = tokens;
  const g = codes.graph;
  const options = { initial: normal(initialScale), decay: true };
  const theta = table(g, "vocabulary", rows, width, options);
  const factor = 1 / Math.sqrt(meanSquareWeight(tokens));
  const weights = tokens.weights.map((w) => w * factor);
  const E = g.mixture("rows", theta, { ids, weights, segments: 1, each: segments * perSegment });
  return reshape(lookup(E, codes), [sizeOf(codes.shape), width]);
}

/** The mean over units of Σ over distinct tokens of (its weights in all segments)². */
export function meanSquareWeight({ tokens, weights, segments, perSegment }: Tokens): number {
  const each = segments * perSegment;
  const units = tokens.length / each - FIRST_KNOWN_UNIT;
  let sum = 0;
  for (let start = FIRST_KNOWN_UNIT * each; start < tokens.length; start += each) {
    const total = new Map<number, number>();
    for (let n = start; n < start + each; n++) {
      const token = tokens[n] as number;
      total.set(token, (total.get(token) ?? 0) + (weights[n] as number));
    }
    for (const weight of total.values()) sum += weight * weight;
  }
  return sum > 0 ? sum / units : 1;
}

const dense = new WeakMap<Tokens, Float32Array>();

/** The table [V × segments · width] of codebook vectors that tokens stand for; made once a tokenizer. */
export function denseVectors(tokens: Tokens): Float32Array {
  const known = dense.get(tokens);
  if (known !== undefined) return known;
  const { width } = tokens;
  const rows = rowsOf(tokens);
  const values = new Float32Array((rows.ids.length / rows.each) * width);
  addMixed(values, rows, codebookOf(tokens), width);
  dense.set(tokens, values);
  return values;
}
