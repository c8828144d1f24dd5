/**
 * Units -> vectors of the model's width, for whatever a tokenizer offers: E[c] learned, or with given vectors e_c
 *
 *   E[c] = (e_c - m) s P + b         + R[c] where the tokenizer asks for a residual
 *   m    = mean of all e_c,  s = 1 / root mean square of |e_c - m|
 *
 * Deviation: models.md 0.9 projects e_c as it is. Vectors of one tokenizer have most of their length in common, and
 *   what all share moves all codes at once: centred and scaled they span the same functions, and E[c] starts as
 *   large as a learned vector would.
 * Deviation: the residual R is a learned vector a code, as without a tokenizer, from the same first values;
 *   P and b start at zero then. What similar codes share is learnt by P, what is a code's own by R, and
 *   decay and a large epsilon hold R of rare codes back. Published uses put e_c in the place of R.
 */
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
  readonly factor: number;
  /** (e - centre) · factor, [V × d]; rows 0 and 1 zero. */
  readonly values: Float32Array;
}

const standards = new WeakMap<Given, Standard>();

/** Given vectors centred and brought to a mean square length of 1; made once a tokenizer. */
export function standardOf(representation: Given): Standard {
  const known = standards.get(representation);
  if (known !== undefined) return known;
  const d = givenWidth(representation);
  const raw =
    representation.kind === "tokens" ? denseVectors(representation) : representation.values;
  const first = FIRST_KNOWN * d;
  const count = Math.max(1, raw.length / d - FIRST_KNOWN);
  const mean = new Float64Array(d);
  // Summed in float64 and then divided, so that vectors that are all alike have no difference to their mean.
  for (let i = first; i < raw.length; i++)
    mean[i % d] = (mean[i % d] as number) + (raw[i] as number);
  for (let j = 0; j < d; j++) mean[j] = (mean[j] as number) / count;
  let square = 0;
  for (let i = first; i < raw.length; i++)
    square += ((raw[i] as number) - (mean[i % d] as number)) ** 2 / count;
  const factor = square > 0 ? 1 / Math.sqrt(square) : 1; // all alike: nothing to tell apart
  const values = raw.map((x, i) => (i < first ? 0 : (x - (mean[i % d] as number)) * factor));
  const standard = { centre: [...mean], factor, values };
  standards.set(representation, standard);
  return standard;
}

/** Arrays to feed at every run beside the parameters: fixed tables, if there are any. */
export function frozenTables({ representation }: Tokenizer): Readonly<Record<string, FeedArray>> {
  if (representation.kind === "learned") return {};
  if (!representation.trainable) return { [FROZEN]: standardOf(representation).values };
  if (representation.kind === "vectors") return {};
  return { [TOKENS]: representation.tokens, [WEIGHTS]: representation.weights };
}
