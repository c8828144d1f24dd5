/**
 * A future whose outcome is weighed and not only drawn (after models.md 8.3, i). With e and o the probabilities
 * at a step that the outcome comes, and that the wait ends without it:
 *
 *   while S > 1/2 : both are taken out of the draw, E += S e,  S *= 1 - e - o
 *   then          : all are drawn, and when either has come, E += S e / (e + o), and the future is over
 *
 * S is 1 at first. Either way E is an unbiased estimate of the probability that the outcome comes first, and
 * varies less than 0 or 1: the first way asks at every step, the second does not generate far beyond the end.
 * Before what is given has come, the ends of the record are taken out of the draws, and their complement is
 * the weight A of the future; the estimate of several is the sum of A E over the sum of A.
 */
import type { Random } from "../../core/random.ts";
import {
  drawFrom,
  type FutureRules,
  firstWeights,
  isSilent,
  OVER,
  type TokenSource,
} from "./future.ts";
import type { Meaning } from "./outcome.ts";

/** The share of the wait that is left, below which its end is drawn. */
const DRAWN_BELOW = 0.5;

/** What a token is to the outcome: bits of a flag. */
const EVENT = 1;
/** Ends the wait without the outcome once it is on. */
const UNTIL = 2;
/** Ends the record: death without the outcome, or the end token. */
const LAST = 4;
const GIVEN = 8;
const ENDS = UNTIL | LAST;

/** What tokens are to the outcome. */
export interface TokenFlags {
  /** Flags of each token, [V]. */
  readonly of: Uint8Array;
  /** The tokens that settle something, ascending. */
  readonly settling: readonly number[];
}

export function flagsOf(
  singles: ReadonlyMap<number, Meaning>,
  { vocabulary }: FutureRules,
): TokenFlags {
  const flags = new Uint8Array(vocabulary.size);
  for (const [token, m] of singles) {
    const settles = m.classes !== 0 ? EVENT : (m.isUntil ? UNTIL : 0) | (m.isDeath ? LAST : 0);
    flags[token] = settles | (m.isGiven ? GIVEN : 0);
  }
  flags[vocabulary.end] = LAST;
  const settling = [...flags.keys()].filter((i) => ((flags[i] as number) & (EVENT | ENDS)) !== 0);
  return { of: flags, settling };
}

export class WeightedFuture implements TokenSource {
  /** A, less what was left undecided. */
  weight = 1;
  /** A E. */
  positive = 0;
  readonly #rules: FutureRules;
  readonly #flags: TokenFlags;
  readonly #random: Random;
  readonly #elapsed: number;
  #left = 1; // S
  #days = 0;
  #count = 0;
  #isAsked: boolean;
  #isOver = false;

  constructor(rules: FutureRules, flags: TokenFlags, elapsed: number, random: Random) {
    this.#rules = rules;
    this.#flags = flags;
    this.#elapsed = elapsed;
    this.#random = random;
    this.#isAsked = !rules.hasGiven;
  }

  next(probabilities: Float32Array, row: number): number {
    if (this.#isOver) return OVER;
    const { vocabulary, newTokens, withinDays } = this.#rules;
    const base = row * vocabulary.size;
    const isFirst = this.#count === 0 && isSilent(vocabulary, this.#elapsed);
    const token = isFirst
      ? this.#firstInterval(probabilities, base)
      : this.#settleAndDraw(probabilities, base);
    if (token < 0) return this.#finish(0);
    this.#count += 1;
    if (!this.#isAsked && ((this.#flags.of[token] as number) & GIVEN) !== 0) this.#isAsked = true;
    const interval = vocabulary.intervalOf(token);
    if (interval >= 0) {
      const elapsed = this.#count === 1 ? this.#elapsed : 0;
      this.#days += vocabulary.intervals.draw(interval, this.#random.uniform(), elapsed) - elapsed;
      if (this.#days > withinDays) return this.#finish(0);
    }
    return this.#count < newTokens ? token : this.#finish(this.#left);
  }

  /** @param undecided share of the wait that is still on. */
  #finish(undecided: number): number {
    this.#isOver = true;
    this.weight = this.#isAsked ? this.weight * (1 - undecided) : 0;
    return OVER;
  }

  /** Silence settles nothing: an interval that reaches beyond it. */
  #firstInterval(p: Float32Array, base: number): number {
    const { vocabulary } = this.#rules;
    const weights = firstWeights(vocabulary, p, base, this.#elapsed);
    return vocabulary.firstInterval + drawFrom(weights, 0, weights.length, this.#random.uniform());
  }

  /** Draws a token; below 0 where the future is settled or nothing is left to draw. */
  #settleAndDraw(p: Float32Array, base: number): number {
    const [open, event, other] = this.#masses(p, base);
    const sum = open + event + other;
    if (!this.#isAsked) {
      this.weight *= open / sum;
      return this.#draw(p, base, open, LAST);
    }
    if (this.#left > DRAWN_BELOW) {
      this.positive += (this.weight * this.#left * event) / sum;
      this.#left *= open / sum;
      return this.#draw(p, base, open, EVENT | ENDS);
    }
    const token = this.#draw(p, base, sum, 0);
    if (((this.#flags.of[token] as number) & (EVENT | ENDS)) === 0) return token;
    this.positive += (this.weight * this.#left * event) / (event + other);
    return OVER;
  }

  /** Probability of the tokens that leave the outcome open, that are it, and that end the wait without it. */
  #masses(p: Float32Array, base: number): [open: number, event: number, other: number] {
    const { firstGenerated, size } = this.#rules.vocabulary;
    const ends = this.#isAsked ? ENDS : LAST;
    const events = this.#isAsked ? EVENT : 0;
    let [sum, event, other] = [0, 0, 0];
    for (let i = firstGenerated; i < size; i++) sum += p[base + i] as number;
    for (const i of this.#flags.settling) {
      const flag = this.#flags.of[i] as number;
      if ((flag & events) !== 0) event += p[base + i] as number;
      else if ((flag & ends) !== 0) other += p[base + i] as number;
    }
    return [sum - event - other, event, other];
  }

  /** Draws among the tokens without the flags in `removed`, whose probabilities sum to `sum`; OVER without any. */
  #draw(p: Float32Array, base: number, sum: number, removed: number): number {
    const { firstGenerated, size } = this.#rules.vocabulary;
    let rest = this.#random.uniform() * sum;
    let last = OVER;
    for (let i = firstGenerated; i < size; i++) {
      const x = p[base + i] as number;
      if (x === 0 || ((this.#flags.of[i] as number) & removed) !== 0) continue;
      last = i;
      rest -= x;
      if (rest < 0) break;
    }
    return last;
  }
}
