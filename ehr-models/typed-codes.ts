/**
 * Codes of a batch, sorted by type: each sample's row of L positions becomes one stretch of positions a type, equally
 * long in all samples. A layer of one type's own then runs over the codes of that type, not over all of them.
 */
import { CODE_KINDS, type CodeKind } from "../core/event-store.ts";
import { addDims, type Dim } from "../engine/shape.ts";
import { allocate, type BatchSource, paddedLength, sequenceLength } from "./batch-source.ts";

/** Types of codes, and which kinds are of each; the last takes all others. */
export const CODE_TYPES = ["diagnosis", "procedure", "drug", "other"] as const;
export type CodeType = (typeof CODE_TYPES)[number];

const lengthDim = (type: CodeType) => `L.${type}`;
/** L, the sum of the stretches. */
export const TYPED_LENGTH = addDims(...CODE_TYPES.map(lengthDim));

const OTHER = CODE_TYPES.length - 1;
const TYPE_OF_KIND = CODE_KINDS.map((kind: CodeKind) => {
  const type = (CODE_TYPES as readonly string[]).indexOf(kind);
  return type === -1 ? OTHER : type;
});

/** First position of a type's stretch, one past its last, and their number. */
export function stretchOf(type: CodeType): { from: Dim; to: Dim; count: Dim } {
  const before = CODE_TYPES.slice(0, CODE_TYPES.indexOf(type)).map(lengthDim);
  const from = addDims(0, ...before);
  return { from, to: addDims(from, lengthDim(type)), count: lengthDim(type) };
}

/** Type of each position [B·L], -1 for padding. */
function typesOf(mask: Float32Array, kinds: Int32Array): Int8Array {
  return Int8Array.from(mask, (real, i) =>
    real === 1 ? (TYPE_OF_KIND[kinds[i] as number] as number) : -1,
  );
}

/** Length of each type's stretch: that of the sample with most codes of the type, padded. */
function stretches(types: Int8Array, B: number, L: number): number[] {
  const most = CODE_TYPES.map(() => 0);
  for (let b = 0; b < B; b++) {
    const counts = CODE_TYPES.map(() => 0);
    for (const type of types.subarray(b * L, (b + 1) * L))
      if (type >= 0) counts[type] = (counts[type] as number) + 1;
    for (const [k, n] of counts.entries()) most[k] = Math.max(most[k] as number, n);
  }
  const lengths = most.map(paddedLength);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  lengths[OTHER] = (lengths[OTHER] as number) + sequenceLength(B, total) - total;
  return lengths;
}

/** New position of each old one, -1 for padding; codes of one type keep their order. */
function placesOf(types: Int8Array, B: number, L: number, lengths: readonly number[]): Int32Array {
  const starts = lengths.map((_, k) => lengths.slice(0, k).reduce((sum, n) => sum + n, 0));
  const total = lengths.reduce((sum, n) => sum + n, 0);
  const places = new Int32Array(B * L).fill(-1);
  for (let b = 0; b < B; b++) {
    const next = starts.map((start) => b * total + start);
    for (let i = b * L; i < (b + 1) * L; i++) {
      const type = types[i] as number;
      if (type < 0) continue;
      places[i] = next[type] as number;
      next[type] = (next[type] as number) + 1;
    }
  }
  return places;
}

/**
 * A source whose columns over positions are sorted by type. Of the given one it needs `mask` and `kinds`, which are
 * not among its own: padding has no other values.
 */
export function typedCodes(source: BatchSource): BatchSource {
  const { mask: _, kinds: __, ...others } = source.specs;
  const specs: BatchSource["specs"] = Object.fromEntries(
    Object.entries(others).map(([name, spec]) => [
      name,
      { ...spec, shape: spec.shape.map((dim) => (dim === "L" ? TYPED_LENGTH : dim)) },
    ]),
  );
  return {
    ...source,
    specs,
    collate(samples) {
      const { feeds, dims } = source.collate(samples);
      const [B, L] = [samples.length, dims["L"] as number];
      const types = typesOf(feeds["mask"] as Float32Array, feeds["kinds"] as Int32Array);
      const lengths = stretches(types, B, L);
      const total = lengths.reduce((sum, n) => sum + n, 0);
      const places = placesOf(types, B, L, lengths);
      const moved = Object.entries(others).map(([name, spec]) => {
        const values = feeds[name] as Float32Array | Int32Array;
        if (spec.shape[1] !== "L") return [name, values] as const;
        const width = values.length / (B * L);
        const sorted = allocate(spec, B * total * width);
        for (const [i, place] of places.entries())
          if (place >= 0) sorted.set(values.subarray(i * width, (i + 1) * width), place * width);
        return [name, sorted] as const;
      });
      const named = CODE_TYPES.map((type, k) => [lengthDim(type), lengths[k] as number] as const);
      return {
        feeds: Object.fromEntries(moved),
        dims: { ...dims, ...Object.fromEntries(named), L: total },
      };
    },
  };
}
