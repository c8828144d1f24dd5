/** The result record: one run with one seed. Aggregates only; see harness/small-counts.ts for real data. */
import { z } from "zod";
import {
  count,
  type DeepReadonly,
  flaws,
  hash,
  masked,
  name,
  protocol,
  seconds,
  settings,
  share,
  source,
  subjectCount,
  taskOptions,
  tokenizerOrigin,
  version,
} from "./common.ts";
import { metricsSchema } from "./metrics.ts";

/** Raised when a field changes its name or meaning; records of another version are refused. */
export const RECORD_VERSION = 2;

const specSchema = z
  .strictObject({
    dataset: name,
    dataset_definition_version: version,
    dataset_fingerprint: hash.describe("over raw files, loader version and loader options"),
    synthetic: z
      .strictObject({
        subjects: z.int().positive(),
        seed: z.int(),
        generator_version: version,
        structure: z.string(),
      })
      .nullable()
      .describe("how the synthetic twin was made, from its SYNTHETIC.json; null for other sources"),
    task: name,
    task_version: version,
    task_options: taskOptions,
    task_definition: hash.describe("of a task from a file: the hash of what it says").optional(),
    protocol,
    flaws: flaws.optional(),
    model: name,
    model_version: version,
    hyperparameters: settings,
    model_files: z
      .record(z.string(), hash)
      .describe("SHA-256 of each extra file given for the model, by name"),
    tokenizer: name,
    tokenizer_version: version,
    tokenizer_options: settings,
    tokenizer_artefact: hash.describe("what the tokenizer learned or loaded"),
    seed: z.int(),
    epochs: z.int().positive(),
    patience: z.int().positive(),
    pretrain_epochs: count.nullable().describe("null: the model's own default; 0: skipped"),
    bootstrap_draws: count,
  })
  .refine((spec) => (spec.protocol === "paper") === (spec.flaws !== undefined), {
    path: ["flaws"],
    message: "must be there under protocol paper, and only then",
  })
  .describe("everything needed to run it again");

const harnessSchema = z.strictObject({
  version: z.string(),
  commit: z.string().nullable().describe("null outside a git checkout"),
  dirty: z.boolean().nullable(),
  node: z.string(),
  platform: z.string(),
  runtime: z.string(),
  runtime_version: z.string(),
  threads: z.int().positive(),
});

const dataSchema = z.strictObject({
  source,
  dataset_version: z.string().describe("release of the source"),
  fingerprint: hash,
  subjects: subjectCount,
  visits: subjectCount,
  events: count,
});

const splitSchema = z
  .strictObject({
    subjects: subjectCount,
    samples: subjectCount,
    classes: z.array(
      z.strictObject({
        class: z.string(),
        positives: subjectCount,
        prevalence: z.union([share, masked]).nullable().describe("null without samples"),
      }),
    ),
    history: z.strictObject({
      samples_cut: subjectCount.describe("samples with more codes than the model takes"),
      codes_cut: subjectCount.describe("codes left out of those"),
      unknown_codes_share: z
        .union([share, masked])
        .nullable()
        .describe("share of visible codes the tokenizer does not know; null without codes"),
      unseen_codes_share: z
        .union([share, masked])
        .nullable()
        .describe("share of visible codes that no training subject has; null without codes")
        .optional(),
    }),
  })
  .meta({ id: "split" });

const cohortSchema = z.strictObject({
  steps: z
    .array(z.strictObject({ step: z.string(), samples: subjectCount }))
    .describe("candidates left after each rule of the cohort"),
  splits: z.strictObject({ train: splitSchema, tuning: splitSchema, held_out: splitSchema }),
});

const bestPossibleSchema = z
  .strictObject({
    auprc: share
      .nullable()
      .describe(
        "AUPRC of the true risk on the held-out split; for several labels macro over classes",
      ),
    reached: z.number().nullable().describe("(auprc - prevalence) / (best - prevalence)"),
    reason: z.string().optional(),
  })
  .nullable()
  .describe("on synthetic twins, tasks whose true risk the generator knows; null elsewhere");

const trainingSchema = z.strictObject({
  epochs: count,
  best_epoch: count,
  stopped_by: z.enum(["patience", "epochs"]),
  selected_on: z.enum(["auprc", "negative_loss"]),
  curve: z.array(
    z.strictObject({ epoch: count, train_loss: z.number(), tuning_score: z.number() }),
  ),
  parameters: count,
  pretraining: z
    .array(
      z.strictObject({
        stage: z.string(),
        epochs: count.describe("0 when the stage was skipped"),
        losses: z.array(z.number()),
      }),
    )
    .optional()
    .describe("stages before training, of models that have some"),
});

export const recordSchema = z
  .strictObject({
    schema_version: z.literal(RECORD_VERSION),
    run_id: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe("hash of spec"),
    created_at: z.iso.datetime().describe("UTC; the only date in a record"),
    spec: specSchema,
    harness: harnessSchema,
    data: dataSchema,
    cohort: cohortSchema,
    metrics: metricsSchema,
    best_possible: bestPossibleSchema,
    tokenizer_origin: tokenizerOrigin.optional().describe("not in older records"),
    training: trainingSchema,
    timings: z.record(z.string(), seconds).describe("seconds by stage"),
    peak_rss_mb: z.number().nonnegative(),
    predictions_hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("SHA-256 over the held-out probabilities, which stay private"),
    results_hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe(
        "SHA-256 over everything but created_at, harness, timings and peak_rss_mb: equal for equal runs, and " +
          "other once a number was edited; not in older records",
      )
      .optional(),
  })
  .refine((record) => record.best_possible === null || record.data.source === "synthetic", {
    path: ["best_possible"],
    message: "a true risk is known of synthetic twins only",
  })
  .refine((record) => record.spec.synthetic === null || record.data.source === "synthetic", {
    path: ["spec", "synthetic"],
    message: "may be given for synthetic twins only",
  })
  .describe(
    "medtok-bench result record: one run with one seed, aggregates only. No subject id, no date " +
      "but created_at, no count below 10 about real subjects.",
  );

export type ResultRecord = DeepReadonly<z.infer<typeof recordSchema>>;
export type RunSpec = ResultRecord["spec"];
export type SplitSummary = ResultRecord["cohort"]["splits"]["train"];
