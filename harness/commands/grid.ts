/** `grid`: from lists of models, tasks, tokenizers and seeds to the command lines of `run`, and their table. */
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { models } from "../../ehr-models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { buildSpec } from "../build-record.ts";
import { defineCommand } from "../command.ts";
import {
  checkGrid,
  type GridAxes,
  type GridCell,
  type GridResult,
  gridOf,
  gridTable,
  runGrid,
} from "../grid.ts";
import { interruptSignal } from "../interrupt.ts";
import { type DatasetFlags, datasetOptions, openDataset } from "../open-dataset.ts";
import { parseSeeds, wholeNumber } from "../options.ts";
import { print } from "../output.ts";
import { checkTask } from "../pairing.ts";
import { openProgress, type Progress } from "../progress.ts";
import { checkResultsFolder, type RunSpec, readRecordsIfAny } from "../record.ts";
import { keptRecord } from "../resume.ts";
import type { RunPlan } from "../run.ts";
import { parseRunFlags, resolvePlan } from "../run-plan.ts";

/** Flags that every run of a grid is given as they are. */
const PASSED = [
  ...(["epochs", "patience", "pretrain-epochs", "draws", "preset"] as const),
  ...(["root", "twin-subjects", "mapping", "drug-map", "ndc-map"] as const),
  ...(["cache-dir", "threads", "memory"] as const),
];

const cellName = ({ task, model, tokenizer, seed }: GridCell) =>
  `${model} (${tokenizer}) on ${task}, seed ${seed}`;

const listOf = (text: string, all: readonly string[]) =>
  text === "all" ? all : text.split(",").map((name) => name.trim());

/** `model.name=value` pairs of one model, as flags of `run`. @throws for pairs of no model of the grid. */
function ownPairs(flag: string, pairs: readonly string[], model: string, all: readonly string[]) {
  return pairs.flatMap((pair) => {
    const owner = all.find((name) => pair.startsWith(`${name}.`));
    if (owner === undefined)
      throw new BenchError({
        what: `--${flag} ${pair} names no model of the grid`,
        where: "command line",
        fix: `begin it with the model, e.g. ${all[0]}.name=value`,
        exitCode: 2,
      });
    return owner === model ? [`--${flag}`, pair.slice(owner.length + 1)] : [];
  });
}

interface GridFlags extends DatasetFlags {
  readonly tasks: string;
  readonly models: string;
  readonly tokenizers: string;
  readonly seeds: string;
  readonly set: readonly string[];
  readonly "model-file": readonly string[];
  readonly preset?: string | undefined;
  readonly epochs?: number | undefined;
  readonly patience?: number | undefined;
  readonly "pretrain-epochs"?: number | undefined;
  readonly draws?: number | undefined;
  readonly out: string;
}

function axesOf(args: GridFlags): GridAxes {
  const defined = tasks.all.filter(({ datasets }) => datasets.includes(args.dataset));
  return {
    tasks: listOf(
      args.tasks,
      defined.map(({ name }) => name),
    ),
    models: listOf(args.models, models.names),
    tokenizers: listOf(args.tokenizers, tokenizers.names),
    seeds: parseSeeds(args.seeds),
  };
}

/** The command line of one run. */
function runArguments(
  { task, model, tokenizer, seed }: GridCell,
  args: GridFlags,
  all: readonly string[],
): string[] {
  const given = PASSED.flatMap((flag) =>
    args[flag] === undefined ? [] : [`--${flag}`, String(args[flag])],
  );
  return [
    ...["run", "--json", "--dataset", args.dataset, "--task", task, "--model", model],
    ...["--tokenizer", tokenizer, "--seeds", String(seed), "--out", resolve(args.out), ...given],
    ...ownPairs("set", args.set, model, all),
    ...ownPairs("model-file", args["model-file"], model, all),
    ...(args["require-real"] ? ["--require-real"] : []),
  ];
}

