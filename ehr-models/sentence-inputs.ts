/**
 * Samples -> sentences of codes: CLS, the codes of the first visit, SEP, those of the second, SEP, and so on
 * (Li et al., BEHRT, 2020). The most recent tokens are kept; every row is made after the cut, and anew for each
 * batch, so that nothing that is cut shows (models.md B8, B10). A sentence never starts with a SEP after its CLS.
 */
import type { History, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import type { BatchSource, InputSpec } from "./batch-source.ts";
import { sharesOf } from "./code-sums.ts";
import { type Columns, collateSamples, SAMPLE_COLUMNS } from "./inputs.ts";
import { rowsByVisit } from "./visit-inputs.ts";

/** Ids of tokens that are no codes; 0 is a code, or padding. */
export const SPECIAL = { code: 0, cls: 1, sep: 2, mask: 3 } as const;
export const SPECIAL_ROWS = 4;

const MONTHS_PER_YEAR = 12;
const DAYS_PER_MONTH = 365.25 / MONTHS_PER_YEAR;
const AGE_YEARS = 110;
/** Rows of an age table before the first month: padding and unknown. */
const AGE_SPECIAL = 2;

/** Rows of a table of ages in steps of so many months; 1,322 for single months. */
export function ageRows(monthsPerRow: number): number {
  return AGE_SPECIAL + Math.ceil((AGE_YEARS * MONTHS_PER_YEAR) / monthsPerRow);
}

const COLUMNS = {
  /** Units of the tokenizer; 0 where there is no code. */
  codes: { type: "int32", shape: ["B", "L"] },
  /** Values of SPECIAL. */
  special: { type: "int32", shape: ["B", "L"] },
  /** 1 = a token, 0 = padding. */
  mask: { type: "float32", shape: ["B", "L"] },
  /** Number of SEPs before the token. */
  position: { type: "float32", shape: ["B", "L"] },
  /** 0 or 1, turning after each SEP. */
  segment: { type: "int32", shape: ["B", "L"] },
  /** Row of the age table: 0 padding, 1 unknown. */
  tokenAge: { type: "int32", shape: ["B", "L"] },
} as const satisfies Readonly<Record<string, InputSpec>>;

/** For an output that reads sums of codes (`code-sums.ts`) and what is known of the subject. */
const OUTPUT_COLUMNS = {
  /** Weights of tokens; 0 where there is no code. */
  share: { type: "float32", shape: ["B", "L"] },
  isLast: { type: "float32", shape: ["B", "L"] },
  ...SAMPLE_COLUMNS,
} as const satisfies Readonly<Record<string, InputSpec>>;

export interface SentenceOptions {
  /** L at most, CLS included. */
  readonly maxLength: number;
  readonly monthsPerRow: number;
  /** Whether the columns for an output that reads sums are wanted. */
  readonly sums: boolean;
}

/** A sentence's tokens after its CLS: rows of the history, or SEP, with their visits. */
interface Sentence {
  readonly row: readonly number[];
  readonly visit: readonly number[];
}

const SEP_ROW = -1;

function sentenceOf(history: History, maxLength: number): Sentence {
  const rows = rowsByVisit(history);
  const row: number[] = [];
  const visit: number[] = [];
  for (const [i, from] of rows.entries()) {
    const v = history.visit[from] as number;
    row.push(from);
    visit.push(v);
    const next = rows[i + 1];
    if (next !== undefined && history.visit[next] === v) continue;
    row.push(SEP_ROW);
    visit.push(v);
  }
  let start = Math.max(0, row.length - (maxLength - 1));
  if (row[start] === SEP_ROW) start += 1;
  return { row: row.slice(start), visit: visit.slice(start) };
}

/** Row of the age table at a visit's start; unknown where the age or the start is. */
function ageRow(ageYears: number, daysBefore: number, monthsPerRow: number): number {
  const months = ageYears * MONTHS_PER_YEAR - daysBefore / DAYS_PER_MONTH;
  if (Number.isNaN(months)) return 1;
  const row = AGE_SPECIAL + Math.floor(Math.max(0, months) / monthsPerRow);
  return Math.min(ageRows(monthsPerRow) - 1, row);
}

interface Place {
  readonly history: History;
  readonly sentence: Sentence;
  readonly unit: Int32Array;
  /** Row of the age table for each visit. */
  readonly ages: readonly number[];
  /** Row for a CLS without a visit after it. */
  readonly ageNow: number;
  /** First position of the sample in the batch. */
  readonly at: number;
}

function fill(columns: Columns, place: Place): void {
  const { history, sentence, unit, ages, at } = place;
  const set = (name: string, position: number, value: number) => {
    const column = columns[name];
    if (column !== undefined) column[at + position] = value;
  };
  set("special", 0, SPECIAL.cls);
  set("mask", 0, 1);
  set("tokenAge", 0, ages[sentence.visit[0] ?? -1] ?? place.ageNow);
  let visits = 0;
  for (const [i, from] of sentence.row.entries()) {
    const isSep = from === SEP_ROW;
    if (isSep) set("special", 1 + i, SPECIAL.sep);
    else set("codes", 1 + i, unit[history.code[from] as number] as number);
    set("mask", 1 + i, 1);
    set("position", 1 + i, visits);
    set("segment", 1 + i, visits % 2);
    set("tokenAge", 1 + i, ages[sentence.visit[i] as number] as number);
    if (isSep) visits += 1;
  }
  fillSums(columns, place);
}

function fillSums({ share, isLast }: Columns, { history, sentence, unit, at }: Place): void {
  if (share === undefined || isLast === undefined) return;
  const places = sentence.row.flatMap((from, i) => (from === SEP_ROW ? [] : [i]));
  const rows = places.map((i) => sentence.row[i] as number);
  const shares = sharesOf(
    Int32Array.from(rows, (from) => unit[history.code[from] as number] as number),
  );
  for (const [k, i] of places.entries()) {
    share[at + 1 + i] = shares[k] as number;
    isLast[at + 1 + i] = Number(sentence.visit[i] === history.visitCount - 1);
  }
}

/** The sentences of a split; L of a batch is that of its longest. */
export function sentenceInputs(
  source: SampleSource,
  tokenizer: Tokenizer,
  { maxLength, monthsPerRow, sums }: SentenceOptions,
): BatchSource {
  const specs: Readonly<Record<string, InputSpec>> = sums
    ? { ...COLUMNS, ...OUTPUT_COLUMNS }
    : COLUMNS;
  const lengths = new Map<number, number>();
  const lengthOf = (sample: number): number => {
    const known = lengths.get(sample);
    if (known !== undefined) return known;
    const length = 1 + sentenceOf(source.read(sample), maxLength).row.length;
    lengths.set(sample, length);
    return length;
  };
  return collateSamples(source, specs, lengthOf, (feeds, { sample, history, at }) => {
    const ageAt = (days: number) => ageRow(source.ageYears[sample] as number, days, monthsPerRow);
    const starts = history.visitStart.subarray(0, history.visitCount);
    fill(feeds, {
      history,
      sentence: sentenceOf(history, maxLength),
      unit: tokenizer.unit,
      ages: Array.from(starts, ageAt),
      ageNow: ageAt(0),
      at,
    });
  });
}
