/**
 * A future whose outcome is not drawn but weighed (models.md 8.3, i): tokens that would settle it are taken
 * out of each draw, and their probability is kept instead.
 *
 *   S_0 = 1;   at step j:  E += S_{j-1} p_j(event);   S_j = S_{j-1} (1 - p_j(event) - p_j(end of the wait))
 *
 * E is an unbiased estimate of the probability that the event comes first, and varies less than 0 or 1.
 * Before what is given has come, the ends of the record are taken out alike, and their complement is the
 * weight A of the future; the estimate of several is the sum of A E over the sum of A.
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

/** A wait of which less is left is over. */
const LEAST_LEFT = 1e-3;

/** What a token is to the outcome: bits of a flag. */
const EVENT = 1;
/** Ends the wait without the outcome once it is on. */
const UNTIL = 2;
/** Ends the record: death without the outcome, or the end token. */
const LAST = 4;
const GIVEN = 8;

/** Flags of each token, [V]. */
export function flagsOf(
  singles: ReadonlyMap<number, Meaning>,
  { vocabulary }: FutureRules,
): Uint8Array {
  const flags = new Uint8Array(vocabulary.size);
  for (const [token, m] of singles) {
    const settles = m.classes !== 0 ? EVENT : (m.isUntil ? UNTIL : 0) | (m.isDeath ? LAST : 0);
    flags[token] = settles | (m.isGiven ? GIVEN : 0);
  }
  flags[vocabulary.end] = LAST;
  return flags;
}

export class WeightedFuture implements TokenSource {
  /** A, less what was left undecided. */
  weight = 1;
  /** A E. */
  positive = 0;
  readonly #rules: FutureRules;
  readonly #flags: Uint8Array;
  readonly #random: Random;
  readonly #elapsed: number;
  #left = 1; // S
  #days = 0;
  #count = 0;
  #isAsked: boolean;
  #isOver = false;

  constructor(rules: FutureRules, flags: Uint8Array, elapsed: number, random: Random) {
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
    if (token < 0 || this.#left < LEAST_LEFT) return this.#finish(token < 0 ? 0 : this.#left);
    this.#count += 1;
    if (!this.#isAsked && ((this.#flags[token] as number) & GIVEN) !== 0) this.#isAsked = true;
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

  /** Keeps the weight of the settling tokens and draws among the others; -1 where there are none. */
  #settleAndDraw(p: Float32Array, base: number): number {
    const { firstGenerated, size } = this.#rules.vocabulary;
    const flags = this.#flags;
    const removed = this.#isAsked ? EVENT | UNTIL | LAST : LAST;
    let open = 0;
    let event = 0;
    let other = 0;
    for (let i = firstGenerated; i < size; i++) {
      const x = p[base + i] as number;
      const flag = (flags[i] as number) & removed;
      if (flag === 0) open += x;
      else if ((flag & EVENT) !== 0) event += x;
      else other += x;
    }
    const sum = open + event + other;
    if (this.#isAsked) {
      this.positive += (this.weight * this.#left * event) / sum;
      this.#left *= open / sum;
    } else this.weight *= open / sum;
    let rest = this.#random.uniform() * open;
    let last = -1;
    for (let i = firstGenerated; i < size; i++) {
      const x = p[base + i] as number;
      if (x === 0 || ((flags[i] as number) & removed) !== 0) continue;
      last = i;
      rest -= x;
      if (rest < 0) break;
    }
    return last;
  }
}
