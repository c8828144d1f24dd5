/**
 * One seeded generator with named sub-streams. Every consumer derives its own stream by name, so a
 * consumer that is added later changes no other one's numbers. `Math.random` is forbidden.
 */
import { createHash } from "node:crypto";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

const TWO_POW_32 = 4294967296;

/** The generator's whole state, 128 bits: with 32, some of a few hundred thousand streams would be the same. */
function stateOf(path: string): number[] {
  const hash = createHash("sha256").update(path).digest();
  return [0, 4, 8, 12].map((offset) => hash.readInt32LE(offset));
}

/** A stream of pseudo-random numbers, fully determined by its path, e.g. `7/init`. */
export class Random {
  readonly path: string;
  readonly #generator: ReturnType<typeof xoroshiro128plusFromState>;
  #spare: number | undefined;

  private constructor(path: string) {
    this.path = path;
    this.#generator = xoroshiro128plusFromState(stateOf(path));
  }

  /** The root stream of a run; only ever used to derive named streams. */
  static fromSeed(seed: number): Random {
    return new Random(String(seed));
  }

  /** An independent stream; its numbers depend on the names alone, not on what was drawn before. */
  derive(name: string | number): Random {
    return new Random(`${this.path}/${name}`);
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    return this.#generator.next() >>> 0;
  }

  /** Uniform in [0, 1), with 32 random bits. */
  uniform(): number {
    return (this.#generator.next() >>> 0) / TWO_POW_32;
  }

  /** Uniform integer in [0, n). @throws when n is not a positive integer below 2^32. */
  below(n: number): number {
    if (!Number.isInteger(n) || n <= 0 || n > TWO_POW_32)
      throw new Error(`below(${n}): n out of range`);
    const limit = TWO_POW_32 - (TWO_POW_32 % n); // reject the tail, so that every value is as likely
    let u = this.uint32();
    while (u >= limit) u = this.uint32();
    return u % n;
  }

  /** Standard normal (polar method of Marsaglia). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        this.#spare = v * scale;
        return u * scale;
      }
    }
  }

  /** Fisher–Yates shuffle in place; returns the same array. */
  shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}
