/**
 * Units -> vectors of the model's width, for whatever a tokenizer offers: E[c] learned, or with given vectors e_c
 *
 *   E[c] = (e_c - m) U Λ^-1/4 s P + b         + R[c] where the tokenizer asks for a residual
 *   m    = mean of all e_c,  U Λ Uᵀ = their covariance,  s: a mean square length of 1
 *
 * Deviation: models.md 0.9 projects e_c as it is. Vectors of one tokenizer have much of their length in a few common
 *   directions, and what all share moves all codes at once. Centred and evened out (half way to white: variances
 *   become their roots) they span the same functions, P learns in all directions at a like pace, and E[c] starts
 *   as large as a learned vector would. A codebook under training is centred and scaled only (s alone).
 * Deviation: the residual R is a learned vector a code, as without a tokenizer, from the same first values;
 *   P and b start at zero then. What similar codes share is learnt by P, what is a code's own by R, and
 *   decay and a large epsilon hold R of rare codes back. Published uses put e_c in the place of R.
 */
import { symmetricEigen } from "../core/symmetric-eigen.ts";
import type { Tokenizer, UnitRepresentation } from "../core/tokenizer.ts";
import type { Initializer, Tensor } from "../engine/graph.ts";
import { given, normal, zeros } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add, equals, mul, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import type { FeedArray } from "../engine/runner.ts";
import { multiplyDims, sizeOf } from "../engine/shape.ts";

const UNKNOWN = 1;
const FIRST_KNOWN = 2;
/** Names of the inputs that fixed tables are fed through; they are too large to be written into the model. */
const FROZEN = "codes.vectors";
const TOKENS = "codes.tokens";
const WEIGHTS = "codes.weights";

type Given = Exclude<UnitRepresentation, { readonly kind: "learned" }>;
type Tokens = Extract<UnitRepresentation, { readonly kind: "tokens" }>;

/** Normal values with rows 0 (padding) and 1 (unknown, never trained) at zero. */
function knownRows(initial: Initializer, width: number): Initializer {
  return (random, size) => initial(random, size).fill(0, 0, FIRST_KNOWN * width);
}

/** The values that `knownRows` gives a table of the marked units alone, at their places; the others zero. */
function markedRows(initial: Initializer, width: number, marks: Uint8Array): Initializer {
  return (random, size) => {
    const count = marks.reduce((sum, mark) => sum + mark, 0);
    const drawn = initial(random, (FIRST_KNOWN + count) * width);
    const values = new Float32Array(size);
    let next = FIRST_KNOWN * width;
    for (const [unit, mark] of marks.entries()) {
      if (mark === 0) continue;
      values.set(drawn.subarray(next, next + width), unit * width);
      next += width;
    }
    return values;
  };
}

/**
 * Vectors [B*L, width] of units `codes` [B, L]. `learned`: a trained table that starts at N(0, initialScale²). `vectors`: the given table,
 * frozen or trained, plus a learned vector at the unknown unit, behind a learned projection (models.md 0.9, F1 and F3). `tokens`: the
 * same with weighted rows of a codebook, frozen or trained (F2).
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
    const d = givenWidth(representation);
    const vectors = givenVectors(codes, representation, V);
    const unknown = g.parameter("unknown", [1, d], normal(1 / Math.sqrt(d)), false);
    const isUnknown = reshape(equals(codes, UNKNOWN), [positions, 1]);
    const whole = add(vectors, mul(isUnknown, unknown));
    const { residual } = representation;
    const weight = residual === undefined ? initial : zeros;
    const projected = linear(whole, width, "projection", { weight, bias: zeros });
    return residual === undefined
      ? projected
      : add(projected, learned(markedRows(initial, width, residual)));
  });
}

/** Numbers of a given vector. */
function givenWidth(representation: Given) {
  const { width } = representation;
  return representation.kind === "tokens" ? representation.segments * width : width;
}

/** The given vectors [B*L, d] of units, centred and scaled; zero for padding and unknown. */
function givenVectors(codes: Tensor, representation: Given, V: number): Tensor {
  const g = codes.graph;
  const d = givenWidth(representation);
  if (representation.kind === "tokens" && representation.trainable) {
    const { centre, factor } = standardOf(representation);
    const isKnown = reshape(shift(scale(equals(codes, 0), -1), 1), [sizeOf(codes.shape), 1]);
    const isUnit = sub(isKnown, reshape(equals(codes, UNKNOWN), [sizeOf(codes.shape), 1]));
    const offset = mul(isUnit, g.floats(centre, [1, d]));
    return scale(sub(weightedRows(codes, representation, V), offset), factor);
  }
  const vectors =
    representation.kind === "vectors" && representation.trainable
      ? table(g, "vectors", V, d, { initial: given(standardOf(representation).values) })
      : g.input(FROZEN, [V, d]);
  return reshape(lookup(vectors, codes), [sizeOf(codes.shape), d]);
}

/**
 * Weighted sums of codebook rows [B*L, segments · width]. The rows of every position are looked up anew in
 * each part of a batch, 4 · segments · K · width bytes a position (5 KiB for MedTok), so that their gradient
 * can leave the graph as rows and be summed into the codebook in a fixed order.
 */
