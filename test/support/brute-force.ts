/** Quantization by looking at every row, what the graph's is held against. */
import { type Region, unit } from "../../tokenizers/medtok/codebook.ts";

export interface Quantized {
  /** [K] global rows of the codebook, nearest first; ties go to the lower row. */
  readonly rows: Int32Array;
  /** [K] squared distances of the unit vectors, 2 - 2 cos. */
  readonly distance: Float64Array;
  /** [K] softmax(-distance / temperature). */
  readonly weights: Float64Array;
  /** [d] weighted sum of the unit rows, not normalised again. */
  readonly vector: Float64Array;
}

/** Soft top-K quantization of one vector (medtok.md 2.6), by looking at every row of the region. */
export function quantizeByBruteForce(
  e: ArrayLike<number>,
  codebook: Float32Array,
  region: Region,
  perPart: number,
  temperature: number,
): Quantized {
  const width = e.length;
  const z = unit(e);
  const all = Array.from({ length: region.to - region.from }, (_, i) => {
    const row = region.from + i;
    const c = unit(codebook, row * width, width);
    let dot = 0;
    for (let j = 0; j < width; j++) dot += (z[j] as number) * (c[j] as number);
    return { row, distance: 2 - 2 * dot };
  });
  const best = all.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, perPart);
  const least = best[0]?.distance ?? 0;
  const raised = best.map(({ distance }) => Math.exp((least - distance) / temperature));
  const total = raised.reduce((a, b) => a + b, 0);
  const weights = Float64Array.from(raised, (value) => value / total);
  const vector = new Float64Array(width);
  for (const [k, { row }] of best.entries()) {
    const c = unit(codebook, row * width, width);
    for (let j = 0; j < width; j++)
      vector[j] = (vector[j] as number) + (weights[k] as number) * (c[j] as number);
  }
  return {
    rows: Int32Array.from(best, ({ row }) => row),
    distance: Float64Array.from(best, ({ distance }) => distance),
    weights,
    vector,
  };
}
