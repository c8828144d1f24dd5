/** Care of the codebook during training: first rows from data, counts of use, restarts of dead rows. */
import type { Random } from "../../core/random.ts";
import { PART_COUNT, type Region, regions, unit } from "./codebook.ts";
import type { MedTokConfig } from "./config.ts";
import type { Forward } from "./forward.ts";

/** Spread of the copies when there are more rows than vectors to start from. */
const JITTER = 0.1;

/** Which parts a region of the codebook serves. */
export function regionParts(config: MedTokConfig): { region: Region; parts: readonly number[] }[] {
  const { text, shared, graph } = regions(config.codebookSize);
  return [
    { region: text, parts: [0] },
    { region: shared, parts: [2, 3] },
    { region: graph, parts: [1] },
  ];
}

/**
 * Sets each region's rows to unit vectors of its parts, in turn, of the codes in `forward`; when they run
 * out, to copies moved a little. A region whose parts are left out keeps its rows.
 */
export function fillFromData(
  codebook: Float32Array,
  forward: Forward,
  config: MedTokConfig,
  random: Random,
): void {
  const { width, perPart } = config;
  const count = forward.tokens.length / (PART_COUNT * perPart);
  for (const { region, parts } of regionParts(config)) {
    const present = parts.filter((part) => (forward.tokens[part * perPart] as number) >= 0);
    if (present.length === 0) continue;
    for (let i = 0; i < region.to - region.from; i++) {
      const part = present[i % present.length] as number;
      const turn = Math.floor(i / present.length);
      const z = unit(forward.raw, ((turn % count) * PART_COUNT + part) * width, width);
      const spread = turn < count ? 0 : JITTER / Math.sqrt(width);
      for (let j = 0; j < width; j++)
        codebook[(region.from + i) * width + j] =
          (z[j] as number) + (spread === 0 ? 0 : spread * random.normal());
    }
  }
}

/** Share of a region's rows that were chosen, and perplexity exp(entropy) of the choices. */
export interface Usage {
  readonly share: number;
  readonly perplexity: number;
}

/** Usage of rows [from, to) by counts per row of the codebook. */
export function usageOf(counts: Uint32Array, { from, to }: Region): Usage {
  let total = 0;
  let used = 0;
  for (let row = from; row < to; row++) {
    total += counts[row] as number;
    if ((counts[row] as number) > 0) used += 1;
  }
  let entropy = 0;
  for (let row = from; row < to; row++) {
    const p = (counts[row] as number) / total;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return { share: used / (to - from), perplexity: total > 0 ? Math.exp(entropy) : 0 };
}

/**
 * Moves every row of a region that nobody chose onto one of `vectors` [n × d] (unit), drawn without
 * replacement while they last. Returns how many rows moved.
 */
export function restartDead(
  codebook: Float32Array,
  counts: Uint32Array,
  region: Region,
  vectors: Float32Array,
  width: number,
  random: Random,
): number {
  const available = random.shuffle(
    Int32Array.from({ length: vectors.length / width }, (_, i) => i),
  );
  let moved = 0;
  for (let row = region.from; row < region.to && moved < available.length; row++) {
    if ((counts[row] as number) > 0) continue;
    const from = (available[moved] as number) * width;
    codebook.set(vectors.subarray(from, from + width), row * width);
    moved += 1;
  }
  return moved;
}