function weightedRows(codes: Tensor, representation: Tokens, V: number): Tensor {
  const g = codes.graph;
  const { segments, perSegment: K, codebook, width: w } = representation;
  const tokens = g.input(TOKENS, [V, segments * K], "int32");
  const weights = g.input(WEIGHTS, [V, segments * K]);
  const book = table(g, "codebook", codebook.length / w, w, { initial: given(codebook) });
  const places = multiplyDims(sizeOf(codes.shape), segments);
  const rows = reshape(lookup(book, lookup(tokens, codes)), [places, K, w]);
  const shares = reshape(lookup(weights, codes), [places, 1, K]);
  return reshape(matmul(shares, rows), [sizeOf(codes.shape), segments * w]);
}

const dense = new WeakMap<Tokens, Float32Array>();

/** The table [V × segments · width] that tokens stand for; made once a tokenizer. */
export function denseVectors(tokens: Tokens): Float32Array {
  const known = dense.get(tokens);
  if (known !== undefined) return known;
  const { tokens: ids, weights, perSegment: K, codebook, width } = tokens;
  const places = ids.length / K; // V · segments, in the order of the result
  const values = new Float32Array(places * width);
  for (let place = 0; place < places; place++) {
    for (let k = 0; k < K; k++) {
      const weight = weights[place * K + k] as number;
      const row = (ids[place * K + k] as number) * width;
      for (let j = 0; j < width; j++) {
        const at = place * width + j;
        values[at] = (values[at] as number) + weight * (codebook[row + j] as number);
      }
    }
  }
  dense.set(tokens, values);
  return values;
}

interface Standard {
  /** Mean over units, [d]. */
  readonly centre: number[];
  /** 1 / root mean square of |e - m|. */
  readonly factor: number;
  /** (e - m) U Λ^-1/4 s, [V × d]; rows 0 and 1 zero. */
  readonly values: Float32Array;
}

const standards = new WeakMap<Given, Standard>();

/** Directions with less than this share of the largest variance are left out: rounding, no knowledge. */
const LEAST_VARIANCE = 1e-6;

/** Given vectors centred, evened out and brought to a mean square length of 1; made once a tokenizer. */
export function standardOf(representation: Given): Standard {
  const known = standards.get(representation);
  if (known !== undefined) return known;
  const d = givenWidth(representation);
  const raw =
    representation.kind === "tokens" ? denseVectors(representation) : representation.values;
  const first = FIRST_KNOWN * d;
  const count = Math.max(1, raw.length / d - FIRST_KNOWN);
  const centre = new Float64Array(d);
  // Summed in float64 and then divided, so that vectors that are all alike have no difference to their mean.
  for (let i = first; i < raw.length; i++)
    centre[i % d] = (centre[i % d] as number) + (raw[i] as number);
  for (let j = 0; j < d; j++) centre[j] = (centre[j] as number) / count;
  const moved = Float64Array.from(raw, (x, i) => (i < first ? 0 : x - (centre[i % d] as number)));
  const covariance = covarianceOf(moved, d, count);
  const square = covariance.reduce((sum, x, i) => sum + (i % (d + 1) === 0 ? x : 0), 0);
  const values = square > 0 ? evened(moved, covariance, d) : Float32Array.from(moved); // or nothing to tell apart
  const standard = { centre: [...centre], factor: square > 0 ? 1 / Math.sqrt(square) : 1, values };
  standards.set(representation, standard);
  return standard;
}

/** xᵀ x / count for rows x [n × d]. */
function covarianceOf(x: Float64Array, d: number, count: number): Float64Array {
  const sum = new Float64Array(d * d);
  for (let row = 0; row < x.length; row += d)
    for (let i = 0; i < d; i++) {
      const a = x[row + i] as number;
      if (a === 0) continue;
      for (let j = 0; j <= i; j++)
        sum[i * d + j] = (sum[i * d + j] as number) + (a * (x[row + j] as number)) / count;
    }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) sum[j * d + i] = sum[i * d + j] as number;
  return sum;
}

/** x U Λ^-1/4 over the root of its mean square length, for centred rows x [n × d] with covariance U Λ Uᵀ. */
function evened(x: Float64Array, covariance: Float64Array, d: number): Float32Array {
  const { values: variance, vectors } = symmetricEigen(covariance, d);
  const most = variance[0] as number;
  const factors = variance.map((v) => (v > LEAST_VARIANCE * most ? v ** -0.25 : 0));
  // The mean square length of x U Λ^-1/4 is the sum of Λ^1/2.
  const square = variance.reduce((sum, v, i) => sum + v * (factors[i] as number) ** 2, 0);
  const turn = vectors.map((u, i) => (u * (factors[i % d] as number)) / Math.sqrt(square));
  const out = new Float32Array(x.length);
  const row = new Float64Array(d);
  for (let start = 0; start < x.length; start += d) {
    row.fill(0);
    for (let i = 0; i < d; i++) {
      const a = x[start + i] as number;
      for (let j = 0; j < d; j++) row[j] = (row[j] as number) + a * (turn[i * d + j] as number);
    }
    out.set(row, start);
  }
  return out;
}

/** Arrays to feed at every run beside the parameters: fixed tables, if there are any. */
export function frozenTables({ representation }: Tokenizer): Readonly<Record<string, FeedArray>> {
  if (representation.kind === "learned") return {};
  if (!representation.trainable) return { [FROZEN]: standardOf(representation).values };
  if (representation.kind === "vectors") return {};
  return { [TOKENS]: representation.tokens, [WEIGHTS]: representation.weights };
}
