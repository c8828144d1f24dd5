/** The number by which epochs are compared. */
import { BenchError } from "../core/errors.ts";
import type { LabelSpec } from "../core/label.ts";
import type { TuningScore } from "../core/model.ts";
import { averagePrecision } from "./binary.ts";
import { checkInputs } from "./inputs.ts";
import { meanDefined } from "./panel.ts";
import { column, sumsOf, type Values } from "./ranking.ts";

/** Probabilities are 32-bit floats: nearer to 0 or 1 than this they count as this near. */
const SMALLEST = 2 ** -24;

/**
 * Mean negative log likelihood in nats: over samples for exclusive classes, else over (sample, class)
 * pairs. Probabilities are kept 2^-24 away from 0 and 1. NaN without samples.
 */
export function logLoss(spec: LabelSpec, labels: Uint8Array, probabilities: Values): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - SMALLEST, Math.max(SMALLEST, probabilities[i] as number));
    if (labels[i] === 1) total -= Math.log(p);
    else if (spec.kind !== "multiclass") total -= Math.log1p(-p);
  }
  return total / (spec.kind === "multiclass" ? labels.length / spec.classes.length : labels.length);
}

/**
 * AUPRC on tuning, over classes the mean of those with both outcomes; the negative log loss where no
 * class has both. Higher is better.
 * @param labels 0 or 1, row-major [S × C]
 * @param probabilities row-major [S × C]
 * @throws BenchError without samples, or when a probability is not in [0, 1].
 */
export function tuningScore(
  spec: LabelSpec,
  labels: Uint8Array,
  probabilities: Values,
): TuningScore {
  if (checkInputs(spec, labels, probabilities) === 0) {
    throw new BenchError({
      what: "the tuning split has no samples, so no epoch can be chosen",
      fix: "use more subjects, or another task",
    });
  }
  const classes = spec.classes.length;
  const values = Float64Array.from(spec.classes, (_, c) =>
    averagePrecision(sumsOf(column(labels, classes, c), column(probabilities, classes, c))),
  );
  const auprc = meanDefined(values);
  return Number.isNaN(auprc)
    ? { value: -logLoss(spec, labels, probabilities), name: "negative_loss" }
    : { value: auprc, name: "auprc" };
}
