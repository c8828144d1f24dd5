/** A valid result record of a made-up run, for tests that vary one thing in it. */

import type { LabelKind } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import {
  makeRecord,
  type ResultRecord,
  type RunSpec,
  type SplitSummary,
} from "../../harness/record.ts";
import { evaluate } from "../../metrics/index.ts";

export interface ExampleOptions {
  readonly source?: ResultRecord["data"]["source"];
  readonly kind?: LabelKind;
  /** Samples and positives per class of each split; subjects are half the samples. */
  readonly splits?: Readonly<Record<"train" | "tuning" | "held_out", readonly number[]>>;
  readonly steps?: readonly (readonly [string, number])[];
  readonly spec?: Partial<RunSpec>;
  /** Overrides the AUPRC of the held-out split. */
  readonly auprc?: number | null;
  readonly createdAt?: string;
}

const SPEC: RunSpec = {
  dataset: "mimic4",
  dataset_definition_version: 1,
  dataset_fingerprint: "0123456789abcdef",
  synthetic: null,
  task: "mortality",
  task_version: 1,
  task_options: {},
  protocol: "strict",
  model: "transformer",
  model_version: 1,
  hyperparameters: { width: 64, dropout: 0.1 },
  model_files: {},
  tokenizer: "baseline",
  tokenizer_version: 1,
  tokenizer_options: {},
  tokenizer_artefact: "fedcba9876543210",
  seed: 0,
  epochs: 10,
  patience: 3,
  pretrain_epochs: null,
  bootstrap_draws: 100,
};

function splitSummary(
  [samples = 0, ...positives]: readonly number[],
  classes: string[],
): SplitSummary {
  return {
    subjects: Math.ceil(samples / 2),
    samples,
    classes: classes.map((name, c) => ({
      class: name,
      positives: positives[c] ?? 0,
      prevalence: samples === 0 ? null : (positives[c] ?? 0) / samples,
    })),
    history: {
      samples_cut: Math.floor(samples / 4),
      codes_cut: 3 * samples,
      unknown_codes_share: 0.125,
      unseen_codes_share: 0.0625,
    },
  };
}

/** Metrics of made-up probabilities for the given counts, one subject to two samples. */
function exampleMetrics(
  kind: LabelKind,
  classes: string[],
  counts: readonly number[],
  auprc: ExampleOptions["auprc"],
) {
  const [size = 0, ...positives] = counts;
  const random = Random.fromSeed(9).derive("example");
  const labels = new Uint8Array(size * classes.length);
  let taken = 0;
  positives.forEach((count, c) => {
    for (let i = 0; i < count; i++)
      labels[(kind === "multiclass" ? taken++ : i) * classes.length + c] = 1;
  });
  const share = 1 / classes.length;
  const metrics = evaluate({
    spec: { kind, classes },
    labels,
    probabilities: Float64Array.from(labels, () =>
      kind === "multiclass" ? share : random.uniform(),
    ),
    subjects: Float64Array.from({ length: size }, (_, i) => Math.floor(i / 2)),
    thresholds: classes.map(() => 0.5),
    random,
    draws: 100,
  }) as ResultRecord["metrics"];
  if (auprc === undefined) return metrics;
  const { interval: _, prevalence: __, ...rest } = metrics.auprc;
  const replaced =
    auprc === null
      ? { ...rest, value: null, reason: "no positives" }
      : {
          ...rest,
          value: auprc,
          prevalence: 0.25,
          interval: {
            low: auprc - 0.05,
            high: auprc + 0.05,
            method: "bootstrap over subjects" as const,
            level: 0.95 as const,
            draws: 100,
            undefined_draws: 0,
          },
        };
  return { ...metrics, auprc: replaced };
}

export function exampleRecord(options: ExampleOptions = {}): ResultRecord {
  const { source = "demo", kind = "binary" } = options;
  const splits = options.splits ?? { train: [700, 175], tuning: [100, 25], held_out: [200, 50] };
  const classes =
    kind === "binary" ? ["death"] : splits.held_out.slice(1).map((_, c) => `class ${c}`);
  const whole = Object.values(splits).reduce((sum, [samples = 0]) => sum + samples, 0);
  const steps = options.steps ?? [
    ["all visits", whole + 600],
    ["adults", whole + 60],
    ["samples", whole],
  ];
  return makeRecord({
    created_at: options.createdAt ?? "2026-03-01T12:00:00.000Z",
    spec: { ...SPEC, ...options.spec },
    harness: {
      version: "0.1.0",
      commit: null,
      dirty: null,
      node: "20.19.0",
      platform: "linux-x64",
      runtime: "onnxruntime",
      runtime_version: "1.30.0",
      threads: 1,
    },
    data: {
      source,
      dataset_version: "2.2",
      fingerprint: "0123456789abcdef",
      subjects: 5000,
      visits: whole + 600,
      events: 100_000,
    },
    cohort: {
      steps: steps.map(([step, samples]) => ({ step, samples })),
      splits: {
        train: splitSummary(splits.train, classes),
        tuning: splitSummary(splits.tuning, classes),
        held_out: splitSummary(splits.held_out, classes),
      },
    },
    metrics: exampleMetrics(kind, classes, splits.held_out, options.auprc),
    best_possible: null,
    training: {
      epochs: 2,
      best_epoch: 1,
      stopped_by: "epochs",
      selected_on: "auprc",
      curve: [
        { epoch: 1, train_loss: 0.5, tuning_score: 0.5 },
        { epoch: 2, train_loss: 0.25, tuning_score: 0.25 },
      ],
      parameters: 1000,
    },
    timings: { ingest: 1.5, train: 20.25 },
    peak_rss_mb: 512,
    predictions_hash: "ab".repeat(32),
  });
}
