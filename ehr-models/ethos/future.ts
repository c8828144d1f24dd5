/** One sampled future: from the probabilities of the next token to the next token, until the outcome is settled. */
import type { Random } from "../../core/random.ts";
import { CodeReader, type Meaning, type Place } from "./outcome.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What all futures of a fit share. */
export interface FutureRules {
  readonly vocabulary: Vocabulary;
  readonly tree: Place;
  /** Bit c set for every class. */
  readonly allClasses: number;
  readonly hasGiven: boolean;
  readonly withinDays: number;
  /** Only so many likeliest tokens can be drawn; 0 for all. */
  readonly topK: number;
  readonly newTokens: number;
  /** How often a future is drawn again that ends without what is given. */
  readonly redraws: number;
}

/** The future goes back to the prompt and is drawn again. */
export const AGAIN = -2;
/** The future is over. */
export const OVER = -1;

/** A source of tokens for one row of the decoder. */
export interface TokenSource {
  /** The next token from row `row` of `probabilities` [n, V], or OVER, or AGAIN. */
  next(probabilities: Float32Array, row: number): number;
}

/** Probability of each interval that it is longer than so many days, [intervals]; `base` is where p begins. */
export function massesBeyond(
  { firstInterval, intervals }: Vocabulary,
  p: Float32Array,
  base: number,
  days: number,
): Float32Array {
  return Float32Array.from(
    { length: intervals.count },
    (_, i) => (p[base + firstInterval + i] as number) * intervals.shareLonger(i, days),
  );
}

/**
 * Whether the prediction time lies so many days after the last event that it shows in the first token: that is an
 * interval which reaches beyond it.
 */
export function isSilent({ intervals }: Vocabulary, elapsed: number): boolean {
  return elapsed >= (intervals.bounds[0] as number);
}

/** Draws from p[from..to) scaled by its sum; `u` is uniform in [0, 1). */
export function drawFrom(p: Float32Array, from: number, to: number, u: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += p[i] as number;
  let rest = u * sum;
  let last = to - 1;
  for (let i = from; i < to; i++) {
    const x = p[i] as number;
    if (x === 0) continue;
    rest -= x;
    last = i;
    if (rest < 0) break;
  }
  return last;
}

/** p[from..to) with everything below its k-th largest value set to zero, in a new array. */
export function keepLargest(p: Float32Array, from: number, to: number, k: number): Float32Array {
  const kept = p.slice(from, to);
  if (k <= 0 || k >= kept.length) return kept;
  const least = kept.slice().sort()[kept.length - k] as number;
  return kept.map((x) => (x >= least ? x : 0));
}

/**
 * A future drawn as the published code does: token by token, until the outcome, the end of the wait, death,
 * the end of the record, the horizon, or the largest number of tokens.
 */
export class Future implements TokenSource {
  /** Bits of the classes that came true. */
  classes = 0;
  /** Whether it is known for each class that it came true or did not. */
  isAnswered = false;
  readonly #rules: FutureRules;
  readonly #random: Random;
  readonly #elapsed: number;
  #reader: CodeReader;
  #days = 0;
  #count = 0;
  #isAsked: boolean;
  #isOver = false;
  #redraws = 0;

  constructor(rules: FutureRules, elapsed: number, random: Random) {
    this.#rules = rules;
    this.#random = random;
    this.#elapsed = elapsed;
    this.#reader = new CodeReader(rules.tree);
    this.#isAsked = !rules.hasGiven;
  }

  next(probabilities: Float32Array, row: number): number {
    if (this.#isOver) return OVER;
    const { vocabulary, newTokens } = this.#rules;
    const token = this.#draw(probabilities, row * vocabulary.size);
    this.#see(token);
    this.#count += 1;
    if (!this.#isOver && this.#count < newTokens) return token;
    this.#isOver = true; // cut off here, it is over without an answer
    return this.#isAsked ? OVER : this.#again();
  }

  #again(): number {
    if (this.#redraws >= this.#rules.redraws) return OVER;
    this.#redraws += 1;
    this.#reader = new CodeReader(this.#rules.tree);
    this.#days = 0;
    this.#count = 0;
    this.#isOver = false;
    return AGAIN;
  }

  #draw(p: Float32Array, base: number): number {
    const { vocabulary, topK } = this.#rules;
    const { firstGenerated, size } = vocabulary;
    const u = this.#random.uniform();
    if (this.#count === 0 && isSilent(vocabulary, this.#elapsed)) {
      const weights = massesBeyond(vocabulary, p, base, this.#elapsed);
      return vocabulary.firstInterval + drawFrom(weights, 0, weights.length, u);
    }
    if (topK <= 0) return drawFrom(p, base + firstGenerated, base + size, u) - base;
    const kept = keepLargest(p, base + firstGenerated, base + size, topK);
    return firstGenerated + drawFrom(kept, 0, kept.length, u);
  }

  #see(token: number): void {
    const { vocabulary, withinDays } = this.#rules;
    // A code that ended before this token happened before the time that this token may add.
    for (const meaning of this.#reader.read(token)) this.#happens(meaning);
    const interval = vocabulary.intervalOf(token);
    if (interval >= 0) {
      const elapsed = this.#count === 0 ? this.#elapsed : 0;
      this.#days += vocabulary.intervals.draw(interval, this.#random.uniform(), elapsed) - elapsed;
      if (this.#days > withinDays) this.#settle();
    } else if (token === vocabulary.end) this.#settle();
  }

  #happens(meaning: Meaning): void {
    if (this.#isOver) return;
    if (!this.#isAsked) {
      if (meaning.isGiven) this.#isAsked = true;
      else if (meaning.isDeath) this.#settle();
      return;
    }
    this.classes |= meaning.classes;
    const isDecided = this.classes === this.#rules.allClasses;
    if (isDecided || meaning.isUntil || meaning.isDeath) this.#settle();
  }

  #settle(): void {
    this.#isOver = true;
    this.isAnswered = this.#isAsked;
  }
}
