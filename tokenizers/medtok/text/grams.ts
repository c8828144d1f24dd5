/** A description as hashed counts: words, pairs of neighbouring words, and four letters in a row. */

/** Fixed for ever: features depend on it. */
const SEED = 0x811c9dc5;
const PRIME = 0x01000193;
const GRAM = 4;
/** What keeps the three kinds apart before hashing. */
const KIND = { word: 1, pair: 2, letters: 3 } as const;

/** Lower-case runs of letters and digits, accents removed. */
export function wordsOf(description: string): string[] {
  const plain = description.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** FNV-1a over UTF-16 code units (two bytes each, low one first), from a given state. */
function hashed(text: string, from: number, to: number, start: number): number {
  let h = start;
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i);
    h = Math.imul(h ^ (unit & 0xff), PRIME);
    h = Math.imul(h ^ (unit >>> 8), PRIME);
  }
  return h;
}

/** Spreads every bit over the whole word (the last step of MurmurHash3), then takes the bucket. */
function bucket(h: number, buckets: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) % buckets;
}

const startOf = (kind: number): number => Math.imul(SEED ^ kind, PRIME);

/** Calls `take` with the bucket of every gram of these words, one call an occurrence. */
export function eachGram(
  words: readonly string[],
  buckets: number,
  take: (bucket: number) => void,
): void {
  let before: string | undefined;
  for (const word of words) {
    take(bucket(hashed(word, 0, word.length, startOf(KIND.word)), buckets));
    if (before !== undefined) {
      const first = hashed(`${before} `, 0, before.length + 1, startOf(KIND.pair));
      take(bucket(hashed(word, 0, word.length, first), buckets));
    }
    const padded = ` ${word} `;
    for (let i = 0; i + GRAM <= padded.length; i++)
      take(bucket(hashed(padded, i, i + GRAM, startOf(KIND.letters)), buckets));
    before = word;
  }
}

/** Rows in CSR form. */
export interface SparseRows {
  /** [rows + 1]. */
  readonly offset: Int32Array;
  /** Column of each entry, ascending within a row. */
  readonly column: Int32Array;
  readonly value: Float32Array;
}

/** Counts of grams per text, `1 + log(count)`, columns ascending. Texts are given as their words. */
export function countGrams(texts: readonly (readonly string[])[], buckets: number): SparseRows {
  const offset = new Int32Array(texts.length + 1);
  let column = new Int32Array(1 << 16);
  let value = new Float32Array(1 << 16);
  const counts = new Uint16Array(buckets);
  const touched: number[] = [];
  let size = 0;
  for (const [row, words] of texts.entries()) {
    touched.length = 0;
    eachGram(words, buckets, (b) => {
      if (counts[b] === 0) touched.push(b);
      counts[b] = (counts[b] as number) + 1;
    });
    touched.sort((a, b) => a - b);
    if (size + touched.length > column.length) {
      column = grown(column, size + touched.length);
      value = grown(value, size + touched.length);
    }
    for (const b of touched) {
      column[size] = b;
      value[size] = 1 + Math.log(counts[b] as number);
      counts[b] = 0;
      size += 1;
    }
    offset[row + 1] = size;
  }
  return { offset, column: column.subarray(0, size), value: value.subarray(0, size) };
}

function grown<T extends Int32Array | Float32Array>(array: T, needed: number): T {
  const longer = new (array.constructor as new (n: number) => T)(
    Math.max(needed, 2 * array.length),
  );
  longer.set(array);
  return longer;
}
