/**
 * Edges between codes that training subjects have in one visit more often than chance: positive pointwise
 * mutual information, shrunk for rare pairs, the best of each code (medtok.md 9.3).
 */
import type { RelationTable } from "../../core/knowledge.ts";
import type { TokenizerContext } from "../../core/tokenizer.ts";

/** Pairs that are looked at, the most frequent ones. */
const MOST_PAIRS = 200_000;
/** Subjects that a pair needs. */
const LEAST_SUBJECTS = 5;
/** Edges kept per code. */
const MOST_PARTNERS = 16;
/** Shrinks the information of pairs with few subjects: n / (n + 10). */
const SHRINKAGE = 10;

interface Pair {
  readonly a: number;
  readonly b: number;
  readonly score: number;
}

/** Scored pairs, best first, ties by the lower rows. */
function scored(context: TokenizerContext): Pair[] {
  const { trainSubjects } = context;
  const { a, b, subjects } = context.coOccurrence(MOST_PAIRS);
  // Subjects in all are not told; the most frequent code has nearly all of them, and fewer is stricter.
  const all = trainSubjects.reduce((most, n) => Math.max(most, n), 1);
  const pairs: Pair[] = [];
  for (const [i, n] of subjects.entries()) {
    if (n < LEAST_SUBJECTS) break; // most frequent first
    const [x, y] = [a[i] as number, b[i] as number];
    const expected = ((trainSubjects[x] ?? 0) * (trainSubjects[y] ?? 0)) / all;
    const score = Math.log(n / Math.max(expected, 1e-9)) * (n / (n + SHRINKAGE));
    if (score > 0) pairs.push({ a: x, b: y, score });
  }
  return pairs.sort((p, q) => q.score - p.score || p.a - q.a || p.b - q.b);
}

/** The table of `cooccurs` edges. */
export function coOccurrenceTable(context: TokenizerContext): RelationTable {
  const partners = new Map<number, number>();
  const from: string[] = [];
  const to: string[] = [];
  for (const { a, b } of scored(context)) {
    const isFull = [a, b].every((row) => (partners.get(row) ?? 0) >= MOST_PARTNERS);
    if (isFull) continue;
    for (const row of [a, b]) partners.set(row, (partners.get(row) ?? 0) + 1);
    from.push(context.codes.code[a] as string);
    to.push(context.codes.code[b] as string);
  }
  return { origin: "training subjects", relation: "cooccurs", from, to };
}
