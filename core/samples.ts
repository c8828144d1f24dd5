/**
 * Samples as models see them. A `SampleSource` is the only way to a subject's past: it is made by the
 * harness, which cuts the timeline at the prediction time, and it never hands out anything later.
 */
import type { LabelSpec } from "./label.ts";

/** How much history a model wants. */
export interface HistoryLimit {
  /** At most this many codes are kept, the most recent ones. */
  readonly maxCodes: number;
  /** `every`: each occurrence; `once-per-visit`: the first occurrence of a code in each visit. */
  readonly repeats: "every" | "once-per-visit";
}

/**
 * The visible history of one sample: codes oldest first (time, then kind, then code). The arrays are
 * views into buffers that the next call of `read` overwrites. Static facts are not among the codes.
 */
export interface History {
  /** Number of codes, n. */
  length: number;
  /** Row in the code table. */
  code: Int32Array; // [n]
  /** Index into CODE_KINDS. */
  kind: Uint8Array; // [n]
  /** 0-based ordinal of the visit inside this history; codes outside visits take the visit before them. */
  visit: Int32Array; // [n]
  /** Days from the event to the prediction time, >= 0. */
  daysBefore: Float32Array; // [n]
  /** Number of visits with a code in this history, T. */
  visitCount: number;
  /** Days from the visit's start to the prediction time. */
  visitStart: Float32Array; // [T]
  /** Days from the visit's end to the prediction time; NaN while the visit is not over. */
  visitEnd: Float32Array; // [T]
}

/** Samples of one split, in a fixed order. Implemented in harness/samples.ts only. */
export interface SampleSource {
  /** S. */
  readonly size: number;
  readonly labelSpec: LabelSpec;
  /** Codes of the sample's history after the limit was applied. */
  lengthOf(sample: number): number;
  read(sample: number): History;
  /** 0 or 1 per class; a view, [C]. */
  label(sample: number): Uint8Array;
  /** Age at the prediction time in years, at most 90; NaN when unknown. */
  readonly ageYears: Float32Array; // [S]
  /** 0 unknown, 1 female, 2 male. */
  readonly sex: Uint8Array; // [S]
  /** 0 unknown or not seen in training subjects; from one vocabulary made on training subjects. */
  readonly race: Uint8Array; // [S]
  /** Size of the race vocabulary, unknown included. */
  readonly raceCount: number;
}
