/** A model: samples -> probabilities. */
import type { LabelKind, LabelSpec } from "./label.ts";
import type { Random } from "./random.ts";
import type { HistoryLimit, SampleSource } from "./samples.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A score on the tuning split by which epochs are compared; higher is better. */
export interface TuningScore {
  readonly value: number;
  /** `auprc`, or `negative_loss` where AUPRC is undefined on the tuning split (no positives, say). */
  readonly name: "auprc" | "negative_loss";
}

export interface EpochReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

export interface TrainingOptions {
  /** Upper bound on epochs. */
  readonly epochs: number;
  /** Epochs without a better tuning score before training stops. */
  readonly patience: number;
}

export interface FitContext {
  readonly train: SampleSource;
  readonly tuning: SampleSource;
  readonly labels: LabelSpec;
  readonly tokenizer: Tokenizer;
  readonly training: TrainingOptions;
  /** Streams to derive: "init", "shuffle", "dropout". */
  readonly random: Random;
  readonly threads: number;
  /** Scores probabilities [S × C] of the tuning split. */
  readonly score: (probabilities: Float32Array) => TuningScore;
  /** Called after each step, for progress display only. */
  readonly report: (progress: EpochReport) => void;
  /** Training stops between two steps when this is aborted, by throwing its reason. */
  readonly signal: AbortSignal;
}

export interface EpochSummary {
  readonly epoch: number;
  readonly train_loss: number;
  readonly tuning_score: number;
}

export interface TrainingSummary {
  readonly epochs: number;
  readonly best_epoch: number;
  readonly stopped_by: "patience" | "epochs";
  readonly selected_on: TuningScore["name"];
  readonly curve: readonly EpochSummary[];
  readonly parameters: number;
}

export interface FittedModel {
  readonly summary: TrainingSummary;
  /** Probabilities [S × C], row-major, in the order of the samples; multiclass rows sum to 1. */
  predict(samples: SampleSource): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Hyperparameters are numbers, booleans or words, so that a command line can set each of them. */
export type Hyperparameters = Readonly<Record<string, number | string | boolean>>;

export interface ModelDefinition {
  readonly name: string;
  /** Raised when any prediction could change. */
  readonly version: number;
  readonly description: string;
  readonly reference: string;
  readonly accepts: readonly LabelKind[];
  /** Every hyperparameter with its default value. */
  readonly defaults: Hyperparameters;
  /** Named sets of overrides, e.g. the paper's values. */
  readonly presets: Readonly<Record<string, Hyperparameters>>;
  history(hyperparameters: Hyperparameters): HistoryLimit;
  fit(context: FitContext, hyperparameters: Hyperparameters): Promise<FittedModel>;
}
