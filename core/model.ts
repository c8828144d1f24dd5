/** A model: samples -> probabilities. */
import type { Hyperparameters } from "./hyperparameters.ts";
import type { LabelKind, LabelSpec } from "./label.ts";
import type { Random } from "./random.ts";
import type { HistoryLimit, SampleSource } from "./samples.ts";
import type { Outcome } from "./task.ts";
import type { CodeTable, Tokenizer, TokenizerDefinition } from "./tokenizer.ts";

/** A score on the tuning split by which epochs are compared; higher is better. */
export interface TuningScore {
  readonly value: number;
  /** `auprc`, or `negative_loss` where AUPRC is undefined on the tuning split (no positives, say). */
  readonly name: "auprc" | "negative_loss";
}

export interface EpochReport {
  /** `train`, or the name of a pretraining stage. */
  readonly stage?: string;
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
  /** Epochs of each pretraining stage; null for the model's own default, 0 skips pretraining. */
  readonly pretrainEpochs: number | null;
}

/** What a model can rely on about a task without knowing which task it is. */
export interface Target {
  readonly labels: LabelSpec;
  /** Null where the answer is no event that could be waited for. */
  readonly outcome: Outcome | null;
}

/**
 * Where a fit keeps its state between epochs, so that a killed run resumes. Keys name stages. What is
 * loaded was saved by the same specification; anything else is treated as absent.
 */
export interface Checkpoints {
  load(key: string): Promise<Uint8Array | undefined>;
  /** Written beside and renamed. */
  save(key: string, bytes: Uint8Array): Promise<void>;
}

export interface FitContext extends Target {
  readonly train: SampleSource;
  readonly tuning: SampleSource;
  /** The code table whose rows `History.code` names. */
  readonly codes: CodeTable;
  /**
   * Whole timelines of the training subjects, one sample a subject, for pretraining: everything that was
   * ever recorded, nothing hidden, no labels. Never of other splits.
   */
  timelines(limit: HistoryLimit): Promise<SampleSource>;
  /** Paths of extra files the user gave for this model (`--model-file ddi=FILE`), by name; see `ModelDefinition.files`. */
  readonly files: Readonly<Record<string, string>>;
  /** Left out: nothing is kept, a killed fit starts again. */
  readonly checkpoints?: Checkpoints;
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

/** A pretraining stage as it was run; `epochs` 0 when it was skipped. */
export interface PretrainSummary {
  readonly stage: string;
  readonly epochs: number;
  /** Mean training loss of each epoch. */
  readonly losses: readonly number[];
}

export interface TrainingSummary {
  readonly epochs: number;
  readonly best_epoch: number;
  readonly stopped_by: "patience" | "epochs";
  readonly selected_on: TuningScore["name"];
  readonly curve: readonly EpochSummary[];
  readonly parameters: number;
  /** Left out by models without pretraining. */
  readonly pretraining?: readonly PretrainSummary[];
}

/** An input or output of an exported model; named sizes are B (samples), L (code positions) and the like. */
export interface PortSpec {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** A trained model as one self-contained ONNX file. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly PortSpec[];
  /** `probabilities`, [B, C] but for models that answer by other means (`columns`). */
  readonly output: PortSpec;
  /** What the output's last axis stands for where that is not the classes of the task, e.g. tokens to come. */
  readonly columns?: readonly string[];
  /** Written as `vocabulary.json` instead of the tokenizer's, by models with tokens of their own. */
  readonly vocabulary?: Readonly<Record<string, unknown>>;
  /** What a user of the file must know beside its ports. */
  readonly notes?: readonly string[];
}

export interface FittedModel {
  readonly summary: TrainingSummary;
  /** Probabilities [S × C], row-major, in the order of the samples; multiclass rows sum to 1. */
  predict(samples: SampleSource): Promise<Float32Array>;
  /** Left out by models that have no such form. */
  exportOnnx?(): Promise<ExportedModel>;
  dispose(): Promise<void>;
}

export type { Hyperparameters } from "./hyperparameters.ts";

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
  /** Extra files the model can read, by name, and what each is; a user gives them with --model-file. */
  readonly files?: Readonly<Record<string, string>>;
  /** Why the model cannot do a task or read a tokenizer's units; null when it can. Speaks of kinds, never of names of tasks. */
  refuses?(target: Target, tokenizer: TokenizerDefinition): string | null;
  /** Refuses hyperparameters that no fit can use, before anything is read. @throws BenchError */
  check(given: Hyperparameters): void;
  /** Refuses extra files that are missing or hold nothing usable, before any data is read. @throws BenchError */
  checkFiles?(given: Hyperparameters, files: FitContext["files"]): void;
  history(hyperparameters: Hyperparameters): HistoryLimit;
  fit(context: FitContext, hyperparameters: Hyperparameters): Promise<FittedModel>;
}
