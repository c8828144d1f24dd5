/** What a source's layout has to say: its files, and how one life becomes rows. */
import type { Random } from "../../core/random.ts";
import type { Life, Truth } from "./life.ts";
import type { AddRows } from "./table-set.ts";

export interface LayoutWriter {
  /** Path below the root without `.csv.gz` -> header line. */
  readonly headers: Readonly<Record<string, string>>;
  /** Rows that do not depend on any subject. */
  dictionaries(add: AddRows): void;
  /** Rows of one subject; `random` is for what has no bearing on any outcome. */
  subject(index: number, life: Life, random: Random, add: AddRows): void;
}

export const TRUTH_HEADER =
  "subject_id,hadm_id,mortality_next,readmission_15d,readmission_30d,mortality_48h";

const digits = (p: number | undefined): string => (p === undefined ? "" : p.toFixed(6));

/** A line of the truth file. */
export function truthLine(subject: number, admission: number, truth: Truth): string {
  return `${subject},${admission},${digits(truth.mortalityNext)},${digits(truth.readmission15)},${digits(truth.readmission30)},${digits(truth.mortality48h)}\n`;
}

/** A CSV field, quoted where it must be. */
export function csv(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A CSV field that is always quoted, and empty when it is null. */
export function quoted(text: string): string {
  return text === "" ? "" : `"${text.replaceAll('"', '""')}"`;
}

/** `2 × "1.5"` as text without noise; text that is no number is kept. */
export function times(amount: number, text: string): string {
  const value = Number(text);
  return amount === 1 || Number.isNaN(value) ? text : String(Number((value * amount).toFixed(4)));
}
