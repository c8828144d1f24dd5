/** What the harness uses of this folder. Metrics know labels and probabilities, nothing else. */
export { type BestPossible, bestPossible, macroBestPossible, noCeiling } from "./best-possible.ts";
export { DEFAULT_DRAWS, DISTANCE, type Interval, PERCENTILES } from "./bootstrap.ts";
export {
  type ClassEstimate,
  type Estimate,
  type EvaluationInput,
  evaluate,
  type Metric,
  type MetricTable,
} from "./evaluate.ts";
export { type Limits, type PairedDifference, pairedDifference } from "./paired.ts";
export {
  type DrawnDifference,
  drawDifferences,
  meanOverSeeds,
  overSubjects,
  overSubjectsAndSeeds,
} from "./paired-draws.ts";
export type { Average, MetricName } from "./panel.ts";
export { asThePaperDoes, type PaperMetrics } from "./paper.ts";
export type { Interactions } from "./sets.ts";
export { mean, standardDeviation } from "./statistics.ts";
export { chooseThresholds } from "./threshold.ts";
export { logLoss, tuningScore } from "./tuning-score.ts";
