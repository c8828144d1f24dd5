/** All metrics of one split with their intervals, as they stand in a result record. */
import type { LabelSpec } from "../core/label.ts";
import type { Random } from "../core/random.ts";
import type { Interval } from "./bootstrap.ts";
import {
  bootstrap,
  DEFAULT_DRAWS,
  distanceInterval,
  indexSubjects,
  percentileInterval,
} from "./bootstrap.ts";
import { calibrationDistance } from "./calibration.ts";
import { checkInputs } from "./inputs.ts";
import { multiclassPanel } from "./multiclass.ts";
import { multilabelPanel } from "./multilabel.ts";
import type { Average, MetricName, Panel, PanelMetric } from "./panel.ts";
import { binaryPanel, panelSize } from "./panel.ts";
import { type Interactions, SET_THRESHOLD } from "./sets.ts";

/** A value or null with a reason, with its interval. */
export interface Estimate {
  readonly value: number | null;
  /** Why there is no value. */
  readonly reason?: string;
  readonly interval?: Interval;
  /** Why there is a value but no interval, where one was asked for. */
  readonly interval_reason?: string;
  /** AUPRC only: share of positives, which is what a constant score reaches; for an average over
   * classes the mean over the averaged ones. */
  readonly prevalence?: number;
  /** Where probabilities were cut: F1 of binary and multilabel labels, chosen on tuning; metrics of sets, fixed. */
  readonly threshold?: number;
}

export interface ClassEstimate extends Estimate {
  readonly class: string;
}

export interface Metric extends Estimate {
  readonly higher_is_better: boolean;
  readonly average: Average;
  readonly per_class?: readonly ClassEstimate[];
}

/** Metrics by name, AUPRC first; those that may be absent are there for multilabel labels only, the rate of interactions where interactions are given. */
export type MetricTable = Readonly<
  Record<"auprc" | "auroc" | "f1" | "brier" | "ece", Metric> &
    Partial<
      Record<"micro_auprc" | "micro_auroc" | "sample_jaccard" | "sample_f1" | "ddi_rate", Metric>
    >
>;

export interface EvaluationInput {
  readonly spec: LabelSpec;
  /** 0 or 1, row-major. */
  readonly labels: Uint8Array; // [S × C]
  readonly probabilities: Float32Array | Float64Array; // [S × C]
  /** Subject id of each sample. */
  readonly subjects: Float64Array; // [S]
  /** One per class, from `chooseThresholds` on the tuning split. */
  readonly thresholds: readonly (number | null)[]; // [C]
  /** Pairs of classes that interact, for multilabel labels whose classes are drugs. */
  readonly interactions?: Interactions;
  /** The stream of the bootstrap; it is not advanced. */
  readonly random: Random;
  /** Bootstrap draws; 0 for no intervals. */
  readonly draws?: number;
}

/** Counts behind one value, from which follows why it is undefined. */
interface Facts {
  readonly samples: number;
  readonly positives: number;
  readonly threshold: number | null;
}

function whyUndefined(metric: MetricName, kind: LabelSpec["kind"], facts: Facts): string {
  if (facts.samples === 0) return "no samples";
  if (facts.positives === 0) return "no positives";
  if (metric === "f1" && kind !== "multiclass") return "no threshold, as tuning has no positives";
  return "no negatives";
}

/** Everything the assembly of one table needs. */
interface Result {
  readonly input: EvaluationInput;
  readonly panel: Panel;
  /** Values without resampling, [metrics × (1 + C)]. */
  readonly point: Float64Array;
  /** Drawn values of each slot of `point`; of the calibration error, the draws' distances. */
  readonly drawn: readonly Float64Array[];
  readonly facts: readonly Facts[]; // [C]
  readonly subjects: number;
}

function estimate(result: Result, slot: number, reason: string): Estimate {
  const value = result.point[slot] as number;
  if (Number.isNaN(value)) return { value: null, reason };
  const values = result.drawn[slot] as Float64Array;
  if (values.length === 0) return { value };
  if (result.subjects < 2) return { value, interval_reason: "a single subject" };
  const metric = result.panel.metrics[Math.floor(slot / (1 + result.panel.classes))]?.name;
  const interval = metric === "ece" ? distanceInterval(value, values) : percentileInterval(values);
  return interval === undefined
    ? { value, interval_reason: "defined in fewer than half of the draws" }
    : { value, interval };
}

function withDetails(
  metric: MetricName,
  base: Estimate,
  prevalence: number,
  threshold: number | null,
) {
  return {
    ...base,
    ...(metric.endsWith("auprc") && !Number.isNaN(prevalence) ? { prevalence } : {}),
    ...(metric === "f1" && threshold !== null ? { threshold } : {}),
  };
}

function classEstimates(result: Result, metric: PanelMetric, first: number): ClassEstimate[] {
  const { spec } = result.input;
  return spec.classes.map((name, c) => {
    const facts = result.facts[c] as Facts;
    const base = estimate(result, first + 1 + c, whyUndefined(metric.name, spec.kind, facts));
    const prevalence = facts.positives / facts.samples;
    return { class: name, ...withDetails(metric.name, base, prevalence, facts.threshold) };
  });
}

