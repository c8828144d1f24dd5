/** What the true risk itself would score: the ceiling of a task on synthetic data. */
import { averagePrecision, prevalence } from "./binary.ts";
import { checkInputs } from "./inputs.ts";
import { column, type RankSums, sumsOf, type Values } from "./ranking.ts";

export interface BestPossible {
  /** AUPRC of the true risk. */
  readonly auprc: number | null;
  /** Share of the way from prevalence to that AUPRC that the model went; may be below 0 or above 1. */
  readonly reached: number | null;
  /** Why there is no value. */
  readonly reason?: string;
}

/** A ceiling that is not stated. */
export function noCeiling(reason: string): BestPossible {
  return { auprc: null, reached: null, reason };
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
  return macroBestPossible(labels, 1, () => trueRisk, auprc);
}

/**
 * The same for C classes that do not exclude each other: AUPRC and prevalence are means over the classes
 * with both outcomes, which are those that a model's macro AUPRC is the mean of.
 * @param labels 0 or 1, row-major [S × C]
 * @param riskOf true risk of one class, [S]; called once a class, so that no [S × C] is ever held
 * @param auprc the model's macro AUPRC, null where undefined
 * @throws BenchError when a risk is neither NaN nor in [0, 1].
 */
export function macroBestPossible(
  labels: Uint8Array,
  classes: number,
  riskOf: (index: number) => Values,
  auprc: number | null,
): BestPossible {
  let [best, chance, count] = [0, 0, 0];
  for (let c = 0; c < classes; c++) {
    const risk = riskOf(c);
    let unknown = 0;
    for (const value of risk) if (Number.isNaN(value)) unknown++;
    if (unknown > 0) {
      return noCeiling(`the true risk of ${unknown} of ${risk.length} samples is not stated`);
    }
    const sums = classSums(labels, classes, c, risk);
    const precision = averagePrecision(sums);
    if (Number.isNaN(precision)) continue;
    best += precision;
    chance += prevalence(sums);
    count++;
  }
  if (count === 0) {
    return noCeiling(classes === 1 ? "only one outcome occurs" : "no class has both outcomes");
  }
  return share(best / count, chance / count, auprc);
}

function classSums(labels: Uint8Array, classes: number, c: number, risk: Values): RankSums {
  const own = Uint8Array.from(column(labels, classes, c));
  checkInputs({ kind: "binary", classes: ["true risk"] }, own, risk);
  return sumsOf(own, risk);
}

function share(best: number, chance: number, auprc: number | null): BestPossible {
  if (auprc === null) return { auprc: best, reached: null, reason: "the model has no AUPRC" };
  if (best <= chance) {
    return { auprc: best, reached: null, reason: "the true risk tells no more than prevalence" };
  }
  return { auprc: best, reached: (auprc - chance) / (best - chance) };
}
