/** Metrics as they stand in a record; the same shape as `MetricTable`, plus what masking puts in. */
import { z } from "zod";
import { DISTANCE, PERCENTILES } from "../../metrics/index.ts";
import { count, masked, maskedShare } from "./common.ts";

const draws = z.union([count, masked]);

const interval = z
  .strictObject({
    low: z.number(),
    high: z.number(),
    method: z
      .enum([PERCENTILES, DISTANCE])
      .describe(
        "percentiles of the draws; or, for the calibration error, which is biased upwards and more so in " +
          "draws, the value plus and minus what 95 % of the draws' gaps are away from the sample's",
      ),
    level: z.literal(0.95),
    draws: count,
    undefined_draws: draws.describe("draws in which the metric was undefined; left out"),
    incomplete_draws: draws
      .describe("averages only: draws in which some averaged class was undefined")
      .optional(),
  })
  .refine((i) => i.low <= i.high, "low must not be above high")
  .meta({ id: "interval" });

const estimate = {
  value: z.number().nullable().describe("null where undefined, with a reason"),
  reason: z.string().optional(),
  interval: interval.optional(),
  interval_reason: z.string().describe("why there is a value but no interval").optional(),
  prevalence: maskedShare
    .describe("AUPRC only: share of positives, which is what a constant score reaches")
    .optional(),
  threshold: z
    .number()
    .describe(
      "where probabilities were cut: F1 of binary and multilabel labels, from tuning; metrics of sets, 0.5",
    )
    .optional(),
};
const explained = (e: { value: number | null; reason?: string | undefined }) =>
  (e.value === null) === (e.reason !== undefined);
const MUST_EXPLAIN = "a metric has either a value or a reason";

const classEstimate = z
  .strictObject({ class: z.string(), ...estimate })
  .refine(explained, MUST_EXPLAIN)
  .meta({ id: "class_estimate" });

const metric = z
  .strictObject({
    ...estimate,
    higher_is_better: z.boolean(),
    average: z
      .enum(["none", "macro", "micro", "sum", "top_label", "samples", "pairs"])
      .describe(
        "none: one class; macro: mean over the classes for which it is defined; micro: all " +
          "(sample, class) pairs pooled; sum: over classes; top_label: of the most probable class; " +
          "samples: mean over samples of a score of their sets; pairs: all pairs in predicted sets pooled",
      ),
    per_class: z.array(classEstimate).optional(),
  })
  .refine(explained, MUST_EXPLAIN)
  .meta({ id: "metric" });

export const metricsSchema = z
  .strictObject({
    auprc: metric.describe("average precision: no interpolation, ties as one threshold"),
    auroc: metric.describe("ties count one half"),
    f1: metric.describe(
      "binary, multilabel: at the tuning threshold; multiclass: most probable class",
    ),
    brier: metric,
    ece: metric.describe("expected calibration error over ten equal-width bins"),
    micro_auprc: metric.optional(),
    micro_auroc: metric.optional(),
    sample_jaccard: metric
      .describe("predicted set against the true one, mean over samples; 1 where both are empty")
      .optional(),
    sample_f1: metric
      .describe("predicted set against the true one, mean over samples; 1 where both are empty")
      .optional(),
    ddi_rate: metric
      .describe("share of pairs of drugs in predicted sets that interact by the file given")
      .optional(),
  })
  .describe("of the held-out split, scored once and whole");
