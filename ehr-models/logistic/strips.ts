/**
 * The inner loops of the fit, eight classes at a time: eight sums that stay in registers are four times as fast as a
 * loop over classes, and as fast for one class as it needs to be. All matrices are row-major with rows of `STRIP`.
 */

/** Classes of a strip; those that a task does not fill stay zero. */
export const STRIP = 8;

/** z[at .. at+8] += Σ_n rows[ids[n]] for n from `from` up to `to`. */
export function addRows(
  z: Float64Array,
  at: number,
  rows: Float64Array,
  ids: Int32Array,
  from: number,
  to: number,
): void {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  for (let n = from; n < to; n++) {
    const row = (ids[n] as number) * STRIP;
    a += rows[row] as number;
    b += rows[row + 1] as number;
    c += rows[row + 2] as number;
    d += rows[row + 3] as number;
    e += rows[row + 4] as number;
    f += rows[row + 5] as number;
    g += rows[row + 6] as number;
    h += rows[row + 7] as number;
  }
  z[at] = (z[at] as number) + a;
  z[at + 1] = (z[at + 1] as number) + b;
  z[at + 2] = (z[at + 2] as number) + c;
  z[at + 3] = (z[at + 3] as number) + d;
  z[at + 4] = (z[at + 4] as number) + e;
  z[at + 5] = (z[at + 5] as number) + f;
  z[at + 6] = (z[at + 6] as number) + g;
  z[at + 7] = (z[at + 7] as number) + h;
}

/** rows[ids[n]] += z[at .. at+8] for n from `from` up to `to`: the transpose of `addRows`. */
export function spreadRows(
  z: Float64Array,
  at: number,
  rows: Float64Array,
  ids: Int32Array,
  from: number,
  to: number,
): void {
  const a = z[at] as number;
  const b = z[at + 1] as number;
  const c = z[at + 2] as number;
  const d = z[at + 3] as number;
  const e = z[at + 4] as number;
  const f = z[at + 5] as number;
  const g = z[at + 6] as number;
  const h = z[at + 7] as number;
  for (let n = from; n < to; n++) {
    const row = (ids[n] as number) * STRIP;
    rows[row] = (rows[row] as number) + a;
    rows[row + 1] = (rows[row + 1] as number) + b;
    rows[row + 2] = (rows[row + 2] as number) + c;
    rows[row + 3] = (rows[row + 3] as number) + d;
    rows[row + 4] = (rows[row + 4] as number) + e;
    rows[row + 5] = (rows[row + 5] as number) + f;
    rows[row + 6] = (rows[row + 6] as number) + g;
    rows[row + 7] = (rows[row + 7] as number) + h;
  }
}

/** into[at .. at+8] += factor · from[row .. row+8]. */
export function addScaledStrip(
  into: Float64Array,
  at: number,
  factor: number,
  from: Float64Array,
  row: number,
): void {
  into[at] = (into[at] as number) + factor * (from[row] as number);
  into[at + 1] = (into[at + 1] as number) + factor * (from[row + 1] as number);
  into[at + 2] = (into[at + 2] as number) + factor * (from[row + 2] as number);
  into[at + 3] = (into[at + 3] as number) + factor * (from[row + 3] as number);
  into[at + 4] = (into[at + 4] as number) + factor * (from[row + 4] as number);
  into[at + 5] = (into[at + 5] as number) + factor * (from[row + 5] as number);
  into[at + 6] = (into[at + 6] as number) + factor * (from[row + 6] as number);
  into[at + 7] = (into[at + 7] as number) + factor * (from[row + 7] as number);
}

/** sum += more. */
export function addTo(sum: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
}
