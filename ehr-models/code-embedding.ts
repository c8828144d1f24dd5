/**
 * Units -> vectors of the model's width, for whatever a tokenizer offers: E[c] learned, or, with O[c] a learned vector a
 * code where the tokenizer asks for one (`residual`),
 *
 *   tokens     E[c] = learned vectors of its tokens, weighted (token-rows.ts)                    + a O[c]
 *   vectors    E[c] = g phi(e_c) P + b, phi the features of the given vector (similarity.ts)     + a O[c]
 *   codebook   E[c] = (e_c - m) s P + b for e_c that training moves, m their first mean,
 *                     s: a mean square length of 1                                               + a O[c]
 *
 * Deviation: models.md 0.9 projects e_c as it is. What a linear function of e_c learns of one code it says of all, for
 *   vectors of one tokenizer have much of their length in common; features of similarity say it of like ones.
 * Deviation: O[c]; published uses put the tokenizer's vector in its place. What like codes share is learnt by
 *   their tokens or by P, what is a code's own by O, and decay and a large epsilon hold O of rare codes back.
 *   a = 1/2 leaves a code a fifth of the freedom. With O, P and b start at zero.
 */
import {
  FIRST_KNOWN_UNIT,
  type Tokenizer,
  UNKNOWN_UNIT,
  type UnitRepresentation,
} from "../core/tokenizer.ts";
import type { Initializer, Tensor } from "../engine/graph.ts";
import { given, normal, zeros } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add, equals, mul, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import type { FeedArray } from "../engine/runner.ts";
import { sizeOf } from "../engine/shape.ts";
import { type SimilarityFeatures, similarityFeatures } from "./similarity.ts";
import { codebookRows, denseVectors, learnedRows, type Tokens } from "./token-rows.ts";

/** Name of the input that given vectors, or their features, are fed through; they are too large for the model. */
const FROZEN = "codes.vectors";
/** a: what a code's own vector weighs beside what it shares. */
const OWN = 0.5;
/** g: P then learns at the pace at which a learned vector a code does, and does not overshoot. */
const PACE = 0.3;

type Given = Exclude<UnitRepresentation, { readonly kind: "learned" }>;

/** Normal values with rows 0 (padding) and 1 (unknown, never trained) at zero. */
function knownRows(initial: Initializer, width: number): Initializer {
  return (random, size) => initial(random, size).fill(0, 0, FIRST_KNOWN_UNIT * width);
}

/** The values that `knownRows` gives a table of the marked units alone, at their places; the others zero. */
function markedRows(initial: Initializer, width: number, marks: Uint8Array): Initializer {
  return (random, size) => {
    const count = marks.reduce((sum, mark) => sum + mark, 0);
    const drawn = initial(random, (FIRST_KNOWN_UNIT + count) * width);
    const values = new Float32Array(size);
    let next = FIRST_KNOWN_UNIT * width;
    for (const [unit, mark] of marks.entries()) {
      if (mark === 0) continue;
      values.set(drawn.subarray(next, next + width), unit * width);
      next += width;
    }
    return values;
  };
}

/**
 * Vectors [B*L, width] of units `codes` [B, L]: a trained table that starts at N(0, initialScale^2), or what the tokenizer
 * gives (see above; models.md 0.9, F1 to F3). Padding is zero or b; the unknown unit is zero where vectors are learnt,
 * a code's or a token's, and else a learned vector behind P.
 */
export function embedCodes(
  codes: Tensor,
  tokenizer: Tokenizer,
  width: number,
  initialScale: number,
): Tensor {
  const g = codes.graph;
  const { representation, vocabularySize: V } = tokenizer;
  const positions = sizeOf(codes.shape);
  const initial = normal(initialScale);
  const learned = (first: Initializer) =>
    reshape(lookup(table(g, "table", V, width, { initial: first, decay: true }), codes), [
      positions,
      width,
    ]);
  return g.scope("codes", () => {
    if (representation.kind === "learned") return learned(knownRows(initial, width));
    const { residual } = representation;
    const shared =
      representation.kind === "tokens" && representation.learned
        ? learnedRows(codes, representation, width, initialScale)
        : projected(codes, representation, V, width, residual === undefined ? initial : zeros);
    if (residual === undefined) return shared;
    return add(shared, scale(learned(markedRows(initial, width, residual)), OWN));
  });
}

