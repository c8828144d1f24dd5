/**
 * Pretraining by writing visits: of each timeline one visit is drawn anew in every epoch, everything from
 * it on is hidden, and its codes are what the decoder has to write. Only what lies in earlier visits is
 * shown, with times counted from the drawn visit's start.
 */

import type { Random } from "../core/random.ts";
import type { History, SampleSource } from "../core/samples.ts";
import { FIRST_KNOWN_UNIT, type Tokenizer } from "../core/tokenizer.ts";
import { SPREAD_YEARS } from "./age.ts";
import { type Collated, paddedLength } from "./batch-source.ts";
import type { StageFeeds } from "./pretraining.ts";

/** Inputs of the decoder: units before each written one [B, J - 1], and where what was written stands. */
export const PREVIOUS = "target.previous";
export const AT = "target.at";
export const UNITS = "target.units";
/** J and N. */
export const POSITIONS = "J";
export const COUNT = "N";

const DAYS_PER_YEAR = 365.25;

/**
 * The known units of one visit in the order in which they are written: by kind, then by unit, each once, so
 * that the sequence is a function of the set (models.md TE6). Of more than `most` a random choice is kept.
 */
export function visitSequence(
  history: History,
  visit: number,
  unit: Int32Array,
  most: number,
  random: Random,
): number[] {
  const kindOf = new Map<number, number>();
  for (let i = 0; i < history.length; i++) {
    const u = unit[history.code[i] as number] as number;
    if (history.visit[i] === visit && u >= FIRST_KNOWN_UNIT)
      kindOf.set(u, history.kind[i] as number);
  }
  const units = [...kindOf.keys()].sort((a, b) => a - b);
  const kept = units.length > most ? random.shuffle(units).slice(0, most) : units;
  return kept.sort((a, b) => (kindOf.get(a) ?? 0) - (kindOf.get(b) ?? 0) || a - b);
}

/** Hides visit `visit` and all that follows it in row `b` of the collated columns. */
function hideFrom(columns: Columns, b: number, L: number, history: History, visit: number): void {
  const { mask, visitsBefore, daysBefore, age } = columns;
  const started = history.visitStart[visit] as number;
  const start = Number.isNaN(started) ? 0 : started; // a record without a visit
  for (let i = 0; i < history.length; i++) {
    const at = b * L + i;
    const v = history.visit[i] as number;
    const isPast = v < visit;
    mask[at] = isPast ? 1 : 0;
    visitsBefore[at] = isPast ? visit - 1 - v : 0;
    daysBefore[at] = isPast ? Math.max(0, (history.daysBefore[i] as number) - start) : 0;
  }
  if (age[2 * b + 1] === 1)
    age[2 * b] = (age[2 * b] as number) - start / DAYS_PER_YEAR / SPREAD_YEARS;
}

type Columns = Readonly<Record<"mask" | "visitsBefore" | "daysBefore" | "age", Float32Array>>;

/** The columns that change and what the decoder is fed, for one part of a batch of whole timelines. */
export function writtenVisits(
  timelines: SampleSource,
  tokenizer: Tokenizer,
  most: number,
  samples: Int32Array,
  { feeds, dims }: Collated,
  random: Random,
): StageFeeds {
  const copy = (name: string) => (feeds[name] as Float32Array).slice();
  const columns: Columns = {
    mask: copy("mask"),
    visitsBefore: copy("visitsBefore"),
    daysBefore: copy("daysBefore"),
    age: copy("age"),
  };
  const sequences = Array.from(samples, (sample, b) => {
    const history = timelines.read(sample);
    if (history.visitCount === 0) return [];
    const visit = random.below(history.visitCount);
    hideFrom(columns, b, dims["L"] as number, history, visit);
    return visitSequence(history, visit, tokenizer.unit, most, random);
  });
  const longest = sequences.reduce((n, { length }) => Math.max(n, length), 1);
  const J = Math.min(most, paddedLength(longest));
  const previous = new Int32Array(samples.length * (J - 1));
  for (const [b, units] of sequences.entries()) previous.set(units.slice(0, J - 1), b * (J - 1));
  const at = sequences.flatMap((units, b) => units.map((_, j) => b * J + j));
  const written = Int32Array.from(sequences.flat(), (u) => u - FIRST_KNOWN_UNIT);
  return {
    feeds: { ...columns, [PREVIOUS]: previous, [AT]: Int32Array.from(at), [UNITS]: written },
    dims: { [POSITIONS]: J, [COUNT]: at.length },
    weight: at.length,
  };
}
