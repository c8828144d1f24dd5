/**
 * First rows of the token table where a tokenizer brings vectors (models.md 0.9, F3: a warm start, then
 * trained). A fixed random projection brings them to the model's width and its usual scale, which keeps
 * who is near to whom.
 */
import type { Random } from "../../core/random.ts";
import { FIRST_KNOWN_UNIT, type Tokenizer, type UnitRepresentation } from "../../core/tokenizer.ts";
import { denseVectors } from "../token-rows.ts";
import { rowName, unitName } from "./code-tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

const DEVIATION = 0.02;

/** A vector and the projection it goes through, by token name. */
type Source = (
  name: string,
) => { readonly vector: Float32Array; readonly segment: number } | undefined;

/** Vectors that tokens stand for, where codes are not spelled in them; none to start from where none are known. */
function unspelled(r: UnitRepresentation): UnitRepresentation {
  if (r.kind !== "tokens" || !r.learned) return r;
  const values = r.codebook === null ? r.vectors : denseVectors(r);
  if (values === undefined) return { kind: "learned" };
  return { kind: "vectors", values, width: r.segments * r.width, trainable: true };
}

function sourceOf(r: UnitRepresentation, vocabularySize: number): Source | undefined {
  if (r.kind === "learned") return undefined;
  const byName = new Map<string, { vector: Float32Array; segment: number }>();
  const put = (name: string, table: Float32Array, row: number, segment: number) =>
    byName.set(name, { vector: table.subarray(row * r.width, (row + 1) * r.width), segment });
  if (r.kind === "vectors")
    for (let unit = FIRST_KNOWN_UNIT; unit < vocabularySize; unit++)
      put(unitName(unit), r.values, unit, 0);
  else if (r.codebook !== null)
    for (let s = 0; s < r.segments; s++)
      for (let row = 0; row < r.rows; row++) put(rowName(s, row), r.codebook, row, s);
  return (name) => byName.get(name);
}

/** Root mean square; 1 for a vector of zeros. */
function size(x: Float64Array): number {
  const square = x.reduce((sum, v) => sum + v * v, 0) / Math.max(1, x.length);
  return square > 0 ? Math.sqrt(square) : 1;
}

/** First values of the token table [V × d]; undefined for a tokenizer with learned vectors. */
export function firstRows(
  vocabulary: Vocabulary,
  tokenizer: Tokenizer,
  width: number,
  random: Random,
): Float32Array | undefined {
  const r = unspelled(tokenizer.representation);
  const source = sourceOf(r, tokenizer.vocabularySize);
  if (source === undefined || r.kind === "learned") return undefined;
  const noise = random.derive("tokens");
  const rows = Float32Array.from(
    { length: vocabulary.size * width },
    () => DEVIATION * noise.normal(),
  );
  const segments = r.kind === "tokens" ? r.segments : 1;
  const projections = Array.from({ length: segments }, (_, s) => {
    const stream = random.derive("projection").derive(s);
    return Float64Array.from({ length: r.width * width }, () => stream.normal());
  });
  for (const [i, name] of vocabulary.codeNames.entries()) {
    const found = source(name);
    if (found === undefined) continue;
    const projection = projections[found.segment] as Float64Array;
    const projected = new Float64Array(width);
    for (let a = 0; a < r.width; a++)
      for (let b = 0; b < width; b++)
        projected[b] =
          (projected[b] as number) +
          (found.vector[a] as number) * (projection[a * width + b] as number);
    const scale = DEVIATION / size(projected);
    rows.set(
      Float32Array.from(projected, (x) => scale * x),
      (vocabulary.firstCode + i) * width,
    );
  }
  return rows;
}
