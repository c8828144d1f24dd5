/** Small whole runs for tests: a store from a twin or a demo, and a plan with tiny settings. */
import { join } from "node:path";
import type { EventStore } from "../../core/event-store.ts";
import type { Hyperparameters } from "../../core/model.ts";
import { datasets } from "../../Dataset/index.ts";
import { ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";
import { generateTwin, type TwinLayout } from "../../Dataset/synthetic/index.ts";
import { models } from "../../ehr-models/index.ts";
import { hyperparameters, taskOptions } from "../../harness/options.ts";
import type { Progress } from "../../harness/progress.ts";
import type { RunPlan } from "../../harness/run.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { SMALL_MODELS } from "./small-models.ts";

export const silent: Progress = { start() {}, update() {}, end() {}, say() {} };

/** The store of a dataset's raw files below `dir`. */
export async function storeOf(dataset: string, root: string, dir: string): Promise<EventStore> {
  const { folder } = await ingest(datasets.get(dataset), { root, cacheDir: join(dir, "cache") });
  return openStore(folder);
}

/** The store of a small synthetic twin. */
export async function twinStore(
  layout: TwinLayout,
  subjects: number,
  dir: string,
): Promise<EventStore> {
  const out = join(dir, `twin-${layout}-${subjects}`);
  await generateTwin({ layout, subjects, seed: 3, out });
  return storeOf(layout, out, dir);
}

const TINY: Readonly<Record<string, string[]>> = {
  transformer: ["width=16", "heads=2", "layers=1", "feedForward=16", "maxCodes=48"],
  logistic: [],
  ethos: [
    ...["width=16", "heads=2", "layers=1", "feedForward=32"],
    ...["context=128", "newTokens=32", "futures=2"],
  ],
};

/** What the conformance suite uses, with larger batches and short histories, where nothing else is said. */
function smallSettings(name: string): Hyperparameters {
  const model = models.get(name);
  const tiny = TINY[name];
  if (tiny !== undefined) return hyperparameters(model, undefined, tiny);
  const short = { batchSize: 32, ...("maxCodes" in model.defaults ? { maxCodes: 48 } : {}) };
  return { ...model.defaults, ...SMALL_MODELS[name]?.settings, ...short };
}

/** A plan that runs in a second or two; `changes` replace its fields. */
export function smallPlan(
  task: string,
  model: string,
  dir: string,
  changes: Partial<RunPlan> = {},
): RunPlan {
  const definition = tasks.get(task);
  return {
    task: definition,
    taskOptions: taskOptions(definition, []),
    protocol: "strict",
    flaws: [],
    model: models.get(model),
    hyperparameters: smallSettings(model),
    modelFiles: {},
    tokenizer: tokenizers.get("baseline"),
    tokenizerOptions: {},
    tokenizerDir: null,
    pretrainEpochs: 1,
    epochs: 2,
    patience: 2,
    bootstrapDraws: 20,
    threads: 1,
    seeds: [0],
    resultsDir: join(dir, "results"),
    cacheDir: join(dir, "cache"),
    ...changes,
  };
}
