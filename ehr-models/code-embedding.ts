/** Units -> vectors of the model's width, for whatever a tokenizer offers. */
import type { Tokenizer } from "../core/tokenizer.ts";
import type { Initializer, Tensor } from "../engine/graph.ts";
import { given, normal } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { add, equals, mul } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import type { FeedArray } from "../engine/runner.ts";
import { sizeOf } from "../engine/shape.ts";

const UNKNOWN = 1;
const FIRST_KNOWN = 2;
/** Name of the input that a frozen table is fed through; it is too large to be written into the model. */
const FROZEN = "codes.vectors";

/** Normal values with rows 0 (padding) and 1 (unknown, never trained) at zero. */
function knownRows(initial: Initializer, width: number): Initializer {
  return (random, size) => initial(random, size).fill(0, 0, FIRST_KNOWN * width);
}

/**
 * Vectors [B*L, width] of units `codes` [B, L]. `learned`: a trained table that starts at N(0, initialScale²). `vectors`: the given table,
 * frozen or trained, plus a learned vector at the unknown unit, behind a learned projection (models.md 0.9, F1 and F3).
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
  const rowsOf = (vectors: Tensor, d: number) => reshape(lookup(vectors, codes), [positions, d]);
  return g.scope("codes", () => {
    if (representation.kind === "learned") {
      const initial = knownRows(normal(initialScale), width);
      return rowsOf(table(g, "table", V, width, { initial, decay: true }), width);
    }
    if (representation.kind === "tokens") return g.fail("embedCodes", "tokens are not read yet");
    const { width: d, values } = representation;
    const vectors = representation.trainable
      ? table(g, "vectors", V, d, { initial: given(values) })
      : g.input(FROZEN, [V, d]);
    const unknown = g.parameter("unknown", [1, d], normal(1 / Math.sqrt(d)), false);
    const isUnknown = reshape(equals(codes, UNKNOWN), [positions, 1]);
    return linear(add(rowsOf(vectors, d), mul(isUnknown, unknown)), width, "projection");
  });
}

/** Arrays to feed at every run beside the parameters: the frozen table, if there is one. */
export function frozenTables({ representation }: Tokenizer): Readonly<Record<string, FeedArray>> {
  if (representation.kind !== "vectors") return {};
  const isFrozen = !representation.trainable;
  return isFrozen ? { [FROZEN]: representation.values } : {};
}
