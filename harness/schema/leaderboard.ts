/** The leaderboard: groups of rows that may be compared, ranked by AUPRC. */
import { z } from "zod";
import {
  count,
  type DeepReadonly,
  flaws,
  hash,
  maskedShare,
  name,
  protocol,
  settings,
  source,
  taskOptions,
  tokenizerOrigin,
  version,
} from "./common.ts";

/** Raised when a field is added or changes its meaning. */
export const LEADERBOARD_VERSION = 3;

/** How the interval over several seeds is made; part of every row so that it cannot be misread. */
export const POOLED_METHOD =
  "mean over seeds +- 1.96 x sqrt(mean variance of the bootstrap over subjects, from the width of each " +
  "seed's interval, + (1 + 1/n) x variance between seeds) (Rubin 1987), within [0, 1]";
export const SINGLE_METHOD = "bootstrap over subjects of the only seed";

const rowSchema = z.strictObject({
  rank: z.int().positive().nullable().describe("by mean AUPRC within the group; null without one"),
  model: name,
  model_version: version,
  tokenizer: name,
  tokenizer_version: version,
  settings: z
    .strictObject({
      hyperparameters: settings,
      epochs: z.int().positive(),
      patience: z.int().positive(),
      pretrain_epochs: count.nullable().describe("null: the model's own default; 0: skipped"),
      model_files: z.record(z.string(), hash),
      tokenizer_options: settings,
    })
    .describe("rows of one model and tokenizer with other settings are other rows"),
  tokenizer_artefacts: z
    .array(hash)
    .describe("what the tokenizer learned or loaded; several where it depends on the seed"),
  tokenizer_origin: tokenizerOrigin
    .nullable()
    .describe("null where an older record does not tell; rows of different origins are apart"),
  seeds: z.array(z.int()).describe("ascending"),
  auprc: z.strictObject({
    mean: z.number().nullable().describe("over the seeds for which it is defined"),
    sd: z.number().nullable().describe("sample standard deviation; null for fewer than two seeds"),
    n: count.describe("seeds for which it is defined"),
    interval: z
      .strictObject({
        low: z.number(),
        high: z.number(),
        level: z.literal(0.95),
        method: z.string(),
      })
      .nullable()
      .describe("null unless every averaged seed has an interval"),
  }),
  prevalence: maskedShare.nullable().describe("mean over seeds: what a constant score reaches"),
  reached: z
    .number()
    .nullable()
    .describe("synthetic twins: mean share of the best possible AUPRC above prevalence"),
  difference_to_baseline: z
    .strictObject({
      mean: z.number(),
      sd: z.number().nullable(),
      n: z.int().positive().describe("seeds that both have"),
      interval: z
        .strictObject({ low: z.number(), high: z.number() })
        .nullable()
        .describe("95 %, Student's t over seeds; about these held-out subjects; null for one seed"),
    })
    .nullable()
    .describe(
      "mean over common seeds of AUPRC minus that of the same model and settings with tokenizer baseline",
    ),
  run_ids: z.array(z.string()),
});

const groupSchema = z.strictObject({
  dataset: name,
  source,
  dataset_version: z.string(),
  dataset_fingerprint: hash,
  task: name,
  task_version: version,
  task_options: taskOptions,
  task_definition: hash.describe("of a task from a file: the hash of what it says").optional(),
  protocol,
  flaws: flaws.optional(),
  rows: z.array(rowSchema),
});

export const leaderboardSchema = z
  .strictObject({
    schema_version: z.literal(LEADERBOARD_VERSION),
    metric: z.literal("auprc").describe("average precision on the held-out split"),
    groups: z
      .array(groupSchema)
      .describe("rows are ranked within a group only: same data, task, options and protocol"),
    left_out: z
      .array(z.strictObject({ run_id: z.string(), reason: z.string() }))
      .describe("records that are not ranked, e.g. of superseded task versions"),
  })
  .describe("medtok-bench leaderboard, a pure function of the result records");

export type Leaderboard = DeepReadonly<z.infer<typeof leaderboardSchema>>;
export type LeaderboardGroup = Leaderboard["groups"][number];
export type LeaderboardRow = LeaderboardGroup["rows"][number];
