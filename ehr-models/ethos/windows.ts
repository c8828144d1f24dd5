/**
 * Training windows of one epoch. A window never leaves its subject (E1): four leading tokens, age at the
 * window's start among them, then a stretch of the subject's timeline. Stretches of a long timeline begin at
 * a random place each epoch and overlap in one token, so that every token is predicted exactly once.
 */
import type { Random } from "../../core/random.ts";
import { type BatchSource, type Collated, sequenceLength } from "../batch-source.ts";
import { causalBias, type Network } from "./network.ts";
import { FACTS, putFacts, putWeights } from "./standing.ts";
import { type Encoded, LEADING, type Vocabulary } from "./vocabulary.ts";

/** A timeline with what stands in front of it. */
export interface Subject extends Encoded {
  readonly sex: number;
  readonly race: number;
}

export interface Stretch {
  readonly subject: Pick<Encoded, "tokens" | "standing">;
  /** First token of the stretch. */
  readonly from: number;
  /** Tokens read after the leading ones, n; the token after them is the last target, if there is one. */
  readonly length: number;
}

export interface Window extends Stretch {
  readonly subject: Subject;
}

/** Number of tokens a window predicts: all but the first, and that too at the start of the timeline. */
export function targetsOf({ subject, from, length }: Window): number {
  const isAtEnd = from + length >= subject.tokens.length;
  return length - (isAtEnd ? 1 : 0) + (from === 0 ? 1 : 0);
}

/** Windows over all subjects; each reads at most `longest` tokens of a timeline. */
export function cutWindows(
  subjects: readonly Subject[],
  longest: number,
  random: Random,
): Window[] {
  const windows: Window[] = [];
  for (const subject of subjects) {
    const n = subject.tokens.length;
    let from = 0;
    let length = n <= longest ? n : 1 + random.below(longest);
    while (from < n) {
      const window = { subject, from, length: Math.min(length, n - from) };
      if (targetsOf(window) > 0) windows.push(window);
      from += length;
      length = longest;
    }
  }
  return windows;
}

interface TokenRows {
  readonly "tokens.ids": Int32Array;
  readonly "positions.ids": Int32Array;
  readonly targets: Int32Array;
  readonly weight: Float32Array;
}

/** Writes a window from `start` on, in rows of positions. */
function putWindow(window: Window, vocabulary: Vocabulary, rows: TokenRows, start: number): void {
  const { subject, from, length } = window;
  const tokens = rows["tokens.ids"];
  const age = subject.ageDays[from] as number;
  tokens.set(vocabulary.leading(subject.sex, subject.race, age), start);
  tokens.set(subject.tokens.subarray(from, from + length), start + LEADING);
  for (let i = 0; i < LEADING + length; i++) rows["positions.ids"][start + i] = i;
  const first = from === 0 ? LEADING - 1 : LEADING;
  for (let i = first; i < LEADING + length; i++) {
    const target = subject.tokens[from + i - LEADING + 1];
    if (target === undefined) continue;
    rows.targets[start + i] = target;
    rows.weight[start + i] = 1;
  }
}

/**
 * Inputs of the loss graph. The leading tokens are read and never predicted (E7); the last of them predicts
 * the first token of a timeline, and of no other stretch. Weights are 1 at targets.
 */
export function windowSource(
  windows: readonly Window[],
  vocabulary: Vocabulary,
  { endings, standing }: Pick<Network, "endings" | "standing"> = {},
): BatchSource {
  const at = (i: number) => windows[i] as Window;
  const causal = new Map<number, Float32Array>();
  const causalOf = (length: number) => {
    const known = causal.get(length) ?? causalBias(length);
    causal.set(length, known);
    return known;
  };
  return {
    size: windows.length,
    specs: {},
    lengthOf: (i) => LEADING + at(i).length,
    collate(samples): Collated {
      const B = samples.length;
      const longest = samples.reduce((n, i) => Math.max(n, LEADING + at(i).length), 1);
      const L = sequenceLength(B, longest);
      const rows = {
        "tokens.ids": new Int32Array(B * L),
        "positions.ids": new Int32Array(B * L),
        targets: new Int32Array(B * L),
        weight: new Float32Array(B * L),
      };
      for (const [b, sample] of samples.entries()) putWindow(at(sample), vocabulary, rows, b * L);
      const feeds = {
        ...rows,
        causal: causalOf(L),
        ...(standing === true ? standingFeeds(Array.from(samples, at), L, vocabulary) : {}),
      };
      if (endings === undefined) return { feeds, dims: { B, L } };
      const asked = endingsAmong(rows.targets, rows.weight, endings.tokens);
      const K = asked["endings.targets"].length;
      return { feeds: { ...feeds, ...asked }, dims: { B, L, K } };
    },
  };
}

/** What stands beside the positions of windows, each padded to L. */
export function standingFeeds(
  windows: readonly Stretch[],
  L: number,
  { firstCode }: Pick<Vocabulary, "firstCode">,
) {
  const weights = new Float32Array(windows.length * 2 * L * L);
  const facts = new Float32Array(windows.length * L * FACTS);
  for (const [b, { subject, from, length }] of windows.entries()) {
    const { standing, tokens } = subject;
    const window = { standing, tokens, from, length, leading: LEADING, firstCode };
    putWeights(weights, b * 2 * L * L, L, window);
    putFacts(facts, b * L * FACTS, window);
  }
  return { "standing.weights": weights, "standing.facts": facts };
}

/** Where the targets are endings, and which; padded to as many as there are endings. */
function endingsAmong(targets: Int32Array, weight: Float32Array, endings: Int32Array) {
  const rows: number[] = [];
  const which: number[] = [];
  for (let i = 0; i < targets.length; i++) {
    if (weight[i] === 0) continue;
    const ending = endings.indexOf(targets[i] as number);
    if (ending < 0) continue;
    rows.push(i);
    which.push(ending);
  }
  const K = Math.max(rows.length, endings.length);
  const padded = (values: readonly number[]) => {
    const all = new Int32Array(K);
    all.set(values);
    return all;
  };
  return {
    "endings.rows": padded(rows),
    "endings.targets": padded(which),
    "endings.weight": new Float32Array(K).fill(1, 0, rows.length),
  };
}
