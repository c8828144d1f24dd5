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
 * whole book, so that a token does not tell its role; the `paper` protocol keeps that. Ids are global in both:
 * the public code's graph ids are local to their region, so that one id means two rows (medtok.md 8.1 #3).
 */
export function partRegions(config: MedTokConfig): readonly Region[] {
  const { text, shared, graph } = regions(config.codebookSize);
  const all: Region = { name: "all", from: 0, to: config.codebookSize };
  const middle = config.protocol === "paper" ? all : shared;
  return [text, graph, middle, middle];
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
