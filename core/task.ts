/** A task: when predictions are made, what the answer is, and what history may be shown. */
import type { CodeKind, EventStore } from "./event-store.ts";
import type { LabelSpec } from "./label.ts";
import type { Flaw, Flaws } from "./protocol.ts";

/** What a sample of a task may show, on top of the rule `time <= prediction time`, which is never optional. */
export interface HistorySpec {
  /** Kinds of codes that are hidden where they belong to the index visit, e.g. its diagnoses or its drugs. */
  readonly hideIndexVisit: readonly CodeKind[];
}

/** A numeric option of a task, e.g. the readmission window. */
export interface TaskOption {
  readonly description: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export type TaskOptions = Readonly<Record<string, number>>;

/** One step of the cohort's selection, in order: how many candidates are left after it. */
export interface CohortStep {
  readonly step: string;
  readonly samples: number;
}

/**
 * What would have to happen after the prediction time for each class to be positive, as events, for models
 * that generate futures. Codes are exact, or prefixes ending in "*"; an event that is both of a class and
 * of `until` is the outcome.
 */
export interface Outcome {
  /** [C] codes of which one must occur. */
  readonly classes: readonly (readonly string[])[];
  /**
   * Codes of which one has to come before anything else counts, where the task has only subjects of whom it
   * did (those admitted again, say): a future without it gives no answer. Left out: every future does.
   */
  readonly given?: readonly string[];
  /** Codes at which the wait ends without the outcome; the first of either kind decides. */
  readonly until: readonly string[];
  /** Days after the prediction time at which the wait ends; null for no limit. */
  readonly withinDays: number | null;
}

/** Cohort and labels under protocol `paper`; without flaws they are those of the task itself. */
export interface PaperTask {
  /** Flaws of cohort, labels and visible history, all of which are on unless the user says otherwise. */
  readonly flaws: readonly Flaw[];
  labels(options: TaskOptions, flaws: Flaws): string;
  cohort(store: EventStore, options: TaskOptions, flaws: Flaws): Promise<readonly CohortStep[]>;
}

export interface TaskDefinition {
  readonly name: string;
  /** Raised when any label could change. */
  readonly version: number;
  /** Of a task that comes from a file: the hash of what the file says; part of every record. */
  readonly definitionHash?: string;
  /** One sentence a clinician would accept. */
  readonly description: string;
  /** Where the definition comes from: citation or DOI. */
  readonly reference: string;
  /** The label under the default options, and under all others where there is no `labelSpecOf`. */
  readonly labelSpec: LabelSpec;
  /** The label where an option changes its classes; its kind is that of `labelSpec`. */
  labelSpecOf?(options: TaskOptions): LabelSpec;
  readonly mainMetric: "auprc";
  /** Names of the datasets it is defined for; any other pair is refused. */
  readonly datasets: readonly string[];
  readonly options: Readonly<Record<string, TaskOption>>;
  readonly history: HistorySpec;
  /** Whether every sample is a hospital stay with a recorded end, which some layouts of a source lack. */
  readonly overStays?: boolean;
  /** Rules about who is in, who is out and how censoring is treated, one sentence each; printed by `tasks`. */
  readonly rules: readonly string[];
  /**
   * SQL over the views of the event store, one row a label:
   *   subject_id BIGINT, prediction_time TIMESTAMP, visit_id BIGINT (index visit, may be null),
   *   value BOOLEAN (binary) | INTEGER class index (multiclass) | INTEGER[] positive class indices (multilabel)
   */
  labels(options: TaskOptions): string;
  /** Counts after each rule of the cohort, from all visits to the samples. */
  cohort(store: EventStore, options: TaskOptions): Promise<readonly CohortStep[]>;
  /** The task as the paper's code has it; left out where the paper's code has no such task. */
  readonly paper?: PaperTask;
  /** Column of the view `true_risk` (synthetic twins only) that holds the true risk of this binary label;
   * null where the twin states none for these options. Left out by tasks that are not binary. */
  trueRisk?(options: TaskOptions): string | null;
  /**
   * Of a multilabel task over stays with at least one drug order, whose classes are drugs ordered in them: SQL
   * over the view `true_products` (synthetic twins only), rows drug INTEGER, product INTEGER, class INTEGER
   * index: the products of which one order makes the class positive.
   */
  trueOrders?(options: TaskOptions): string;
  /** Left out, or null, where the answer is no event that could be waited for (a stay's length, say). */
  outcome?(options: TaskOptions): Outcome | null;
}
