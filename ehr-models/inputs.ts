/**
 * Samples -> padded arrays for models that read a history as a sequence of codes. A model names the
 * columns it wants; index 0 is padding everywhere, and a mask is 1 for a real position (models.md 0.3).
 */
import type { History, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { type DimValues, evaluateDim, type Shape, sizeOf } from "../engine/shape.ts";
import { scaledAge } from "./age.ts";
import { allocate, type BatchSource, type InputSpec, sequenceLength } from "./batch-source.ts";
import { sharesOf } from "./code-sums.ts";
import { UTILISATION_WIDTH, utilisationOf } from "./utilisation.ts";

const BY_CODE: Shape = ["B", "L"];

/** Per code position, [B, L] unless said. */
const CODE_COLUMNS = {
  /** Units of the tokenizer, oldest first. */
  codes: { type: "int32", shape: BY_CODE },
  /** 1 = real, 0 = padding. */
  mask: { type: "float32", shape: BY_CODE },
  /** 1 / n, n being how often the unit occurs in the history: summed over its occurrences, 1. */
  share: { type: "float32", shape: BY_CODE },
  /** 1 for a code of the last visit, else 0. */
  isLast: { type: "float32", shape: BY_CODE },
  /** 0-based ordinal of the visit. */
  visit: { type: "int32", shape: BY_CODE },
  /** Visits between this one and the last of the history; 0 for the last. Does not depend on how much was cut. */
  visitsBefore: { type: "float32", shape: BY_CODE },
  /** Index into CODE_KINDS. */
  ctype: { type: "int32", shape: BY_CODE },
  /** Days from the event to the prediction time. */
  daysBefore: { type: "float32", shape: BY_CODE },
  /** Length of the code's visit: whole years of 365 days; 0 while the visit is not over. */
  withinYears: { type: "int32", shape: BY_CODE },
  /** [B, L, 2]: the remaining days as a share of 365, the remaining hours as a share of 24. */
  withinCycles: { type: "float32", shape: [...BY_CODE, 2] },
  /** The same for the gap between the end of the visit before and the start of this one, for the first
   * visit since birth; 0 where it is unknown or negative. */
  betweenYears: { type: "int32", shape: BY_CODE },
  betweenCycles: { type: "float32", shape: [...BY_CODE, 2] },
} as const satisfies Readonly<Record<string, InputSpec>>;

/** Per sample. */
export const SAMPLE_COLUMNS = {
  /** 0 unknown, 1 female, 2 male. */
  sex: { type: "int32", shape: ["B"] },
  /** Index into the race vocabulary, 0 unknown. */
  race: { type: "int32", shape: ["B"] },
  /** [B, 2]: age as `scaledAge` (0 when unknown), and 1 when it is known. */
  age: { type: "float32", shape: ["B", 2] },
  /** As `utilisationOf`. */
  utilisation: { type: "float32", shape: ["B", UTILISATION_WIDTH] },
} as const satisfies Readonly<Record<string, InputSpec>>;

type CodeColumn = keyof typeof CODE_COLUMNS;
type SampleColumn = keyof typeof SAMPLE_COLUMNS;
export type SequenceColumn = CodeColumn | SampleColumn;

const DAYS_PER_365_YEAR = 365;
/** Years are capped by the size of the table that models look them up in. */
export const INTERVAL_YEARS = 128;

/** Days as whole years of 365 days, the remaining days / 365 and the remaining hours / 24; negative or unknown as 0. */
export function splitInterval(days: number): { years: number; day: number; hour: number } {
  if (!(days > 0)) return { years: 0, day: 0, hour: 0 };
  const years = Math.min(INTERVAL_YEARS - 1, Math.floor(days / DAYS_PER_365_YEAR));
  const rest = days - Math.floor(days / DAYS_PER_365_YEAR) * DAYS_PER_365_YEAR;
  const whole = Math.floor(rest);
  return { years, day: whole / DAYS_PER_365_YEAR, hour: Math.floor((rest - whole) * 24) / 24 };
}

/** Stay length of each visit and gap before it, in days; NaN where unknown. */
function intervals(history: History, ageYears: number): { within: number[]; between: number[] } {
  const within: number[] = [];
  const between: number[] = [];
  for (let t = 0; t < history.visitCount; t++) {
    const start = history.visitStart[t] as number;
    within.push(start - (history.visitEnd[t] as number));
    const before = t === 0 ? ageYears * DAYS_PER_365_YEAR : (history.visitEnd[t - 1] as number);
    between.push(before - start);
  }
  return { within, between };
}

interface Row {
  readonly history: History;
  readonly ageYears: number;
  /** First position of the sample in the batch. */
  readonly at: number;
}

export type Columns = Record<string, Float32Array | Int32Array>;

function fillInterval(feeds: Columns, name: "within" | "between", row: Row): void {
  const years = feeds[`${name}Years`];
  const cycles = feeds[`${name}Cycles`];
  if (years === undefined && cycles === undefined) return;
  const parts = intervals(row.history, row.ageYears)[name].map(splitInterval);
  for (let i = 0; i < row.history.length; i++) {
    const part = parts[row.history.visit[i] as number];
    if (part === undefined) continue;
    const at = row.at + i;
    if (years !== undefined) years[at] = part.years;
    if (cycles === undefined) continue;
    cycles[2 * at] = part.day;
    cycles[2 * at + 1] = part.hour;
  }
}

function fillCodes(feeds: Columns, row: Row, unit: Int32Array): void {
  const { codes, mask, visitsBefore, isLast } = feeds;
  const { code, visit, length, visitCount } = row.history;
  for (let i = 0; i < length; i++) {
    if (codes !== undefined) codes[row.at + i] = unit[code[i] as number] as number;
    if (mask !== undefined) mask[row.at + i] = 1;
    const before = visitCount - 1 - (visit[i] as number);
    if (visitsBefore !== undefined) visitsBefore[row.at + i] = before;
    if (isLast !== undefined) isLast[row.at + i] = Number(before === 0);
  }
  const { share } = feeds;
  if (share !== undefined)
    share.set(sharesOf(code.subarray(0, length).map((c) => unit[c] as number)), row.at);
  const { length: n } = row.history;
  feeds["visit"]?.set(row.history.visit.subarray(0, n), row.at);
  feeds["ctype"]?.set(row.history.kind.subarray(0, n), row.at);
  feeds["daysBefore"]?.set(row.history.daysBefore.subarray(0, n), row.at);
}

/** One sample of a split, and its history as it was read. */
export interface SampleRow {
  readonly source: SampleSource;
  readonly sample: number;
  readonly history: History;
}

/** Writes row `b` of the columns about the sample's subject that are there. */
export function fillSample(
  feeds: Columns,
  b: number,
  { source, sample, history }: SampleRow,
): void {
  const { sex, race, age, utilisation } = feeds;
  utilisation?.set(utilisationOf(history), b * UTILISATION_WIDTH);
  if (sex !== undefined) sex[b] = source.sex[sample] as number;
  if (race !== undefined) race[b] = source.race[sample] as number;
  if (age === undefined) return;
  const years = source.ageYears[sample] as number;
  age[2 * b] = scaledAge(years);
  age[2 * b + 1] = Number.isNaN(years) ? 0 : 1;
}

/** The named ones among all columns. */
export function specsOf(
  all: Readonly<Record<string, InputSpec>>,
  names: readonly string[],
): Record<string, InputSpec> {
  return Object.fromEntries(names.map((name) => [name, all[name] as InputSpec]));
}

/** Zeros for each column of a batch of the given sizes. */
export function allocateColumns(
  specs: Readonly<Record<string, InputSpec>>,
  dims: DimValues,
): Columns {
  const columns: Columns = {};
  for (const [name, spec] of Object.entries(specs))
    columns[name] = allocate(spec, evaluateDim(sizeOf(spec.shape), dims));
  return columns;
}

/** One sample to be written into a batch. */
export interface CollatedRow {
  readonly sample: number;
  readonly history: History;
  /** First position of the sample in columns of positions. */
  readonly at: number;
}

/**
 * A split whose samples are sequences of `lengthOf` positions, padded to L: `fillRow` writes a sample's positions,
 * what is known of its subject is written here.
 */
export function collateSamples(
  source: SampleSource,
  specs: Readonly<Record<string, InputSpec>>,
  lengthOf: (sample: number) => number,
  fillRow: (feeds: Columns, row: CollatedRow) => void,
): BatchSource {
  return {
    size: source.size,
    specs,
    lengthOf,
    collate(samples) {
      const B = samples.length;
      const longest = samples.reduce((n, sample) => Math.max(n, lengthOf(sample)), 1);
      const L = sequenceLength(B, longest);
      const feeds = allocateColumns(specs, { B, L });
      for (const [b, sample] of samples.entries()) {
        const history = source.read(sample);
        fillRow(feeds, { sample, history, at: b * L });
        fillSample(feeds, b, { source, sample, history });
      }
      return { feeds, dims: { B, L } };
    },
  };
}

/** The named columns of a split, with codes as the tokenizer's units. */
export function sequenceInputs(
  source: SampleSource,
  tokenizer: Tokenizer,
  columns: readonly SequenceColumn[],
): BatchSource {
  const specs = specsOf({ ...CODE_COLUMNS, ...SAMPLE_COLUMNS }, columns);
  const lengthOf = (sample: number) => Math.max(1, source.lengthOf(sample));
  return collateSamples(source, specs, lengthOf, (feeds, { sample, history, at }) => {
    const row = { history, ageYears: source.ageYears[sample] as number, at };
    fillCodes(feeds, row, tokenizer.unit);
    fillInterval(feeds, "within", row);
    fillInterval(feeds, "between", row);
  });
}