/** P and b over given vectors, with a learned vector in place of the one that the unknown unit has not. */
function projected(
  codes: Tensor,
  representation: Given,
  V: number,
  width: number,
  weight: Initializer,
): Tensor {
  const g = codes.graph;
  const vectors = givenVectors(codes, representation, V);
  const d = vectors.shape[1] as number;
  const unknown = g.parameter("unknown", [1, d], normal(1 / Math.sqrt(d)), false);
  const isUnknown = reshape(equals(codes, UNKNOWN_UNIT), [sizeOf(codes.shape), 1]);
  const whole = add(vectors, mul(isUnknown, unknown));
  return linear(whole, width, "projection", { weight, bias: zeros });
}

/** Given vectors [B*L, d] of units, or their features; zero for padding and unknown. */
function givenVectors(codes: Tensor, representation: Given, V: number): Tensor {
  const g = codes.graph;
  if (representation.kind === "tokens" && representation.trainable) {
    const { centre, factor } = standardOf(representation);
    const isKnown = reshape(shift(scale(equals(codes, 0), -1), 1), [sizeOf(codes.shape), 1]);
    const isUnit = sub(isKnown, reshape(equals(codes, UNKNOWN_UNIT), [sizeOf(codes.shape), 1]));
    const offset = mul(isUnit, g.floats(centre, [1, centre.length]));
    return scale(sub(codebookRows(codes, representation), offset), factor);
  }
  const { values, width } = featuresOf(representation);
  const vectors =
    representation.kind === "vectors" && representation.trainable
      ? table(g, "vectors", V, width, { initial: given(values) })
      : g.input(FROZEN, [V, width]);
  return scale(reshape(lookup(vectors, codes), [sizeOf(codes.shape), width]), PACE);
}

const features = new WeakMap<Given, SimilarityFeatures>();

/** Features of given vectors; made once a tokenizer. */
export function featuresOf(representation: Given): SimilarityFeatures {
  const known = features.get(representation);
  if (known !== undefined) return known;
  const made =
    representation.kind === "tokens"
      ? similarityFeatures(
          denseVectors(representation),
          representation.segments * representation.width,
          FIRST_KNOWN_UNIT,
        )
      : similarityFeatures(representation.values, representation.width, FIRST_KNOWN_UNIT);
  features.set(representation, made);
  return made;
}

/** Vectors whose differences are a smaller share of their squares are all alike: sums in float32 differ by more. */
const ROUNDING = 1e-12;

interface Standard {
  /** Mean over units, [d]. */
  readonly centre: number[];
  /** 1 / root mean square of |e - m|; 1 for vectors that are all alike. */
  readonly factor: number;
}

/** What centres and scales the vectors that tokens stand for, at the codebook's first values. */
export function standardOf(tokens: Tokens): Standard {
  const d = tokens.segments * tokens.width;
  const raw = denseVectors(tokens);
  const first = FIRST_KNOWN_UNIT * d;
  const count = Math.max(1, raw.length / d - FIRST_KNOWN_UNIT);
  const centre = new Float64Array(d);
  // Summed in float64 and then divided, so that vectors that are all alike have no difference to their mean.
  for (let i = first; i < raw.length; i++)
    centre[i % d] = (centre[i % d] as number) + (raw[i] as number);
  for (let j = 0; j < d; j++) centre[j] = (centre[j] as number) / count;
  let square = 0;
  for (let i = first; i < raw.length; i++)
    square += ((raw[i] as number) - (centre[i % d] as number)) ** 2 / count;
  const differ = square > ROUNDING * centre.reduce((sum, x) => sum + x * x, 0);
  return { centre: [...centre], factor: differ ? 1 / Math.sqrt(square) : 1 };
}

/** Arrays to feed at every run beside the parameters: fixed tables, if there are any. */
export function frozenTables({ representation }: Tokenizer): Readonly<Record<string, FeedArray>> {
  if (representation.kind === "learned") return {};
  if (representation.trainable) return {};
  if (representation.kind === "tokens" && representation.learned) return {};
  return { [FROZEN]: featuresOf(representation).values };
}
