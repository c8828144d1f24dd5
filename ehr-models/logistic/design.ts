/**
 * Samples as a sparse matrix. Of each unit only is known in which windows it is there: the whole history always, its
 * last year, its last visit or both. So a unit has four cells, and a sample one number per distinct unit.
 *
 *   cell = unit + V · (1 if in the last year) + V · (2 if in the last visit)
 */
import type { SampleSource } from "../../core/samples.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { bagOf, profileWidth } from "../bag-inputs.ts";

/** Cells of a unit. */
export const CELLS = 4;
const IN_YEAR = 1;
const IN_LAST = 2;
/** Bits of a cell at which each window's weight counts; `all` always does. In the order of `BAG_WINDOWS`. */
export const WINDOW_BITS = [0, IN_YEAR, IN_LAST] as const;

export interface Design {
  /** S. */
  readonly size: number;
  /** V. */
  readonly units: number;
  /** F. */
  readonly width: number;
  /** Where each sample's cells start in `cells`, and where the last one's end. [S + 1] */
  readonly start: Int32Array;
  readonly cells: Int32Array;
  /** [S × F], row-major. */
  readonly profile: Float32Array;
}

/** An array that grows by half; typed arrays of hundreds of millions of numbers need no list beside them. */
class Growing {
  #values = new Int32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const wider = new Int32Array(Math.ceil(1.5 * this.#length));
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.#length++] = value;
  }

  get length(): number {
    return this.#length;
  }

  take(): Int32Array {
    return this.#values.slice(0, this.#length);
  }
}

/** The matrix of a split: four bytes per distinct code of a sample, and its profile. */
export function designOf(source: SampleSource, tokenizer: Tokenizer): Design {
  const width = profileWidth(source.raceCount);
  const start = new Int32Array(source.size + 1);
  const profile = new Float32Array(source.size * width);
  const cells = new Growing();
  const units = tokenizer.vocabularySize;
  for (let sample = 0; sample < source.size; sample++) {
    const bag = bagOf(source, tokenizer, sample);
    const n = bag.units.length;
    for (let i = 0; i < n; i++) {
      const year = (bag.present[n + i] as number) * IN_YEAR;
      const last = (bag.present[2 * n + i] as number) * IN_LAST;
      cells.push((bag.units[i] as number) + units * (year + last));
    }
    profile.set(bag.profile, sample * width);
    start[sample + 1] = cells.length;
  }
  return { size: source.size, units, width, start, cells: cells.take(), profile };
}

/** Means to subtract from the columns of a profile, and what to divide them by; flags stay as they are. */
export interface Standard {
  readonly mean: Float64Array; // [F]
  readonly deviation: Float64Array; // [F]
}

/**
 * Of each column that is no flag, its mean and standard deviation over the samples. Standardised, age and counts are
 * penalised alike, and their weights do not pull at the bias.
 */
export function standardOf({ size, width, profile }: Design): Standard {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width).fill(1);
  for (let f = 0; f < width; f++) {
    let [sum, square, isFlag] = [0, 0, true];
    for (let i = f; i < profile.length; i += width) {
      const value = profile[i] as number;
      sum += value / size;
      square += value ** 2 / size;
      isFlag = isFlag && (value === 0 || value === 1);
    }
    const variance = square - sum ** 2;
    // A column that is all alike has a variance of rounding errors.
    if (isFlag || !(variance > 1e-6 * square)) continue;
    mean[f] = sum;
    deviation[f] = Math.sqrt(variance);
  }
  return { mean, deviation };
}

/** Standardises a profile in place. */
export function standardise({ width, profile }: Design, { mean, deviation }: Standard): void {
  for (const [i, value] of profile.entries()) {
    const f = i % width;
    profile[i] = (value - (mean[f] as number)) / (deviation[f] as number);
  }
}

/** Labels of a split, [S × C]. */
export function labelsOf(source: SampleSource): Uint8Array {
  const C = source.labelSpec.classes.length;
  const all = new Uint8Array(source.size * C);
  for (let sample = 0; sample < source.size; sample++) all.set(source.label(sample), sample * C);
  return all;
}
