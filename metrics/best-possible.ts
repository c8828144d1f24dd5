/** What the true risk itself would score: the ceiling of a binary task on synthetic data. */
import { averagePrecision, prevalence } from "./binary.ts";
import { checkInputs } from "./inputs.ts";
import { sumsOf, type Values } from "./ranking.ts";

export interface BestPossible {
  /** AUPRC of the true risk. */
  readonly auprc: number | null;
  /** Share of the way from prevalence to that AUPRC that the model went; may be below 0 or above 1. */
  readonly reached: number | null;
  /** Why there is no value. */
  readonly reason?: string;
}

/**
 * AUPRC of the true risk on the same samples, and `(auprc - prevalence) / (best - prevalence)`.
 * @param labels 0 or 1, [S]
 * @param trueRisk [S]; NaN where the twin states none
 * @param auprc the model's, null where undefined
 * @throws BenchError when a risk is neither NaN nor in [0, 1].
 */
export function bestPossible(
  labels: Uint8Array,
  trueRisk: Values,
  auprc: number | null,
): BestPossible {
  let unknown = 0;
  for (const risk of trueRisk) if (Number.isNaN(risk)) unknown++;
  if (unknown > 0) {
    return {
      auprc: null,
      reached: null,
      reason: `the true risk of ${unknown} of ${labels.length} samples is not stated`,
    };
  }
  checkInputs({ kind: "binary", classes: ["true risk"] }, labels, trueRisk);
  const sums = sumsOf(labels, trueRisk);
  const best = averagePrecision(sums);
  if (Number.isNaN(best)) {
    return { auprc: null, reached: null, reason: "only one outcome occurs" };
  }
  const chance = prevalence(sums);
  if (auprc === null) return { auprc: best, reached: null, reason: "the model has no AUPRC" };
  if (best <= chance) {
    return { auprc: best, reached: null, reason: "the true risk tells no more than prevalence" };
  }
  return { auprc: best, reached: (auprc - chance) / (best - chance) };
}
