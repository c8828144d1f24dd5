/** The values and gradients of a mixture (`mixture.ts`) in the memory of the training state. */
import type { Mixture } from "./graph.ts";
import type { Kernels } from "./kernels.ts";

/** Addresses are bytes into the memory. */
export interface MixedPlace {
  readonly memory: ArrayBuffer;
  readonly kernels: Kernels;
  /** Where the table may lie: `bytesOf` bytes, aligned to 16. */
  readonly at: number;
  /** The source's values and gradient. */
  readonly source: number;
  readonly sourceGradient: number;
}

/** Floats of the values. */
function sizeOf({ source, rows }: Mixture): number {
  return (rows.ids.length / rows.each) * (source.shape[1] as number);
}

/** Bytes that a mixture takes: values, gradient, ids and weights. */
export function bytesOf(mixture: Mixture): number {
  return 16 * Math.ceil((8 * sizeOf(mixture) + 8 * mixture.rows.ids.length) / 16);
}

export class MixedTable {
  readonly mixture: Mixture;
  /** A view; current for the rows that `mix` was last told of. */
  readonly values: Float32Array;
  /** Address of the gradient. */
  readonly gradient: number;
  readonly #place: MixedPlace;
  readonly #ids: number;
  readonly #weights: number;
  /** Rows that have a gradient. */
  readonly #isTouched: Uint8Array;

  constructor(mixture: Mixture, place: MixedPlace) {
    const { ids, weights, segments, each } = mixture.rows;
    const { memory, at } = place;
    const size = sizeOf(mixture);
    this.mixture = mixture;
    this.#place = place;
    this.values = new Float32Array(memory, at, size);
    this.gradient = at + 4 * size;
    this.#ids = this.gradient + 4 * size;
    this.#weights = this.#ids + 4 * ids.length;
    new Int32Array(memory, this.#ids, ids.length).set(ids);
    new Float32Array(memory, this.#weights, ids.length).set(weights);
    this.#isTouched = new Uint8Array(ids.length / (segments * each));
  }

  /** Rows of the table. */
  get count(): number {
    return this.#isTouched.length;
  }

  /** Floats of a row. */
  get width(): number {
    return this.mixture.tensor.shape[1] as number;
  }

  /** Brings some rows up to date with the source; all of them when left out. */
  mix(wanted?: readonly Int32Array[]): void {
    const { kernels, at, source } = this.#place;
    const isWanted = new Uint8Array(this.count).fill(wanted === undefined ? 1 : 0);
    for (const ids of wanted ?? []) for (const id of ids) isWanted[id] = 1;
    this.#each(isWanted, at, (row, ids, weights, terms, width) =>
      kernels.mix(row, ids, weights, source, terms, width),
    );
  }

  /** Says that rows were added to their gradients. */
  touch(ids: Int32Array): void {
    for (const id of ids) this.#isTouched[id] = 1;
  }

  /** Hands the gradients on to the source, row after row, and sets them to zero. */
  spread(): void {
    const { memory, kernels, sourceGradient } = this.#place;
    this.#each(this.#isTouched, this.gradient, (row, ids, weights, terms, width) => {
      kernels.spread(sourceGradient, ids, weights, row, terms, width);
      new Float32Array(memory, row, width).fill(0);
    });
    this.#isTouched.fill(0);
  }

  /** Forgets the gradients. */
  clear(): void {
    new Float32Array(this.#place.memory, this.gradient, this.values.length).fill(0);
    this.#isTouched.fill(0);
  }

  /** Calls `work` with the addresses of each segment of the marked rows, of values or gradients `from` an address. */
  #each(
    isMarked: Uint8Array,
    from: number,
    work: (row: number, ids: number, weights: number, terms: number, width: number) => void,
  ): void {
    const { segments, each } = this.mixture.rows;
    const width = this.width / segments;
    for (let row = 0; row < isMarked.length; row++) {
      if (isMarked[row] === 0) continue;
      for (let place = row * segments; place < (row + 1) * segments; place++) {
        const terms = 4 * each * place;
        work(from + 4 * width * place, this.#ids + terms, this.#weights + terms, each, width);
      }
    }
  }
}
