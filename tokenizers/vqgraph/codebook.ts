/** The codebook of unit rows: it starts on nodes and follows those that choose each row, without a gradient. */
import type { Random } from "../../core/random.ts";
import { unit } from "../medtok/codebook.ts";

/** Spread of copies where there are more rows than vectors to start from. */
const JITTER = 0.1;

/** [rows × width] unit rows: vectors [n × width] in random order, then copies moved a little. */
export function startCodebook(
  rows: number,
  vectors: Float32Array,
  width: number,
  random: Random,
): Float32Array {
  const count = vectors.length / width;
  const order = random.shuffle(Int32Array.from({ length: count }, (_, i) => i));
  const codebook = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const from = (order[row % count] as number) * width;
    const moved = Float64Array.from({ length: width }, (_, j) => {
      const spread = row < count ? 0 : (JITTER / Math.sqrt(width)) * random.normal();
      return (vectors[from + j] as number) + spread;
    });
    codebook.set(unit(moved), row * width);
  }
  return codebook;
}

/**
 * Moves every row that was chosen towards the mean of the vectors that chose it, both at unit length:
 * decay · row + (1 - decay) · mean, at unit length again; other rows stay.
 */
export function followMeans(
  codebook: Float32Array,
  ids: Int32Array,
  vectors: Float32Array,
  width: number,
  decay: number,
): void {
  const sums = new Map<number, Float64Array>();
  for (const [i, id] of ids.entries()) {
    const sum = sums.get(id) ?? new Float64Array(width);
    sums.set(id, sum);
    for (let j = 0; j < width; j++)
      sum[j] = (sum[j] as number) + (vectors[i * width + j] as number);
  }
  for (const [id, sum] of sums) {
    const mean = unit(sum);
    const at = id * width;
    const moved = mean.map((x, j) => decay * (codebook[at + j] as number) + (1 - decay) * x);
    codebook.set(unit(moved), at);
  }
}
