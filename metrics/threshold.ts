/** Where to cut probabilities for F1. Chosen on the tuning split, applied to the held-out one. */
import type { LabelSpec } from "../core/label.ts";
import { checkInputs } from "./inputs.ts";
import { column, type Values } from "./ranking.ts";
import { descendingOrder, sortKeys } from "./sort.ts";

/**
 * The threshold t for which "probability >= t" has the highest F1; the highest such t where several
 * tie. Null without positives.
 * @param labels 0 or 1, [S]
 * @param probabilities [S]
 */
export function bestF1Threshold(labels: Values, probabilities: Values): number | null {
  const order = descendingOrder(sortKeys(probabilities));
  let positives = 0;
  for (const label of labels) positives += label;
  let best: number | null = null;
  let bestF1 = 0;
  let hits = 0;
  order.forEach((sample, i) => {
    hits += labels[sample] as number;
    const p = probabilities[sample] as number;
    const next = order[i + 1];
    if (next !== undefined && probabilities[next] === p) return;
    const f1 = (2 * hits) / (i + 1 + positives);
    if (f1 <= bestF1) return;
    bestF1 = f1;
    best = p;
  });
  return best;
}

/**
 * One threshold per class, from the tuning split; null for a class without positives there.
 * Multiclass predictions are the most probable class, so all its thresholds are null.
 * @param labels 0 or 1, row-major [S × C]
 * @param probabilities row-major [S × C]
 * @throws BenchError when a probability is not in [0, 1].
 */
export function chooseThresholds(
  spec: LabelSpec,
  labels: Uint8Array,
  probabilities: Values,
): (number | null)[] {
  checkInputs(spec, labels, probabilities);
  const classes = spec.classes.length;
  return spec.classes.map((_, c) =>
    spec.kind === "multiclass"
      ? null
      : bestF1Threshold(column(labels, classes, c), column(probabilities, classes, c)),
  );
}
