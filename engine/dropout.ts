/**
 * Dropout masks from a seeded pool: one long array of 0 and 1/(1 - rate) per rate, drawn once; each step
 * feeds windows of it at seeded offsets, as views, so that no mask is drawn or copied in the loop.
 */
import type { Random } from "../core/random.ts";
import type { Mask } from "./graph.ts";
import type { Window } from "./part-thread.ts";
import type { Feeds } from "./runner.ts";
import { type DimValues, evaluateShape } from "./shape.ts";

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

  /** All masks of a graph at one run, as windows of pools; `key` names the run, e.g. its step and part. */
  windows(masks: readonly Mask[], dims: DimValues, key: string): readonly Window[] {
    const random = this.#random.derive(key);
    return masks.map(({ tensor, rate }) => {
      const shape = evaluateShape(tensor.shape, dims);
      const size = shape.reduce((a, b) => a * b, 1);
      const pool = this.#pool(rate, size);
      const offset = ALIGNMENT * random.below(Math.floor((pool.length - size) / ALIGNMENT) + 1);
      return { name: tensor.name, rate, offset, shape };
    });
  }

  /** The same as views. */
  feeds(masks: readonly Mask[], dims: DimValues, key: string): Feeds {
    return Object.fromEntries(
      this.windows(masks, dims, key).map(({ name, rate, offset, shape }) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [name, this.values(rate).subarray(offset, offset + size)];
      }),
    );
  }

  /** The pool of a rate; it stays as it is but that it may grow. */
  values(rate: number): Float32Array {
    return this.#pools.get(rate)?.values ?? new Float32Array();
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
