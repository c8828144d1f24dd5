/**
 * Training windows of one epoch. A window never leaves its subject (E1): four leading tokens, age at the
 * window's start among them, then a stretch of the subject's timeline. Stretches of a long timeline begin at
 * a random place each epoch and overlap in one token, so that every token is predicted exactly once.
 */
import type { Random } from "../../core/random.ts";
import { type BatchSource, type Collated, sequenceLength } from "../batch-source.ts";
import { causalBias } from "./network.ts";
import { type Encoded, LEADING, type Vocabulary } from "./vocabulary.ts";

/** A timeline with what stands in front of it. */
export interface Subject extends Encoded {
  readonly sex: number;
  readonly race: number;
}

export interface Window {
  readonly subject: Subject;
  /** First token of the stretch. */
  readonly from: number;
  /** Tokens read after the leading ones, n; the token after them is the last target, if there is one. */
  readonly length: number;
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

/**
 * Inputs of the loss graph. The leading tokens are read and never predicted (E7); the last of them predicts
 * the first token of a timeline, and of no other stretch. Weights are 1 at targets.
 */
export function windowSource(windows: readonly Window[], vocabulary: Vocabulary): BatchSource {
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
      const tokens = new Int32Array(B * L);
      const positions = new Int32Array(B * L);
      const targets = new Int32Array(B * L);
      const weight = new Float32Array(B * L);
      for (const [b, sample] of samples.entries()) {
        const { subject, from, length } = at(sample);
        const start = b * L;
        tokens.set(
          vocabulary.leading(subject.sex, subject.race, subject.ageDays[from] as number),
          start,
        );
        tokens.set(subject.tokens.subarray(from, from + length), start + LEADING);
        for (let i = 0; i < LEADING + length; i++) positions[start + i] = i;
        const first = from === 0 ? LEADING - 1 : LEADING;
        for (let i = first; i < LEADING + length; i++) {
          const target = subject.tokens[from + i - LEADING + 1];
          if (target === undefined) continue;
          targets[start + i] = target;
          weight[start + i] = 1;
        }
      }
      const feeds = {
        "tokens.ids": tokens,
        "positions.ids": positions,
        targets,
        weight,
        causal: causalOf(L),
      };
      return { feeds, dims: { B, L } };
    },
  };
}
