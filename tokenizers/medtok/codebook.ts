/**
 * The codebook's three regions, and quantization in plain loops: the reference that the network's graph is
 * checked against, in float64 and in the order of the formula.
 */
import type { MedTokConfig } from "./config.ts";

/** The four parts of an embedding, in the order of every artefact. */
export const PARTS = ["text-specific", "graph-specific", "text-shared", "graph-shared"] as const;
export const PART_COUNT = PARTS.length;

/** Rows [from, to) of the codebook. */
export interface Region {
  readonly name: "text" | "shared" | "graph" | "all";
  readonly from: number;
  readonly to: number;
}

/** Text: the first ⌊N/3⌋ rows; graph: the last; shared: the middle, with the remainder (medtok.md 2.5). */
export function regions(size: number): { text: Region; shared: Region; graph: Region } {
  const r = Math.floor(size / 3);
  return {
    text: { name: "text", from: 0, to: r },
    shared: { name: "shared", from: r, to: size - r },
    graph: { name: "graph", from: size - r, to: size },
  };
}

/**
 * The region of each part. `Deviation:` from the public code, which lets the shared parts search the
 * whole book, so that a token does not tell its role; the `paper` protocol keeps that.
 */
export function partRegions(config: MedTokConfig): readonly Region[] {
  const { text, shared, graph } = regions(config.codebookSize);
  const all: Region = { name: "all", from: 0, to: config.codebookSize };
  const middle = config.protocol === "paper" ? all : shared;
  return [text, graph, middle, middle];
}

/**
 * What is subtracted from a part's global rows to get the ids reported: nothing, but for the graph part of
 * the `paper` protocol, whose ids are local to its region (medtok.md 2.5, 8.1 #3).
 */
export function reportedOffset(config: MedTokConfig, part: number): number {
  return config.protocol === "paper" && part === 1 ? regions(config.codebookSize).graph.from : 0;
}

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

/** x / ‖x‖ in float64; zeros stay zeros. */
export function unit(x: ArrayLike<number>, start = 0, width = x.length): Float64Array {
  const y = new Float64Array(width);
  let square = 0;
  for (let i = 0; i < width; i++) square += (x[start + i] as number) ** 2;
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < width; i++) y[i] = (x[start + i] as number) * scale;
  return y;
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
