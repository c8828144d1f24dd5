/** Units -> vectors of the model's width, for whatever a tokenizer offers. */
import type { Tokenizer, UnitRepresentation } from "../core/tokenizer.ts";
import type { Initializer, Tensor } from "../engine/graph.ts";
import { given, normal } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add, equals, mul } from "../engine/ops/elementwise.ts";
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

type Tokens = Extract<UnitRepresentation, { readonly kind: "tokens" }>;

/** Normal values with rows 0 (padding) and 1 (unknown, never trained) at zero. */
function knownRows(initial: Initializer, width: number): Initializer {
  return (random, size) => initial(random, size).fill(0, 0, FIRST_KNOWN * width);
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
  return g.scope("codes", () => {
    if (representation.kind === "learned") {
      const initial = knownRows(normal(initialScale), width);
      const learned = table(g, "table", V, width, { initial, decay: true });
      return reshape(lookup(learned, codes), [positions, width]);
    }
    const d = givenWidth(representation);
    const vectors = givenVectors(codes, representation, V);
    const unknown = g.parameter("unknown", [1, d], normal(1 / Math.sqrt(d)), false);
    const isUnknown = reshape(equals(codes, UNKNOWN), [positions, 1]);
    return linear(add(vectors, mul(isUnknown, unknown)), width, "projection");
  });
}

/** Numbers of a given vector. */
function givenWidth(representation: Exclude<UnitRepresentation, { readonly kind: "learned" }>) {
  const { width } = representation;
  return representation.kind === "tokens" ? representation.segments * width : width;
}

/** The given vectors [B*L, d] of units; zero for padding and unknown. */
function givenVectors(
  codes: Tensor,
  representation: Exclude<UnitRepresentation, { readonly kind: "learned" }>,
  V: number,
): Tensor {
  const g = codes.graph;
  const d = givenWidth(representation);
  if (representation.kind === "tokens" && representation.trainable)
    return weightedRows(codes, representation, V);
  const vectors =
    representation.kind === "vectors" && representation.trainable
      ? table(g, "vectors", V, d, { initial: given(representation.values) })
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

/** Arrays to feed at every run beside the parameters: fixed tables, if there are any. */
export function frozenTables({ representation }: Tokenizer): Readonly<Record<string, FeedArray>> {
  if (representation.kind === "learned") return {};
  if (representation.kind === "vectors")
    return representation.trainable ? {} : { [FROZEN]: representation.values };
  if (!representation.trainable) return { [FROZEN]: denseVectors(representation) };
  return { [TOKENS]: representation.tokens, [WEIGHTS]: representation.weights };
}
