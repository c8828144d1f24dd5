/**
 * A run: one plan, one record per seed. What does not depend on the seed (labels, samples) is prepared
 * once; each seed then trains, looks at the held-out split once, and writes its record.
 */
import { join } from "node:path";
import type { EventStore } from "../core/event-store.ts";
import type { FittedModel } from "../core/model.ts";
import type { CohortStep } from "../core/task.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { buildRecord, buildSpec } from "./build-record.ts";
import { openCheckpoints, type RunCheckpoints } from "./checkpoints.ts";
import { keepModel } from "./model-files.ts";
import { writePredictions } from "./predictions.ts";
import { type Prepared, prepare, prepareSeed } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import { checkedFlaws, cohortUnder } from "./protocol.ts";
import { type ResultRecord, runId, writeRecord } from "./record.ts";
import { Stopwatch } from "./stopwatch.ts";
import { type SeedPlan, trainAndScore } from "./train-and-score.ts";

/** Everything that says what to run, resolved, with all defaults filled in. */
export interface RunPlan extends Omit<SeedPlan, "seed" | "checkpointsOf" | "keep"> {
  readonly seeds: readonly number[];
  /** Records go to `runs/` below it. */
  readonly resultsDir: string;
}

/** What the seeds of a plan share. */
export interface Stage {
  readonly prepared: Prepared;
  readonly steps: readonly CohortStep[];
  /** Seconds of the work that the seeds share. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** Reads labels and samples; says so where nothing is held out. */
export async function prepareStage(
  store: EventStore,
  plan: RunPlan,
  progress: Progress,
): Promise<Stage> {
  const watch = new Stopwatch();
  const limit = plan.model.history(plan.hyperparameters);
  const prepared = await prepare(store, plan, limit, progress, watch);
  const steps = await watch.time("labels", () =>
    cohortUnder(plan.task, store, plan.taskOptions, checkedFlaws(plan)),
  );
  if (prepared.sources.held_out.size === 0) {
    progress.say(
      "NO HELD-OUT SAMPLES: every metric will be null. Use more subjects or another task.",
    );
  }
  return { prepared, steps, seconds: watch.seconds };
}

/** Trains and scores every seed of a plan. @returns the records as written, small counts masked. */
export async function runSeeds(
  store: EventStore,
  plan: RunPlan,
  progress: Progress,
): Promise<ResultRecord[]> {
  const stage = await prepareStage(store, plan, progress);
  const records: ResultRecord[] = [];
  for (const seed of plan.seeds) records.push(await runSeed(store, plan, seed, stage, progress));
  return records;
}

async function runSeed(
  store: EventStore,
  plan: RunPlan,
  seed: number,
  { prepared: shared, steps, seconds }: Stage,
  progress: Progress,
): Promise<ResultRecord> {
  const watch = new Stopwatch(seconds);
  const limit = plan.model.history(plan.hyperparameters);
  const prepared = await watch.time("samples", async () =>
    prepareSeed(store, shared, plan, limit, seed),
  );
  const specOf = ({ artefactHash }: Tokenizer) => buildSpec(store.info, plan, seed, artefactHash);
  let checkpoints: RunCheckpoints | undefined;
  const checkpointsOf = (tokenizer: Tokenizer) => {
    const id = runId(specOf(tokenizer));
    const found = (key: string) => progress.say(`${key}: an interrupted run left a checkpoint`);
    checkpoints = openCheckpoints(plan.cacheDir, id, found);
    return checkpoints;
  };
  const keep = (fitted: FittedModel, tokenizer: Tokenizer) =>
    keepModel(plan.cacheDir, specOf(tokenizer), fitted, prepared, tokenizer);
  // Under this flaw epochs are numbered, and a resumed run would number them anew.
  const resumes = !plan.flaws.includes("last-epoch");
  const seedPlan = { ...plan, seed, keep, ...(resumes && { checkpointsOf }) };
  const outcome = await trainAndScore(prepared, seedPlan, progress, watch);
  const record = await buildRecord({ store, plan, seed, prepared, steps, outcome, watch });
  const { probabilities } = outcome;
  await writePredictions(store, plan.cacheDir, record.run_id, prepared, probabilities);
  const written = await writeRecord(join(plan.resultsDir, "runs"), record);
  await checkpoints?.remove();
  progress.say(`record: ${written.file}`);
  return written.record;
}
