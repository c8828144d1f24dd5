/** From the flags of `run` to a plan with all defaults filled in; what can be refused is refused before anything is read. */
import { resolve } from "node:path";
import type { InferredOptionTypes, Options } from "yargs";
import yargs from "yargs";
import { models } from "../ehr-models/index.ts";
import { tokenizers } from "../tokenizers/index.ts";
import { cacheFolder } from "./cache.ts";
import { chooseTask, taskFlags } from "./choose-task.ts";
import { givenByName } from "./given-knowledge.ts";
import { datasetOptions } from "./open-dataset.ts";
import {
  hyperparameters,
  modelFiles,
  parseSeeds,
  tokenizerFiles,
  tokenizerOptions,
  wholeNumber,
} from "./options.ts";
import { checkModel, checkTask } from "./pairing.ts";
import { chooseFlaws, protocolFlags } from "./protocol.ts";
import type { RunPlan } from "./run.ts";

/** Flags that say what is run. */
export const planFlags = {
  ...taskFlags,
  model: {
    type: "string",
    default: "transformer",
    describe: `which model: ${models.names.join(", ")}`,
  },
  preset: { type: "string", describe: "a named set of hyperparameters of the model, e.g. paper" },
  set: { type: "string", array: true, default: [], describe: "hyperparameter, name=value" },
  "model-file": {
    type: "string",
    array: true,
    default: [],
    describe: "an extra file of the model, name=path, e.g. ddi=pairs.csv",
  },
  "pretrain-epochs": {
    type: "number",
    describe: "epochs of each pretraining stage; 0 skips them, left out: the model's default",
  },
  tokenizer: {
    type: "string",
    default: "baseline",
    describe: `which tokenizer: ${tokenizers.names.join(", ")}`,
  },
  "tokenizer-preset": { type: "string", describe: "a named set of the tokenizer's options" },
  "tokenizer-set": {
    type: "string",
    array: true,
    default: [],
    describe: "option of the tokenizer, name=value",
  },
  "tokenizer-file": {
    type: "string",
    array: true,
    default: [],
    describe: "an extra file of the tokenizer, name=path, e.g. codes=all_codes_mappings.parquet",
  },
  "tokenizer-dir": { type: "string", describe: "a trained tokenizer's folder to load" },
  ...protocolFlags,
  seeds: { type: "string", default: "0", describe: "comma-separated seeds; one record each" },
  epochs: { type: "number", default: 20, describe: "upper bound on epochs" },
  patience: {
    type: "number",
    default: 4,
    describe: "epochs without a better tuning score before training stops",
  },
  draws: { type: "number", default: 1000, describe: "bootstrap draws for the intervals" },
  out: { type: "string", default: "results", describe: "folder for records (below it, runs/)" },
} as const satisfies Record<string, Options>;

const runFlags = { ...datasetOptions, ...planFlags };
export type RunFlags = InferredOptionTypes<typeof runFlags>;

/** The flags of a command line of `run`, without the command's name. */
export function parseRunFlags(argv: readonly string[]): RunFlags {
  const parser = yargs([...argv])
    .help(false)
    .version(false)
    .exitProcess(false);
  return parser.options(runFlags).parseSync() as RunFlags;
}

/** @throws BenchError for unknown names and values that nothing can be done with. */
export async function resolvePlan(flags: RunFlags): Promise<RunPlan> {
  const { task, options } = await chooseTask(flags);
  const model = models.get(flags.model);
  const tokenizer = tokenizers.get(flags.tokenizer);
  return {
    task,
    taskOptions: options,
    protocol: flags.protocol,
    flaws: chooseFlaws(flags, task, flags.dataset),
    model,
    hyperparameters: hyperparameters(model, flags.preset, flags.set),
    modelFiles: modelFiles(model, flags["model-file"]),
    tokenizer,
    tokenizerOptions: tokenizerOptions(
      tokenizer,
      flags["tokenizer-preset"],
      flags["tokenizer-set"],
    ),
    given: givenByName(tokenizerFiles(tokenizer, flags["tokenizer-file"]), {
      memoryLimitMb: flags.memory,
      threads: flags.threads,
    }),
    tokenizerDir: flags["tokenizer-dir"] === undefined ? null : resolve(flags["tokenizer-dir"]),
    epochs: wholeNumber("epochs", flags.epochs, 1),
    pretrainEpochs:
      flags["pretrain-epochs"] === undefined
        ? null
        : wholeNumber("pretrain-epochs", flags["pretrain-epochs"], 0),
    patience: wholeNumber("patience", flags.patience, 1),
    bootstrapDraws: wholeNumber("draws", flags.draws, 1),
    threads: flags.threads,
    seeds: parseSeeds(flags.seeds),
    resultsDir: resolve(flags.out),
    cacheDir: cacheFolder(flags["cache-dir"]),
  };
}

/** Refuses what cannot go well before anything is read. */
export function checkPlan(dataset: string, plan: RunPlan): void {
  const { model, tokenizer } = plan;
  checkTask(plan.task, dataset);
  checkModel(model, plan.task, plan.taskOptions, tokenizer);
  model.checkFiles?.(plan.hyperparameters, plan.modelFiles);
  tokenizer.check({
    options: plan.tokenizerOptions,
    directory: plan.tokenizerDir,
    given: plan.given,
  });
}
