/** Labels and what kinds of them there are. */

/** `binary`: one probability; `multiclass`: classes exclude each other; `multilabel`: they do not. */
export type LabelKind = "binary" | "multiclass" | "multilabel";

export interface LabelSpec {
  readonly kind: LabelKind;
  /** Class names in column order; a binary task has one, its positive class. */
  readonly classes: readonly string[];
  /**
   * The codes each class stands for, where a class is a code or a group of codes (drugs, say): codes, or
   * prefixes ending in "*". Lets a model see the classes in the past.
   */
  readonly classCodes?: readonly (readonly string[])[];
}

/** Labels of a task, column by column, sorted by subject then prediction time then visit. */
export interface Labels {
  readonly spec: LabelSpec;
  /** S. */
  readonly size: number;
  readonly subject: Float64Array; // [S]
  readonly predictionTime: Float64Array; // [S] µs; a model sees events with time <= this
  /** The visit the prediction is about ("index visit"); NaN where there is none. */
  readonly visit: Float64Array; // [S]
  readonly split: Uint8Array; // [S] index into SPLITS
  /** 0 or 1, row-major; a multiclass row has exactly one 1. */
  readonly value: Uint8Array; // [S × C]
}
