/** From what a run knows to its result record. */
import { readFileSync } from "node:fs";
import type { EventStore, SplitName, StoreInfo } from "../core/event-store.ts";
import { sha256 } from "../core/hash.ts";
import type { CohortStep } from "../core/task.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { datasets } from "../Dataset/index.ts";
import { chosenRuntime } from "../engine/runner.ts";
import { ceilingOf } from "./ceiling.ts";
import { classCounts, labelCounts } from "./labels.ts";
import { predictionsHash } from "./predictions.ts";
import { type Prepared, unknownCodes } from "./prepare.ts";
import { makeRecord, type ResultRecord, type RunSpec, type SplitSummary } from "./record.ts";
import type { RunPlan } from "./run.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { SeedOutcome } from "./train-and-score.ts";
import { gitState, harnessVersion } from "./version.ts";

export interface RunFacts {
  readonly store: EventStore;
  readonly plan: RunPlan;
  readonly seed: number;
  readonly prepared: Prepared;
  readonly steps: readonly CohortStep[];
  readonly outcome: SeedOutcome;
  readonly watch: Stopwatch;
}

/** The record of one seed, small counts not yet masked (`writeRecord` masks them). */
export async function buildRecord(facts: RunFacts): Promise<ResultRecord> {
  const { store, prepared, steps, outcome, watch } = facts;
  const { info } = store;
  return makeRecord({
    created_at: new Date().toISOString(),
    spec: buildSpec(info, facts.plan, facts.seed, outcome.tokenizer.artefactHash),
    harness: describeHarness(facts.plan.threads),
    data: {
      source: info.source,
      dataset_version: info.dataset_version,
      fingerprint: info.fingerprint,
      subjects: info.subjects,
      visits: info.visits,
      events: info.events,
    },
    cohort: { steps, splits: cohortSplits(prepared, outcome.tokenizer) },
    metrics: outcome.metrics as ResultRecord["metrics"],
    best_possible: await ceilingOf(facts),
    tokenizer_origin: tokenizerOrigin(facts.plan),
    training: outcome.training,
    timings: watch.seconds,
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    predictions_hash: predictionsHash(outcome.probabilities),
  });
}

function tokenizerOrigin({ tokenizerDir, given }: RunPlan): ResultRecord["tokenizer_origin"] {
  if (tokenizerDir !== null) return "folder";
  return given === undefined ? "run" : "files";
}

/** Everything needed to run it again; its hash is the run id, so no path, clock or thread count is in it. */
export function buildSpec(info: StoreInfo, plan: RunPlan, seed: number, artefact: string): RunSpec {
  return {
    dataset: info.dataset,
    dataset_definition_version: datasets.get(info.dataset).version,
    dataset_fingerprint: info.fingerprint,
    synthetic: info.synthetic,
    task: plan.task.name,
    task_version: plan.task.version,
    task_options: plan.taskOptions,
    ...(plan.task.definitionHash === undefined
      ? {}
      : { task_definition: plan.task.definitionHash }),
    protocol: plan.protocol,
    ...(plan.protocol === "paper" ? { flaws: plan.flaws } : {}),
    model: plan.model.name,
    model_version: plan.model.version,
    hyperparameters: plan.hyperparameters,
    model_files: Object.fromEntries(
      Object.entries(plan.modelFiles).map(([name, file]) => [name, sha256(readFileSync(file))]),
    ),
    tokenizer: plan.tokenizer.name,
    tokenizer_version: plan.tokenizer.version,
    tokenizer_options: plan.tokenizerOptions,
    tokenizer_artefact: artefact,
    seed,
    epochs: plan.epochs,
    patience: plan.patience,
    pretrain_epochs: plan.pretrainEpochs,
    bootstrap_draws: plan.bootstrapDraws,
  };
}

function describeHarness(threads: number): ResultRecord["harness"] {
  const git = gitState();
  const runtime = chosenRuntime();
  return {
    version: harnessVersion(),
    commit: git?.commit ?? null,
    dirty: git?.dirty ?? null,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    runtime: runtime?.name ?? "none",
    runtime_version: runtime?.version ?? "none",
    threads,
  };
}

/** Counts per split: subjects, samples, positives, and what the model's history limit left out. */
export function cohortSplits(
  prepared: Prepared,
  tokenizer: Tokenizer,
): Readonly<Record<SplitName, SplitSummary>> {
  const entries = labelCounts(prepared.labels).map((counts): [SplitName, SplitSummary] => {
    const { split, subjects, samples } = counts;
    const source = prepared.sources[split];
    const { codes, unknown, unseen } = unknownCodes(source, tokenizer, prepared.trainSubjects);
    return [
      split,
      {
        subjects,
        samples,
        classes: classCounts(prepared.labels, counts),
        history: {
          samples_cut: source.truncation.samples,
          codes_cut: source.truncation.codes,
          unknown_codes_share: codes === 0 ? null : unknown / codes,
          unseen_codes_share: codes === 0 ? null : unseen / codes,
        },
      },
    ];
  });
  return Object.fromEntries(entries) as Record<SplitName, SplitSummary>;
}
