/** Identifiers: unique, without pattern in time, and independent of how many subjects follow. */

/** Position k of a fixed shuffle of 0 .. size - 1; `step` must share no factor with `size`. */
function scatter(k: number, size: number, step: number): number {
  return (k * step + 12345) % size;
}

/** `first` + a scattered offset; after `size` ids the next block, `stride` further on, begins. */
function blockId(k: number, first: number, size: number, step: number, stride: number): number {
  return first + Math.floor(k / size) * stride + scatter(k % size, size, step);
}

/** Eight digits beginning with 1, ascending: file order in MIMIC-IV is by subject. */
export const mimic4Subject = (index: number): number =>
  10_000_000 + 10 * index + ((index * 7 + 3) % 10);
/** Eight digits beginning with 2 and 3. */
export const mimic4Admission = (k: number): number =>
  20_000_000 + scatter(k, 10_000_000, 6_180_339);
export const mimic4Stay = (k: number): number => 30_000_000 + scatter(k, 10_000_000, 7_320_509);

export const mimic3Subject = (index: number): number => 2 + 2 * index + (((index * 5) >> 2) & 1);
/** Six digits beginning with 1 and 2 as far as they go, then larger ones. */
export const mimic3Admission = (k: number): number => blockId(k, 100_001, 99_999, 61_801, 200_000);
export const mimic3Stay = (k: number): number => blockId(k, 200_001, 99_999, 73_205, 200_000);
