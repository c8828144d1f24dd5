/** Which codes training subjects have together, for tokenizers that learn from a graph. */
import type { TokenizerContext } from "../core/tokenizer.ts";
import type { SplitSource } from "./samples.ts";

type Pairs = ReturnType<TokenizerContext["coOccurrence"]>;

/** Codes of one visit beyond this are left out of the pairs, so that one long stay does not cost a second. */
const CODES_PER_VISIT = 200;

/**
 * Unordered pairs of distinct code rows seen in one visit of a visible history, by the number of samples'
 * subjects that have them, most frequent first, ties by the lower rows. Only ever of the training split.
 */
export function coOccurrence(train: SplitSource, most: number): Pairs {
  const counts = new Map<number, number>();
  let subject = Number.NaN;
  let seen = new Set<number>();
  const flush = () => {
    for (const key of seen) counts.set(key, (counts.get(key) ?? 0) + 1);
    seen = new Set();
  };
  for (let sample = 0; sample < train.size; sample++) {
    const now = train.subjectOf(sample);
    if (now !== subject) flush();
    subject = now;
    addPairs(train, sample, seen);
  }
  flush();
  const kept = [...counts].sort(([a, n], [b, m]) => m - n || a - b).slice(0, most);
  return {
    a: Int32Array.from(kept, ([key]) => Math.floor(key / KEY)),
    b: Int32Array.from(kept, ([key]) => key % KEY),
    subjects: Uint32Array.from(kept, ([, n]) => n),
  };
}

/** Code rows are below this, and a pair is one number. */
const KEY = 2 ** 26;

function addPairs(train: SplitSource, sample: number, seen: Set<number>): void {
  const { length, code, visit, visitCount } = train.read(sample);
  const codesOf = Array.from({ length: visitCount }, () => new Set<number>()); // stays may overlap
  for (let i = 0; i < length; i++) codesOf[visit[i] as number]?.add(code[i] as number);
  for (const set of codesOf) {
    const codes = [...set].sort((a, b) => a - b).slice(0, CODES_PER_VISIT);
    for (const [i, a] of codes.entries()) for (const b of codes.slice(i + 1)) seen.add(a * KEY + b);
  }
}
