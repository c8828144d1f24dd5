/**
 * What is known of a subject when the present stay began, or now while there is none: which codes count, the
 * age, and how the latest stay came about. It stands beside every position of a timeline, and does not change
 * from the end of a history, where futures begin, to the end of the next stay.
 */
import { DAYS_PER_YEAR } from "../../core/time.ts";
import { utilisationAt } from "../utilisation.ts";

/** A timeline as `standingOf` reads it, one entry a token. */
export interface Course {
  /** Ordinal of the visit that the token belongs to; -1 before the first. [n] */
  readonly visit: Int32Array;
  /** 1 from the discharge of the token's visit on. [n] */
  readonly isOver: Uint8Array;
  /** Age in days when the token is reached, NaN unknown. [n + 1] */
  readonly ageDays: Float64Array;
  /** Days before the reference time, NaN where not known. [visits] */
  readonly visitStart: Float64Array;
  readonly visitEnd: Float64Array;
}

/** Entry i is for the first i tokens of the timeline. */
export interface Standing {
  /** Tokens below this number count. [n + 1] */
  readonly upTo: Int32Array;
  /** The latest stay's tokens, from and below. [n + 1] */
  readonly lastFrom: Int32Array;
  readonly lastTo: Int32Array;
  /** [n + 1, FACTS] */
  readonly facts: Float32Array;
}

/** Age is known, in decades from 60, a quarter of its square; there was a stay, log stays before it, recency of these, its length. */
export const FACTS = 7;

/** Ages are decades from here, so that their weights need not be large, and are learned early. */
const MIDDLE_AGE = 60;

function putAge(facts: Float32Array, at: number, ageDays: number): void {
  if (!(ageDays >= 0)) return;
  const x = (ageDays / DAYS_PER_YEAR - MIDDLE_AGE) / 10;
  facts.set([1, x, (x * x) / 4], at);
}

/** That there was a stay, and what `utilisationAt` says of it but whether it is over. */
function putStay(course: Course, visit: number, facts: Float32Array, at: number): void {
  const [before, recency, length] = utilisationAt(course, visit);
  facts.set([1, before, recency, length], at);
}

export function standingOf(course: Course): Standing {
  const { visit, isOver, ageDays } = course;
  const n = visit.length;
  const made = {
    upTo: new Int32Array(n + 1),
    lastFrom: new Int32Array(n + 1),
    lastTo: new Int32Array(n + 1),
    facts: new Float32Array((n + 1) * FACTS),
  };
  putAge(made.facts, 0, ageDays[0] as number);
  let [first, before, latest] = [0, 0, -1]; // first tokens of this visit and of the one before; latest stay
  for (let i = 0; i < n; i++) {
    const isNew = i > 0 && visit[i] !== visit[i - 1];
    if (isNew) {
      latest = visit[i - 1] as number;
      before = first;
      first = i;
    }
    if (isOver[i] === 1) latest = visit[i] as number;
    made.upTo[i + 1] = isOver[i] === 1 ? i + 1 : first;
    made.lastFrom[i + 1] = isOver[i] === 1 ? first : before;
    made.lastTo[i + 1] = isOver[i] === 1 ? i + 1 : first;
    putAge(made.facts, (i + 1) * FACTS, ageDays[i] as number);
    if (latest >= 0) putStay(course, latest, made.facts, (i + 1) * FACTS + 3);
  }
  return made;
}

/** A window of a timeline: `leading` positions, then `length` tokens from `from` on. */
export interface StandingWindow {
  readonly standing: Standing;
  readonly tokens: Int32Array;
  readonly from: number;
  readonly length: number;
  readonly leading: number;
  /** Tokens below are not codes. */
  readonly firstCode: number;
}

/** Facts at each position of a window, in `facts` [L, FACTS] from `start` on. */
export function putFacts(facts: Float32Array, start: number, window: StandingWindow): void {
  const { standing, from, length, leading } = window;
  for (let p = 0; p < leading + length; p++) {
    const entry = (from + Math.max(0, p - leading + 1)) * FACTS;
    facts.set(standing.facts.subarray(entry, entry + FACTS), start + p * FACTS);
  }
}

/**
 * Weights of a window's positions over its positions, in `weights` [2, L, L] from `start` on: of all that counts,
 * where a code counts once, and of the latest stay.
 */
export function putWeights(
  weights: Float32Array,
  start: number,
  L: number,
  window: StandingWindow,
): void {
  const { standing, tokens, from, length, leading, firstCode } = window;
  const isCode = new Uint8Array(length);
  const isFirst = new Uint8Array(length);
  const seen = new Set<number>();
  for (let j = 0; j < length; j++) {
    const token = tokens[from + j] as number;
    if (token < firstCode) continue;
    isCode[j] = 1;
    if (!seen.has(token)) isFirst[j] = 1;
    seen.add(token);
  }
  for (let p = 0; p < leading + length; p++) {
    const entry = from + Math.max(0, p - leading + 1);
    const ever = start + p * L + leading;
    const upTo = Math.min(length, (standing.upTo[entry] as number) - from);
    for (let j = 0; j < upTo; j++) weights[ever + j] = isFirst[j] as number;
    const last = start + L * L + p * L + leading;
    const lastTo = Math.min(length, (standing.lastTo[entry] as number) - from);
    const lastFrom = Math.max(0, (standing.lastFrom[entry] as number) - from);
    for (let j = lastFrom; j < lastTo; j++) weights[last + j] = isCode[j] as number;
  }
}
