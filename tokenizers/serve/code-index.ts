/**
 * Finds codes however they are written: letter case, dots and blanks do not matter, and in the name of the
 * system neither do hyphens and underscores. A compact open-addressing table of 32-bit hashes over the
 * codes' own strings; building it for 600,000 codes takes a fraction of a second, a look-up allocates nothing.
 */

/** Where a written code's system ends and its code begins; -1 and 0 without a system. */
export interface Split {
  /** Index of the separator. */
  readonly separator: number;
  /** Index of the first character of the code. */
  readonly start: number;
}

const SLASH = 47;
const COLON = 58;
const DOT = 46;
const HYPHEN = 45;
const UNDERSCORE = 95;
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** `VOCABULARY/CODE`, `VOCABULARY//CODE` or `VOCABULARY:CODE`, at the first separator. */
export function splitCode(written: string): Split {
  for (let i = 0; i < written.length; i++) {
    const c = written.charCodeAt(i);
    if (c !== SLASH && c !== COLON) continue;
    let start = i + 1;
    while (written.charCodeAt(start) === c) start++;
    return { separator: i, start };
  }
  return { separator: -1, start: 0 };
}

/** A character as it counts, or 0 where it does not: upper case, no blanks, no dots. */
function plain(c: number): number {
  if (c <= 32 || c === DOT || c === 160) return 0;
  if (c >= 97 && c <= 122) return c - 32;
  if (c < 128) return c;
  return String.fromCharCode(c).toUpperCase().charCodeAt(0);
}

function plainOfSystem(c: number): number {
  return c === HYPHEN || c === UNDERSCORE ? 0 : plain(c);
}

/** The system of a written code in upper case without hyphens, underscores, blanks and dots. */
export function systemOf(written: string): string {
  const { separator } = splitCode(written);
  let text = "";
  for (let i = 0; i < separator; i++) {
    const c = plainOfSystem(written.charCodeAt(i));
    if (c !== 0) text += String.fromCharCode(c);
  }
  return text;
}

/** A written code's own part, without its system, in upper case without blanks and dots. */
export function bareOf(written: string, start = splitCode(written).start): string {
  let text = "";
  for (let i = start; i < written.length; i++) {
    const c = plain(written.charCodeAt(i));
    if (c !== 0) text += String.fromCharCode(c);
  }
  return text;
}

function hashOf(written: string, { separator, start }: Split, isBare: boolean): number {
  let hash = OFFSET_BASIS;
  if (!isBare) {
    for (let i = 0; i < separator; i++) {
      const c = plainOfSystem(written.charCodeAt(i));
      if (c !== 0) hash = Math.imul(hash ^ c, PRIME);
    }
    hash = Math.imul(hash ^ SLASH, PRIME);
  }
  for (let i = start; i < written.length; i++) {
    const c = plain(written.charCodeAt(i));
    if (c !== 0) hash = Math.imul(hash ^ c, PRIME);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A stretch of a written code; both ends are numbers, so that comparing allocates nothing. */
function samePlain(
  a: string,
  aFrom: number,
  aTo: number,
  b: string,
  bFrom: number,
  bTo: number,
  of: (c: number) => number,
): boolean {
  let i = aFrom;
  let j = bFrom;
  for (;;) {
    let x = 0;
    while (i < aTo && x === 0) x = of(a.charCodeAt(i++));
    let y = 0;
    while (j < bTo && y === 0) y = of(b.charCodeAt(j++));
    if (x !== y) return false;
    if (x === 0) return true;
  }
}

/** Rows of codes by how they are written. */
export class CodeIndex {
  readonly #codes: readonly string[];
  readonly #isBare: boolean;
  readonly #hash: Uint32Array;
  /** Row + 1, or 0. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** @param isBare whether systems are left out of the keys. */
  constructor(codes: readonly string[], isBare: boolean) {
    this.#codes = codes;
    this.#isBare = isBare;
    let size = 8;
    while (size < 2 * codes.length) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size);
    this.#hash = new Uint32Array(codes.length);
    for (const [row, code] of codes.entries()) {
      const hash = hashOf(code, splitCode(code), isBare);
      this.#hash[row] = hash;
      let slot = hash & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = row + 1;
    }
  }

  /** The row whose code is the same but for writing; -1 when there is none, -2 when there are several. */
  find(written: string): number {
    const split = splitCode(written);
    const hash = hashOf(written, split, this.#isBare);
    let found = -1;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const row = (this.#slots[slot] as number) - 1;
      if (row < 0) return found;
      if (this.#hash[row] !== hash) continue;
      const code = this.#codes[row] as string;
      if (code === written) return row;
      if (this.#isSame(code, written, split)) found = found === -1 ? row : -2;
    }
  }

  /** All rows whose code is the same but for writing, in order. */
  all(written: string): number[] {
    const split = splitCode(written);
    const hash = hashOf(written, split, this.#isBare);
    const rows: number[] = [];
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const row = (this.#slots[slot] as number) - 1;
      if (row < 0) return rows.sort((a, b) => a - b);
      if (this.#hash[row] === hash && this.#isSame(this.#codes[row] as string, written, split))
        rows.push(row);
    }
  }

  #isSame(code: string, written: string, split: Split): boolean {
    const known = splitCode(code);
    if (!this.#isBare) {
      const [a, b] = [Math.max(0, known.separator), Math.max(0, split.separator)];
      if (!samePlain(code, 0, a, written, 0, b, plainOfSystem)) return false;
    }
    return samePlain(code, known.start, code.length, written, split.start, written.length, plain);
  }
}
