/** Checks at the door: shapes, labels of 0 and 1, probabilities that are probabilities. */
import { BenchError } from "../core/errors.ts";
import type { LabelSpec } from "../core/label.ts";
import type { Values } from "./ranking.ts";

/** How far the probabilities of a multiclass row may sum from 1 (they are 32-bit floats). */
const SUM_TOLERANCE = 1e-3;

function checkRow(spec: LabelSpec, labels: Uint8Array, probabilities: Values, row: number): void {
  const classes = spec.classes.length;
  let positives = 0;
  let total = 0;
  for (let c = 0; c < classes; c++) {
    const i = row * classes + c;
    const p = probabilities[i] as number;
    const label = labels[i] as number;
    if (!(p >= 0 && p <= 1)) {
      throw new BenchError({
        what: `a model's probability must lie in [0, 1], but sample ${row}, class "${spec.classes[c]}" has ${p}`,
        fix: "NaN means that training diverged: lower the learning rate; another value is a mistake in the model",
      });
    }
    if (label > 1) throw new Error(`labels must be 0 or 1, sample ${row} has ${label}`);
    positives += label;
    total += p;
  }
  if (spec.kind !== "multiclass") return;
  if (positives !== 1)
    throw new Error(`a multiclass row has one 1, sample ${row} has ${positives}`);
  if (Math.abs(total - 1) > SUM_TOLERANCE) {
    throw new BenchError({
      what: `the probabilities of exclusive classes must sum to 1, those of sample ${row} sum to ${total}`,
      fix: "apply softmax to the model's logits once",
    });
  }
}

/**
 * @param labels row-major [S × C]
 * @param probabilities row-major [S × C]
 * @returns S
 * @throws BenchError when a probability is not in [0, 1], or a multiclass row does not sum to 1.
 * @throws Error when shapes or labels are wrong.
 */
export function checkInputs(spec: LabelSpec, labels: Uint8Array, probabilities: Values): number {
  const classes = spec.classes.length;
  if (classes === 0 || (spec.kind === "binary" && classes !== 1)) {
    throw new Error(`a ${spec.kind} label has ${classes} classes`);
  }
  if (labels.length !== probabilities.length || labels.length % classes !== 0) {
    throw new Error(
      `labels [${labels.length}] and probabilities [${probabilities.length}] must both be [S × ${classes}]`,
    );
  }
  const size = labels.length / classes;
  for (let row = 0; row < size; row++) checkRow(spec, labels, probabilities, row);
  return size;
}
