/**
 * AUPRC and AUROC as the MedTok paper's code computes them: pooled over classes, and as the mean over batches.
 * For protocol `paper` only; the other metrics are left as they are.
 */
import type { LabelSpec } from "../core/label.ts";
import { areaUnderRoc, averagePrecision } from "./binary.ts";
import type { EvaluationInput, Metric, MetricTable } from "./evaluate.ts";
import { meanDefined } from "./panel.ts";
import { column, type RankSums, sumsOf } from "./ranking.ts";

export interface PaperMetrics {
  /** Samples in a batch over which is averaged; null for the whole split at once. */
  readonly batch: number | null;
  /** Whether all (sample, class) pairs are pooled, where there are several classes. */
  readonly micro: boolean;
}

type Score = (sums: RankSums) => number;

function scoreOf(
  { classes }: LabelSpec,
  labels: Uint8Array,
  probabilities: Float32Array | Float64Array,
  micro: boolean,
  score: Score,
): number {
  if (micro) return score(sumsOf(labels, probabilities));
  const values = Float64Array.from(classes, (_, c) =>
    score(sumsOf(column(labels, classes.length, c), column(probabilities, classes.length, c))),
  );
  return meanDefined(values);
}

/** Mean over whole batches, in the order of the samples; all samples where they fill none. NaN where undefined. */
function averaged(input: EvaluationInput, how: PaperMetrics, score: Score): number {
  const { spec, labels, probabilities } = input;
  const micro = how.micro && spec.kind !== "binary";
  const width = spec.classes.length;
  const size = labels.length / width;
  const batch = how.batch === null || how.batch > size ? size : how.batch;
  const values = new Float64Array(batch === 0 ? 0 : Math.floor(size / batch)).map((_, b) => {
    const [from, to] = [b * batch * width, (b + 1) * batch * width];
    return scoreOf(spec, labels.subarray(from, to), probabilities.subarray(from, to), micro, score);
  });
  return meanDefined(values);
}

/** The table of `evaluate` with AUPRC and AUROC replaced; they have no interval and no values per class. */
export function asThePaperDoes(
  input: EvaluationInput,
  table: MetricTable,
  how: PaperMetrics,
): MetricTable {
  const replace = (metric: Metric, score: Score): Metric => {
    const value = averaged(input, how, score);
    const { interval: _, interval_reason: __, reason: ___, per_class: ____, ...rest } = metric;
    const average = how.micro && metric.average === "macro" ? "micro" : metric.average;
    return Number.isNaN(value)
      ? { ...rest, average, value: null, reason: "undefined in every batch" }
      : { ...rest, average, value, interval_reason: "protocol paper gives none" };
  };
  return {
    ...table,
    auprc: replace(table.auprc, averagePrecision),
    auroc: replace(table.auroc, areaUnderRoc),
  };
}
