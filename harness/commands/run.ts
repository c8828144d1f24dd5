/** `run`: one plan from the flags, refused where it cannot go well, then run. */
import { BenchError } from "../../core/errors.ts";
import { startProfiling, takeProfiles } from "../../engine/profile.ts";
import { chooseRuntime, RUNTIMES } from "../../engine/runner.ts";
import { defineCommand } from "../command.ts";
import { datasetOptions, openDataset } from "../open-dataset.ts";
import { print } from "../output.ts";
import { profileTable } from "../profile-table.ts";
import { openProgress } from "../progress.ts";
import { checkResultsFolder } from "../record.ts";
import { checkPlan, planFlags, resolvePlan } from "../run-plan.ts";
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
    ...planFlags,
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
    const plan = await resolvePlan(args);
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
