/**
 * A panel computes all metrics of one evaluation under given subject weights, in one block of numbers:
 * the point estimate is the panel under weights of one, a bootstrap draw is the panel under
 * multiplicities. So both are the same code.
 */
import { areaUnderRoc, averagePrecision, f1 } from "./binary.ts";
import {
  brierScore,
  calibrationError,
  type Differences,
  differencesOf,
  type ErrorSums,
  sumErrors,
} from "./calibration.ts";
import { column, type Ranking, rank, scan } from "./ranking.ts";
import type { Interactions } from "./sets.ts";

export type MetricName =
  | "auprc"
  | "auroc"
  | "f1"
  | "brier"
  | "ece"
  | "micro_auprc"
  | "micro_auroc"
  | "sample_jaccard"
  | "sample_f1"
  | "ddi_rate";

/**
 * How a metric of several classes becomes one number. `none`: one class; `macro`: mean over the classes
 * for which it is defined; `micro`: all (sample, class) pairs pooled; `sum`: sum over classes (the
 * multiclass Brier score, 0 to 2); `top_label`: of the most probable class only; `samples`: mean over
 * samples of a score of their sets of classes; `pairs`: all pairs of classes in predicted sets pooled.
 */
export type Average = "none" | "macro" | "micro" | "sum" | "top_label" | "samples" | "pairs";

export interface PanelMetric {
  readonly name: MetricName;
  readonly average: Average;
  readonly perClass: boolean;
}

export interface Panel {
  readonly metrics: readonly PanelMetric[];
  /** C, or 0 where there are no values per class. */
  readonly classes: number;
  /**
   * Fills `out` [metrics × (1 + C)]: for each metric its overall value, then one value a class; NaN
   * where undefined.
   * @param weights one per subject
   * @param calibration what stands in the places of the calibration error: the error, or in draws its distance
   */
  measure(weights: Uint8Array, out: Float64Array, calibration?: CalibrationMeasure): void;
}

/** `calibrationError` or `calibrationDistance`. */
export type CalibrationMeasure = (sums: ErrorSums, all: Differences) => number;

/** Length of the block that `measure` fills. */
export function panelSize(panel: Panel): number {
  return panel.metrics.length * (1 + panel.classes);
}

/** Mean of the values that are not NaN; NaN when there is none. */
export function meanDefined(values: Float64Array): number {
  let total = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    total += value;
    count++;
  }
  return total / count;
}

/** What a panel is made from; samples refer to subjects by index. */
export interface PanelInput {
  /** C. */
  readonly classes: number;
  readonly labels: Uint8Array; // [S × C]
  readonly probabilities: Float32Array | Float64Array; // [S × C]
  /** Subject index of each sample. */
  readonly subject: Uint32Array; // [S]
  /** Per class; null where there is none. Not used for exclusive classes. */
  readonly thresholds: readonly (number | null)[];
  /** Multilabel only: pairs of classes that interact; see `sets.ts`. */
  readonly interactions?: Interactions;
}

/** One class, ready to be measured under any weights. */
export interface ClassData {
  readonly threshold: number | null;
  readonly ranking: Ranking;
  readonly differences: Differences;
}

/** Sorts class `c` once for all draws. */
export function classData(input: PanelInput, c: number): ClassData {
  const labels = column(input.labels, input.classes, c);
  const probabilities = column(input.probabilities, input.classes, c);
  const threshold = input.thresholds[c] ?? null;
  return {
    threshold,
    ranking: rank(labels, probabilities, input.subject, threshold),
    differences: differencesOf(labels, probabilities, input.subject),
  };
}

/** Metrics of one class, in the order of `measureClass`. */
export const CLASS_METRICS = ["auprc", "auroc", "f1", "brier", "ece"] as const;

/** The values of CLASS_METRICS for one class; F1 is NaN without a threshold. */
export function measureClass(
  data: ClassData,
  weights: Uint8Array,
  calibration: CalibrationMeasure = calibrationError,
): readonly [number, number, number, number, number] {
  const sums = scan(data.ranking, weights);
  const errors = sumErrors(data.differences, weights);
  return [
    averagePrecision(sums),
    areaUnderRoc(sums),
    data.threshold === null ? Number.NaN : f1(sums),
    brierScore(errors),
    calibration(errors, data.differences),
  ];
}

/** The panel of a label with one class. */
export function binaryPanel(input: PanelInput): Panel {
  const data = classData(input, 0);
  return {
    metrics: CLASS_METRICS.map((name) => ({ name, average: "none", perClass: false })),
    classes: 0,
    measure: (weights, out, calibration) => out.set(measureClass(data, weights, calibration)),
  };
}
