/**
 * A future whose outcome is weighed and not only drawn (after models.md 8.3, i). With e and o the probabilities
 * at a step that the outcome comes, and that the wait ends without it, be it by a token or because an interval
 * takes longer than is left of the time:
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
  isSilent,
  massesBeyond,
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

/** Of a step. */
interface Time {
  /** Days since the last event, which an interval has behind it. */
  readonly elapsed: number;
  /** The longest interval that does not end the wait, in days. */
  readonly most: number;
}

const NONE = new Float32Array(0);
const sumOf = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0);

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
    const elapsed = this.#count === 0 ? this.#elapsed : 0;
    const time = { elapsed, most: withinDays - this.#days + elapsed };
    const isFirst = this.#count === 0 && isSilent(vocabulary, elapsed);
    const token = isFirst
      ? this.#firstInterval(probabilities, base, time)
      : this.#settleAndDraw(probabilities, base, time);
    if (token < 0) return this.#finish(0);
    this.#count += 1;
    if (!this.#isAsked && ((this.#flags.of[token] as number) & GIVEN) !== 0) this.#isAsked = true;
    return this.#count < newTokens ? token : this.#finish(this.#left);
  }

  /** @param undecided share of the wait that is still on. */
  #finish(undecided: number): number {
    this.#isOver = true;
    this.weight = this.#isAsked ? this.weight * (1 - undecided) : 0;
    return OVER;
  }

  /** After a silence comes an interval that reaches beyond it; all that it can settle is that time is up. */
  #firstInterval(p: Float32Array, base: number, time: Time): number {
    const { vocabulary } = this.#rules;
    const all = massesBeyond(vocabulary, p, base, time.elapsed);
    const late = this.#lateMasses(p, base, time);
    const inTime = all.map((x, i) => Math.max(0, x - (late[i] ?? 0)));
    // Where a silence is longer than any gap in training, nothing is known of how long it lasts.
    const isWeighed = this.#isAsked && sumOf(all) > 0;
    if (isWeighed) this.#left *= sumOf(inTime) / sumOf(all);
    if (isWeighed && this.#left === 0) return OVER;
    const weights = isWeighed ? inTime : all;
    const drawn = drawFrom(weights, 0, weights.length, this.#random.uniform());
    const token = vocabulary.firstInterval + drawn;
    return this.#pass(token, time, isWeighed) ? token : OVER;
  }

  /** Draws a token; below 0 where the future is settled or nothing is left to draw. */
  #settleAndDraw(p: Float32Array, base: number, time: Time): number {
    const late = this.#isAsked ? this.#lateMasses(p, base, time) : NONE;
    const [open, event, other] = this.#masses(p, base, sumOf(late));
    const sum = open + event + other;
    if (!this.#isAsked) {
      this.weight *= open / sum;
      const token = this.#draw(p, base, open, LAST, NONE);
      return this.#pass(token, time, false) ? token : OVER;
    }
    if (this.#left > DRAWN_BELOW) {
      this.positive += (this.weight * this.#left * event) / sum;
      this.#left *= open / sum;
      const token = this.#draw(p, base, open, EVENT | ENDS, late);
      return this.#pass(token, time, true) ? token : OVER;
    }
    const token = this.#draw(p, base, sum, 0, NONE);
    const isSettled = ((this.#flags.of[token] as number) & (EVENT | ENDS)) !== 0;
    if (!isSettled && this.#pass(token, time, false)) return token;
    if (event > 0) this.positive += (this.weight * this.#left * event) / (event + other);
    return OVER;
  }

  /** Lets the time of a token pass, drawn among what is left of it or among all. Returns whether the wait goes on. */
  #pass(token: number, { elapsed, most }: Time, isInTime: boolean): boolean {
    const { vocabulary, withinDays } = this.#rules;
    const interval = vocabulary.intervalOf(token);
    if (interval < 0) return true;
    const u = this.#random.uniform();
    const drawn = vocabulary.intervals.draw(interval, u, elapsed, isInTime ? most : undefined);
    this.#days += drawn - elapsed;
    return this.#days <= withinDays;
  }

  /** What each interval has beyond the time that is left; nothing where that has no end. */
  #lateMasses(p: Float32Array, base: number, { most }: Time): Float32Array {
    if (most === Number.POSITIVE_INFINITY) return NONE;
    return massesBeyond(this.#rules.vocabulary, p, base, most);
  }

  /** Probability of what leaves the outcome open, of what is it, and of what ends the wait without it. */
  #masses(
    p: Float32Array,
    base: number,
    late: number,
  ): [open: number, event: number, other: number] {
    const { firstGenerated, size } = this.#rules.vocabulary;
    const ends = this.#isAsked ? ENDS : LAST;
    const events = this.#isAsked ? EVENT : 0;
    let [sum, event, other] = [0, 0, late];
    for (let i = firstGenerated; i < size; i++) sum += p[base + i] as number;
    for (const i of this.#flags.settling) {
      const flag = this.#flags.of[i] as number;
      if ((flag & events) !== 0) event += p[base + i] as number;
      else if ((flag & ends) !== 0) other += p[base + i] as number;
    }
    return [Math.max(0, sum - event - other), event, other];
  }

  /**
   * Draws among the tokens without the flags in `removed`, of intervals what is not `late`; their probabilities sum to
   * `sum`. OVER where there are none.
   */
  #draw(p: Float32Array, base: number, sum: number, removed: number, late: Float32Array): number {
    const { firstGenerated, firstInterval, size } = this.#rules.vocabulary;
    let rest = this.#random.uniform() * sum;
    let last = OVER;
    for (let i = firstGenerated; i < size; i++) {
      const x = (p[base + i] as number) - (late[i - firstInterval] ?? 0);
      if (x <= 0 || ((this.#flags.of[i] as number) & removed) !== 0) continue;
      last = i;
      rest -= x;
      if (rest < 0) break;
    }
    return last;
  }
}
