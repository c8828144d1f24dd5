/** Keys and values of what rows have read, all padded to one length, with a bias that hides the padding. */
import { HIDDEN } from "../../engine/layers/attention-bias.ts";

export interface CacheShape {
  /** d. */
  readonly width: number;
  readonly layers: number;
}

/** Rows of one length into rows of another, as far as they go. */
function copyRows(from: Float32Array, to: Float32Array, before: number, after: number): void {
  const kept = Math.min(before, after);
  for (let row = 0; row * before < from.length; row++)
    to.set(from.subarray(row * before, row * before + kept), row * after);
}

export class Caches {
  readonly rows: number;
  readonly length: number;
  readonly shape: CacheShape;
  /** 0 where there is something to see, else hidden, [rows, length]. */
  readonly bias: Float32Array;
  /** Per layer, [rows, length, d]. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];

  constructor(rows: number, length: number, shape: CacheShape) {
    this.rows = rows;
    this.length = length;
    this.shape = shape;
    const perLayer = () =>
      Array.from({ length: shape.layers }, () => new Float32Array(rows * shape.width * length));
    this.bias = new Float32Array(rows * length).fill(HIDDEN);
    this.keys = perLayer();
    this.values = perLayer();
  }

  /** The same in more or less room; what does not fit is gone. */
  resized(length: number): Caches {
    if (length === this.length) return this;
    const made = new Caches(this.rows, length, this.shape);
    const { width: d } = this.shape;
    copyRows(this.bias, made.bias, this.length, length);
    for (const part of ["keys", "values"] as const)
      for (const [layer, values] of this[part].entries())
        copyRows(values, made[part][layer] as Float32Array, this.length * d, length * d);
    return made;
  }

  /** Shows the first `count` places of a row and hides the others. */
  show(row: number, count: number): void {
    const start = row * this.length;
    this.bias.fill(HIDDEN, start, start + this.length);
    this.bias.fill(0, start, start + count);
  }
}
