/** `run`: from flags to a resolved plan; what can be refused is refused before anything is read. */
import { resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { models } from "../../ehr-models/index.ts";
import { startProfiling, takeProfiles } from "../../engine/profile.ts";
import { chooseRuntime, RUNTIMES } from "../../engine/runner.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { cacheFolder } from "../cache.ts";
import { chooseTask, taskFlags } from "../choose-task.ts";
import { defineCommand } from "../command.ts";
import { givenByName } from "../given-knowledge.ts";
import { datasetOptions, openDataset } from "../open-dataset.ts";
import {
  hyperparameters,
  modelFiles,
  parseSeeds,
  tokenizerFiles,
  tokenizerOptions,
  wholeNumber,
} from "../options.ts";
import { print } from "../output.ts";
import { checkModel, checkTask } from "../pairing.ts";
import { profileTable } from "../profile-table.ts";
import { openProgress } from "../progress.ts";
import { chooseFlaws, protocolFlags } from "../protocol.ts";
import { checkResultsFolder } from "../record.ts";
import type { RunPlan } from "../run.ts";
import { runSummary } from "../run-summary.ts";

export const runCommand = defineCommand({
  name: "run",
  describe: "Ingest, label, tokenise, train and evaluate; one result record per seed",
  examples: [
    ["run --dataset mimic4 --task drugrec", "the whole way on the synthetic twin"],
    [
      "run --dataset mimic4 --task mortality --root DIR --seeds 0,1,2",
      "three seeds on your own files",
    ],
    [
      "run --dataset mimic3 --task los --model logistic --dry-run",
      "the resolved plan and the cohort, no training",
    ],
  ],
  options: {
    ...datasetOptions,
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
    runtime: {
      choices: RUNTIMES,
      default: "onnxruntime" as const,
      describe:
        "what runs the tensor graphs; tfjs: the same numbers within float tolerance, slowly",
    },
    device: {
      choices: ["cpu", "webgpu", "cuda"] as const,
      default: "cpu" as const,
      describe: "only cpu so far",
    },
    profile: {
      type: "boolean",
      default: false,
      describe: "print where the time of training goes, by operation (to stderr)",
    },
    "dry-run": { type: "boolean", default: false, describe: "stop after the plan and the cohort" },
  },
  async run(args) {
    const { task, options } = await chooseTask(args);
    const model = models.get(args.model);
    const tokenizer = tokenizers.get(args.tokenizer);
    const plan: RunPlan = {
      task,
      taskOptions: options,
      protocol: args.protocol,
      flaws: chooseFlaws(args, task, args.dataset),
      model,
      hyperparameters: hyperparameters(model, args.preset, args.set),
      modelFiles: modelFiles(model, args["model-file"]),
      tokenizer,
      tokenizerOptions: tokenizerOptions(
        tokenizer,
        args["tokenizer-preset"],
        args["tokenizer-set"],
      ),
      given: givenByName(tokenizerFiles(tokenizer, args["tokenizer-file"]), {
        memoryLimitMb: args.memory,
        threads: args.threads,
      }),
      tokenizerDir: args["tokenizer-dir"] === undefined ? null : resolve(args["tokenizer-dir"]),
      epochs: wholeNumber("epochs", args.epochs, 1),
      pretrainEpochs:
        args["pretrain-epochs"] === undefined
          ? null
          : wholeNumber("pretrain-epochs", args["pretrain-epochs"], 0),
      patience: wholeNumber("patience", args.patience, 1),
      bootstrapDraws: wholeNumber("draws", args.draws, 1),
      threads: args.threads,
      seeds: parseSeeds(args.seeds),
      resultsDir: resolve(args.out),
      cacheDir: cacheFolder(args["cache-dir"]),
    };
    checkDevice(args.device);
    const progress = openProgress();
    // Loaded here because the statistics library takes longer to load than most commands take to run.
    const { runSeeds } = await import("../run.ts");
    checkPlan(args.dataset, plan);
    if (!args["dry-run"]) checkResultsFolder(plan.resultsDir);
    const store = await openDataset(args, progress);
    try {
      if (args["dry-run"]) {
        const { dryRun, dryRunSummary } = await import("../dry-run.ts");
        const outlook = await dryRun(store, plan, progress);
        print(args.json, outlook, () => dryRunSummary(outlook));
        return;
      }
      chooseRuntime(args.runtime);
      if (args.profile) startProfiling();
      const records = await runSeeds(store, plan, progress);
      if (args.profile) progress.say(profileTable(takeProfiles()));
      print(args.json, records, () => runSummary(records, plan.resultsDir));
    } finally {
      store.close();
    }
  },
});

/** Refuses what cannot go well before anything is read. */
function checkPlan(dataset: string, plan: RunPlan): void {
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

/** Asking for a device never runs on another one silently. */
function checkDevice(device: string): void {
  if (device === "cpu") return;
  throw new BenchError({
    what: `--device ${device} is not there: training graphs use operators that the ${device} provider lacks, and their state lives in the processor's memory`,
    where: "command line",
    fix: "leave --device out; for a graphics card, install @tensorflow/tfjs-node-gpu and give --runtime tfjs",
    exitCode: 2,
  });
}
