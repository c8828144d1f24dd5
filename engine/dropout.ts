/**
 * Dropout masks from a seeded pool: one long array of 0 and 1/(1 - rate) per rate, drawn once; each step
 * feeds windows of it at seeded offsets, as views, so that no mask is drawn or copied in the loop.
 */
import type { Random } from "../core/random.ts";
import type { Mask } from "./graph.ts";
import type { Feeds } from "./runner.ts";
import { type DimValues, evaluateDim, sizeOf } from "./shape.ts";

/** Smallest pool in floats; a pool is at least four times its largest window, so that windows differ. */
const SMALLEST_POOL = 1 << 20;
/** Offsets are multiples of this, so that windows start at a cache line. */
const ALIGNMENT = 16;

interface Pool {
  values: Float32Array;
  /** Goes on where it stopped when the pool grows, so that a longer pool begins with the shorter one. */
  readonly random: Random;
}

/** Masks for one training run. The same seed and the same sequence of calls give the same masks. */
export class MaskPool {
  readonly #random: Random;
  readonly #pools = new Map<number, Pool>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Feeds for all masks of a graph at one run; `key` names the run, e.g. its step and part. */
  feeds(masks: readonly Mask[], dims: DimValues, key: string): Feeds {
    const random = this.#random.derive(key);
    const feeds: Record<string, Float32Array> = {};
    for (const { tensor, rate } of masks) {
      const size = evaluateDim(sizeOf(tensor.shape), dims);
      const pool = this.#pool(rate, size);
      const offset = ALIGNMENT * random.below(Math.floor((pool.length - size) / ALIGNMENT) + 1);
      feeds[tensor.name] = pool.subarray(offset, offset + size);
    }
    return feeds;
  }

  /** Lengths of the pools by rate: with the seed, all that later masks depend on. */
  lengths(): readonly (readonly [rate: number, length: number])[] {
    return [...this.#pools].map(([rate, { values }]) => [rate, values.length]);
  }

  /** Brings pools to the lengths they had when a run was interrupted. */
  grow(lengths: readonly (readonly [rate: number, length: number])[]): void {
    for (const [rate, length] of lengths) this.#grow(rate, length);
  }

  #pool(rate: number, window: number): Float32Array {
    const known = this.#pools.get(rate);
    if (known !== undefined && known.values.length >= 4 * window) return known.values;
    return this.#grow(rate, Math.max(SMALLEST_POOL, 2 ** Math.ceil(Math.log2(4 * window))));
  }

  #grow(rate: number, length: number): Float32Array {
    const known = this.#pools.get(rate);
    const random = known?.random ?? this.#random.derive("pool").derive(rate);
    const values = new Float32Array(length);
    const start = known?.values.length ?? 0;
    if (known !== undefined) values.set(known.values);
    fill(values, start, rate, random);
    this.#pools.set(rate, { values, random });
    return values;
  }
}

function fill(values: Float32Array, start: number, rate: number, random: Random): void {
  const kept = 1 / (1 - rate);
  for (let i = start; i < values.length; i++) values[i] = random.uniform() < rate ? 0 : kept;
}