/** Draws with an overall value in which a class that has a point value was undefined. */
function incompleteDraws(result: Result, first: number): number {
  const averaged = result.facts
    .map((_, c) => first + 1 + c)
    .filter((slot) => !Number.isNaN(result.point[slot]));
  const overall = result.drawn[first] ?? new Float64Array(0);
  let count = 0;
  for (let d = 0; d < overall.length; d++) {
    if (Number.isNaN(overall[d])) continue;
    if (averaged.some((slot) => Number.isNaN(result.drawn[slot]?.[d]))) count++;
  }
  return count;
}

function overallPrevalence(result: Result, metric: PanelMetric, first: number): number {
  const { facts, point } = result;
  const averaged =
    metric.average === "macro"
      ? facts.filter((_, c) => !Number.isNaN(point[first + 1 + c]))
      : facts;
  return averaged.reduce((sum, f) => sum + f.positives / f.samples, 0) / averaged.length;
}

function overallEstimate(result: Result, metric: PanelMetric, first: number): Estimate {
  const { kind } = result.input.spec;
  const samples = (result.facts[0] as Facts).samples;
  const only = result.facts[0] as Facts;
  if (metric.average === "samples" || metric.average === "pairs") {
    const reason = samples === 0 ? "no samples" : "no predicted set holds a pair";
    return { ...estimate(result, first, reason), threshold: SET_THRESHOLD };
  }
  const reason =
    metric.average === "none" || samples === 0
      ? whyUndefined(metric.name, kind, only)
      : "undefined for every class";
  const base = estimate(result, first, reason);
  const threshold = metric.average === "none" ? only.threshold : null;
  const full = withDetails(metric.name, base, overallPrevalence(result, metric, first), threshold);
  if (metric.average !== "macro" || full.interval === undefined) return full;
  return {
    ...full,
    interval: { ...full.interval, incomplete_draws: incompleteDraws(result, first) },
  };
}

const LOWER_IS_BETTER: ReadonlySet<MetricName> = new Set(["brier", "ece", "ddi_rate"]);

function assemble(result: Result): MetricTable {
  const width = 1 + result.panel.classes;
  const entries = result.panel.metrics.map((metric, m): [MetricName, Metric] => {
    const first = m * width;
    return [
      metric.name,
      {
        ...overallEstimate(result, metric, first),
        higher_is_better: !LOWER_IS_BETTER.has(metric.name),
        average: metric.average,
        ...(metric.perClass ? { per_class: classEstimates(result, metric, first) } : {}),
      },
    ];
  });
  // Every panel lists the five metrics that MetricTable requires.
  return Object.fromEntries(entries) as unknown as MetricTable;
}

function factsOf(input: EvaluationInput, samples: number): Facts[] {
  const classes = input.spec.classes.length;
  const positives = new Float64Array(classes);
  input.labels.forEach((label, i) => {
    positives[i % classes] = (positives[i % classes] as number) + label;
  });
  return input.spec.classes.map((_, c) => ({
    samples,
    positives: positives[c] as number,
    threshold: input.thresholds[c] ?? null,
  }));
}

const PANELS = { binary: binaryPanel, multiclass: multiclassPanel, multilabel: multilabelPanel };

/**
 * AUPRC, AUROC, F1, Brier score and expected calibration error with 95 % intervals, overall and per
 * class; for multilabel labels also micro averages and scores of predicted sets. The order of the samples does not matter.
 * @throws BenchError when a probability is not in [0, 1], or those of a multiclass row do not sum to 1.
 * @throws Error when shapes disagree.
 */
export function evaluate(input: EvaluationInput): MetricTable {
  const { spec, labels, probabilities, thresholds, draws = DEFAULT_DRAWS } = input;
  const samples = checkInputs(spec, labels, probabilities);
  if (input.subjects.length !== samples || thresholds.length !== spec.classes.length) {
    throw new Error(
      `subjects [${input.subjects.length}] must be [${samples}], thresholds [${thresholds.length}] [${spec.classes.length}]`,
    );
  }
  const { count, index } = indexSubjects(input.subjects);
  const panel = PANELS[spec.kind]({
    classes: spec.classes.length,
    labels,
    probabilities,
    subject: index,
    thresholds,
    ...(input.interactions === undefined ? {} : { interactions: input.interactions }),
  });
  const point = new Float64Array(panelSize(panel));
  panel.measure(new Uint8Array(count).fill(1), point);
  const drawn = Array.from(point, () => new Float64Array(draws));
  const block = new Float64Array(point.length);
  if (count >= 2) {
    bootstrap(count, draws, input.random, (multiplicity, draw) => {
      panel.measure(multiplicity, block, calibrationDistance);
      block.forEach((value, slot) => {
        (drawn[slot] as Float64Array)[draw] = value;
      });
    });
  }
  return assemble({ input, panel, point, drawn, facts: factsOf(input, samples), subjects: count });
}
