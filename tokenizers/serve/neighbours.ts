/** The nearest codes by the cosine of their vectors, read block by block. */
import type { Artefact } from "../artefact/open.ts";

/** Rows that are read at once. */
const BLOCK = 4096;

export interface Neighbour {
  readonly row: number;
  readonly cosine: number;
}

function normOf(x: Float32Array): number {
  let square = 0;
  for (const value of x) square += value * value;
  return Math.sqrt(square);
}

/** The `most` rows nearest to a row, itself left out, nearest first, ties by row; zero vectors are near nothing. */
export function nearestRows({ embeddings }: Artefact, row: number, most: number): Neighbour[] {
  const own = embeddings.floats(row, 1);
  const ownNorm = normOf(own);
  let best: Neighbour[] = [];
  for (let from = 0; from < embeddings.rows; from += BLOCK) {
    const size = Math.min(BLOCK, embeddings.rows - from);
    const block = embeddings.floats(from, size);
    const found: Neighbour[] = [];
    for (let i = 0; i < size; i++) {
      const other = block.subarray(i * own.length, (i + 1) * own.length);
      let dot = 0;
      for (let j = 0; j < own.length; j++) dot += (own[j] as number) * (other[j] as number);
      const scale = ownNorm * normOf(other);
      if (from + i !== row && scale > 0) found.push({ row: from + i, cosine: dot / scale });
    }
    best = [...best, ...found].sort((a, b) => b.cosine - a.cosine || a.row - b.row).slice(0, most);
  }
  return best;
}
