/**
 * Samples -> padded arrays for models that read a history as a sequence of visits. A model names the columns
 * it wants and the order of the visits. Only the latest T visits are kept, and of each visit its latest M
 * codes; places of codes, visits and masks share one index, whatever the order (models.md R1, GB5).
 *
 * Codes come in two layouts. Flat: `codes` [B, L] with `membership` [B, L, T], so that sums over visits are
 * products without padding per visit. Grouped: `visitCodes` [B, T, M], for attention inside visits.
 */
import type { History, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { type BatchSource, type InputSpec, paddedLength, sequenceLength } from "./batch-source.ts";
import { sharesOf } from "./code-sums.ts";
import { allocateColumns, type Columns, fillSample, SAMPLE_COLUMNS, specsOf } from "./inputs.ts";

/** Ages are capped by the size of the table that models look them up in: 0 unknown, else 1 + whole years. */
export const AGE_ROWS = 103;
const DAYS_PER_YEAR = 365.25;

const VISIT_COLUMNS = {
  /** [B, L]: units of the tokenizer, oldest first, of the kept visits only. */
  codes: { type: "int32", shape: ["B", "L"] },
  /** [B, L]: 1 = real. */
  mask: { type: "float32", shape: ["B", "L"] },
  /** [B, L]: index into CODE_KINDS. */
  kinds: { type: "int32", shape: ["B", "L"] },
  /** [B, L]: 1 / n of a code that occurs n times among the kept ones; see `code-sums.ts`. */
  share: { type: "float32", shape: ["B", "L"] },
  /** [B, L]: 1 in the latest visit. */
  isLast: { type: "float32", shape: ["B", "L"] },
  /** [B, L, T]: 1 where the code belongs to the visit. */
  membership: { type: "float32", shape: ["B", "L", "T"] },
  /** [B, T, M]: the units of each visit, oldest first. */
  visitCodes: { type: "int32", shape: ["B", "T", "M"] },
  /** [B, T, M]: 1 = real. */
  visitCodesMask: { type: "float32", shape: ["B", "T", "M"] },
  /** [B, T, M]: index into CODE_KINDS. */
  visitKinds: { type: "int32", shape: ["B", "T", "M"] },
  /** [B, T]: 1 = a visit, 0 = padding. */
  visitMask: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: visits after this one; 0 for the latest. Does not depend on how many were cut. */
  visitsAfter: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: days from the visit's start to the prediction time; 0 where unknown. */
  visitDays: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: days between the start of the visit before and this one's; 0 for the first, or where unknown. */
  visitGap: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: 1 + whole years of age at the visit's start, at most AGE_ROWS - 1; 0 where unknown. */
  visitAge: { type: "int32", shape: ["B", "T"] },
} as const satisfies Readonly<Record<string, InputSpec>>;

export type VisitColumn = keyof typeof VISIT_COLUMNS | keyof typeof SAMPLE_COLUMNS;

export interface VisitOptions {
  /** T at most: visits kept, the latest. */
  readonly maxVisits: number;
  /** M at most: codes kept of each visit, the latest. */
  readonly maxVisitCodes: number;
  /** Which visit has slot 0; padding comes last in both. */
  readonly order: "oldest-first" | "latest-first";
  /** Whether T is always `maxVisits`, for recurrences that are unrolled; else the batch's longest history. */
  readonly fixedVisits: boolean;
}

/** Where the codes of a sample go: visits and codes that are cut have no place. */
export interface Placement {
  readonly visits: number;
  /** Visits that are cut, the oldest. */
  readonly cut: number;
  /** [T] first and one past the last kept code of each kept visit, oldest first, as places among `rowsByVisit`. */
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Rows of a history visit by visit; it is sorted by time, so the codes of one visit need not be neighbours. */
export function rowsByVisit(history: History): Int32Array {
  const rows = Int32Array.from({ length: history.length }, (_, i) => i);
  return rows.sort((a, b) => (history.visit[a] as number) - (history.visit[b] as number) || a - b);
}

/** Which of a history's codes are kept: the latest visits, and the latest codes of each. */
export function placeVisits(
  history: History,
  rows: Int32Array,
  options: Pick<VisitOptions, "maxVisits" | "maxVisitCodes">,
): Placement {
  const cut = Math.max(0, history.visitCount - options.maxVisits);
  const visits = history.visitCount - cut;
  const from = new Int32Array(visits);
  const to = new Int32Array(visits);
  let at = 0;
  for (let v = 0; v < history.visitCount; v++) {
    const start = at;
    while (at < rows.length && history.visit[rows[at] as number] === v) at++;
    if (v < cut) continue;
    from[v - cut] = Math.max(start, at - options.maxVisitCodes);
    to[v - cut] = at;
  }
  return { visits, cut, from, to };
}

interface Sizes {
  /** Kept codes, kept visits, and the most codes of a kept visit. */
  readonly codes: number;
  readonly visits: number;
  readonly widest: number;
}

function measure({ visits, from, to }: Placement): Sizes {
  let codes = 0;
  let widest = 0;
  for (let v = 0; v < visits; v++) {
    const n = (to[v] as number) - (from[v] as number);
    codes += n;
    widest = Math.max(widest, n);
  }
  return { codes, visits, widest };
}

interface Row {
  readonly b: number;
  readonly history: History;
  readonly rows: Int32Array;
  readonly placement: Placement;
  readonly ageYears: number;
  readonly dims: { readonly L: number; readonly T: number; readonly M: number };
  /** Slot of the v-th kept visit. */
  readonly slot: (v: number) => number;
}

function fillFlat(columns: Columns, row: Row, unit: Int32Array): void {
  const { codes, mask, kinds, membership, share, isLast } = columns;
  const { b, history, rows, placement, dims } = row;
  const first = b * dims.L;
  let at = first;
  const units: number[] = [];
  for (let v = 0; v < placement.visits; v++) {
    for (let i = placement.from[v] as number; i < (placement.to[v] as number); i++) {
      const from = rows[i] as number;
      units.push(unit[history.code[from] as number] as number);
      if (isLast !== undefined) isLast[at] = Number(v === placement.visits - 1);
      if (mask !== undefined) mask[at] = 1;
      if (kinds !== undefined) kinds[at] = history.kind[from] as number;
      if (membership !== undefined) membership[at * dims.T + row.slot(v)] = 1;
      at++;
    }
  }
  codes?.set(units, first);
  share?.set(sharesOf(Int32Array.from(units)), first);
}

function fillGrouped(columns: Columns, row: Row, unit: Int32Array): void {
  const { visitCodes, visitCodesMask, visitKinds } = columns;
  if (visitCodes === undefined && visitCodesMask === undefined && visitKinds === undefined) return;
  const { b, history, rows, placement, dims } = row;
  for (let v = 0; v < placement.visits; v++) {
    let at = (b * dims.T + row.slot(v)) * dims.M;
    for (let i = placement.from[v] as number; i < (placement.to[v] as number); i++) {
      const from = rows[i] as number;
      if (visitCodes !== undefined) visitCodes[at] = unit[history.code[from] as number] as number;
      if (visitCodesMask !== undefined) visitCodesMask[at] = 1;
      if (visitKinds !== undefined) visitKinds[at] = history.kind[from] as number;
      at++;
    }
  }
}

/** 1 + whole years at the visit's start; 0 where the age or the start is unknown. */
function ageRow(ageYears: number, daysBefore: number): number {
  const years = Math.floor(ageYears - daysBefore / DAYS_PER_YEAR);
  return Number.isNaN(years) ? 0 : 1 + Math.min(AGE_ROWS - 2, Math.max(0, years));
}

function fillVisits(columns: Columns, row: Row): void {
  const { visitMask, visitsAfter, visitDays, visitGap, visitAge } = columns;
  const { history, placement, dims } = row;
  const known = (days: number) => (Number.isNaN(days) ? 0 : days);
  for (let v = 0; v < placement.visits; v++) {
    const at = row.b * dims.T + row.slot(v);
    const visit = placement.cut + v;
    const start = history.visitStart[visit] as number;
    const before = visit === 0 ? start : (history.visitStart[visit - 1] as number);
    if (visitMask !== undefined) visitMask[at] = 1;
    if (visitsAfter !== undefined) visitsAfter[at] = placement.visits - 1 - v;
    if (visitDays !== undefined) visitDays[at] = known(start);
    if (visitGap !== undefined) visitGap[at] = Math.max(0, known(before - start));
    if (visitAge !== undefined) visitAge[at] = ageRow(row.ageYears, start);
  }
}

/** The named columns of a split. T, M and L of a batch are those of its largest sample, padded. */
export function visitInputs(
  source: SampleSource,
  tokenizer: Tokenizer,
  options: VisitOptions,
  columns: readonly VisitColumn[],
): BatchSource {
  const { maxVisits, order, fixedVisits } = options;
  const fixed = (spec: InputSpec): InputSpec =>
    fixedVisits ? { ...spec, shape: spec.shape.map((d) => (d === "T" ? maxVisits : d)) } : spec;
  const all = Object.entries(specsOf({ ...VISIT_COLUMNS, ...SAMPLE_COLUMNS }, columns));
  const specs = Object.fromEntries(all.map(([name, spec]) => [name, fixed(spec)]));
  const isGrouped = columns.some((name) => name.startsWith("visitCodes") || name === "visitKinds");
  const sizes = new Map<number, Sizes>();
  const sizesOf = (sample: number): Sizes => {
    const known = sizes.get(sample);
    if (known !== undefined) return known;
    const history = source.read(sample);
    const measured = measure(placeVisits(history, rowsByVisit(history), options));
    sizes.set(sample, measured);
    return measured;
  };
  const largest = (samples: Int32Array, size: keyof Sizes) =>
    samples.reduce((n, sample) => Math.max(n, sizesOf(sample)[size]), 1);
  return {
    size: source.size,
    specs,
    lengthOf: (sample) => {
      const { codes, visits, widest } = sizesOf(sample);
      return Math.max(1, isGrouped ? visits * widest : codes);
    },
    collate(samples) {
      const B = samples.length;
      const L = sequenceLength(B, largest(samples, "codes"));
      const T = fixedVisits ? maxVisits : largest(samples, "visits");
      const M = paddedLength(largest(samples, "widest"));
      const feeds = allocateColumns(specs, { B, L, T, M });
      for (const [b, sample] of samples.entries()) {
        const history = source.read(sample);
        const rows = rowsByVisit(history);
        const placement = placeVisits(history, rows, options);
        const ageYears = source.ageYears[sample] as number;
        const slot = (v: number) => (order === "oldest-first" ? v : placement.visits - 1 - v);
        const row: Row = { b, history, rows, placement, ageYears, dims: { L, T, M }, slot };
        fillFlat(feeds, row, tokenizer.unit);
        fillGrouped(feeds, row, tokenizer.unit);
        fillVisits(feeds, row);
        fillSample(feeds, b, { source, sample, history });
      }
      return { feeds, dims: { B, L, T, M } };
    },
  };
}