/** Cells that have a record below `out` already, and the others; says which records are not those that are asked for. */
async function partByRecords(
  cells: readonly GridCell[],
  specOf: (cell: GridCell) => RunSpec,
  out: string,
  progress: Progress,
) {
  const records = await readRecordsIfAny(join(resolve(out), "runs"));
  const done: GridResult[] = [];
  const left: GridCell[] = [];
  for (const cell of cells) {
    const kept = keptRecord(records, specOf(cell));
    if (kept?.differences.length === 0) {
      const { run_id, metrics } = kept.record;
      const auprc = metrics.auprc.value;
      done.push({ ...cell, status: "done", auprc, run_id, seconds: 0, reason: null });
      continue;
    }
    left.push(cell);
    if (kept === undefined) continue;
    const { record, differences } = kept;
    progress.say(
      `${cellName(cell)}: runs again, as record ${record.run_id} is of another run: ${differences.join("; ")}`,
    );
  }
  return { done, left };
}

export const gridCommand = defineCommand({
  name: "grid",
  describe: "Run several models, tasks, tokenizers and seeds side by side, each in its own process",
  examples: [
    ["grid --dataset mimic4 --tasks mortality,los --seeds 0,1,2", "every model on two tasks"],
    [
      "grid --dataset mimic4 --tasks drugrec --models gamenet,retain --set gamenet.interactions=false",
      "settings of one model are named after it",
    ],
    [
      "grid --dataset mimic4 --tasks mortality --models behrt --tokenizers baseline,medtok,permuted-rows",
      "one model with three tokenizers",
    ],
  ],
  options: {
    ...datasetOptions,
    tasks: { type: "string", demandOption: true, describe: "tasks, parted by commas, or all" },
    models: { type: "string", default: "all", describe: "models, parted by commas, or all" },
    tokenizers: { type: "string", default: "baseline", describe: "tokenizers, parted by commas" },
    seeds: { type: "string", default: "0", describe: "seeds, parted by commas" },
    jobs: {
      type: "number",
      default: availableParallelism(),
      describe: "runs at a time; each takes --threads and the memory of a run",
    },
    resume: {
      type: "boolean",
      default: false,
      describe:
        "leave out what has a record of the same specification in --out; says what runs again and why",
    },
    set: {
      type: "string",
      array: true,
      default: [],
      describe: "hyperparameter of one model, model.name=value",
    },
    "model-file": {
      type: "string",
      array: true,
      default: [],
      describe: "an extra file of one model, e.g. gamenet.ddi=pairs.csv",
    },
    preset: { type: "string", describe: "a named set of hyperparameters that all models have" },
    epochs: { type: "number", describe: "upper bound on epochs; left out: that of run" },
    patience: { type: "number", describe: "as in run" },
    "pretrain-epochs": { type: "number", describe: "as in run" },
    draws: { type: "number", describe: "as in run" },
    out: { type: "string", default: "results", describe: "folder for records (below it, runs/)" },
  },
  async run(args) {
    const names = axesOf(args);
    for (const task of names.tasks) checkTask(tasks.get(task), args.dataset);
    const jobs = wholeNumber("jobs", args.jobs, 1);
    const { cells, refused } = gridOf(names);
    const argsOf = (cell: GridCell) => runArguments(cell, args, names.models);
    // A mistake in the flags shows before anything runs.
    const plans = new Map<GridCell, RunPlan>();
    for (const cell of cells) plans.set(cell, await resolvePlan(parseRunFlags(argsOf(cell))));
    checkResultsFolder(resolve(args.out));
    const progress = openProgress();
    const store = await openDataset(args, progress); // ingested once, not by each of the first runs
    const { info } = store;
    store.close();
    const specOf = (cell: GridCell) =>
      buildSpec(info, plans.get(cell) as RunPlan, cell.seed, "not known yet");
    const { done, left } = args.resume
      ? await partByRecords(cells, specOf, args.out, progress)
      : { done: [], left: cells };
    progress.start("grid", left.length, "runs");
    let ended = 0;
    const tell = (result: GridResult) => {
      progress.say(`${cellName(result)}: ${result.status} in ${result.seconds.toFixed(0)} s`);
      progress.update(++ended);
    };
    const ran = await runGrid(left, jobs, argsOf, tell, interruptSignal);
    progress.end();
    const results = [...done, ...ran, ...refused];
    print(args.json, results, () => gridTable(results, info));
    checkGrid(results);
  },
});
