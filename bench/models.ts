/**
 * What every registered model costs in its default setting: the first step after a cold start, session
 * compile included, steps after it, predictions, and memory. Run:
 *   npx tsx bench/models.ts [--models a,b] [--root DIR] [--subjects 1000] [--json FILE] [--cache-dir DIR]
 * Each model runs in a process of its own with one thread: one epoch of each stage of pretraining, one of
 * training, and the held-out split once, on a synthetic twin of MIMIC-IV (or the files at --root). `first`
 * is the time from the call of `fit`, or from the last step of the stage before, to the end of the stage's
 * first step; the time to load the program and the samples comes before it and is `load`.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "mathjs";
import type { EpochReport, FitContext, Hyperparameters, ModelDefinition } from "../core/model.ts";
import { Random } from "../core/random.ts";
import type { TaskDefinition } from "../core/task.ts";
import { models } from "../ehr-models/index.ts";
import { cacheFolder, privateFolder } from "../harness/cache.ts";
import { openDataset } from "../harness/open-dataset.ts";
import { count, table } from "../harness/output.ts";
import { refusal } from "../harness/pairing.ts";
import { prepare } from "../harness/prepare.ts";
import type { Progress } from "../harness/progress.ts";
import { Stopwatch } from "../harness/stopwatch.ts";
import { labelMatrix } from "../harness/train-and-score.ts";
import { tuningScore } from "../metrics/index.ts";
import { drugrec } from "../tasks/drugrec.ts";
import { mortality } from "../tasks/mortality.ts";
import { tokenizers } from "../tokenizers/index.ts";

const { values: flags } = parseArgs({
  options: {
    models: { type: "string" },
    /** For the processes that this one starts. */
    one: { type: "string" },
    root: { type: "string" },
    subjects: { type: "string", default: "1000" },
    json: { type: "string" },
    "cache-dir": { type: "string" },
  },
});

interface StageCost {
  readonly stage: string;
  readonly firstSeconds: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
}

interface ModelCost {
  readonly model: string;
  readonly task: string;
  readonly parameters: number;
  /** From the start of the process to the call of `fit`. */
  readonly loadSeconds: number;
  readonly stages: readonly StageCost[];
  readonly predictedPerSecond: number;
  readonly peakRssMb: number;
}

const seconds = (milliseconds: number) => milliseconds / 1000;
const quiet: Progress = { start() {}, update() {}, end() {}, say() {} };

/** When each step of each stage ended, from the reports of a fit. */
class StepTimes {
  readonly #ends = new Map<string, number[]>();
  readonly #starts = new Map<string, number>();
  #last = performance.now();

  report({ stage = "train" }: EpochReport): void {
    const ends = this.#ends.get(stage) ?? [];
    if (ends.length === 0) this.#starts.set(stage, this.#last);
    this.#last = performance.now();
    ends.push(this.#last);
    this.#ends.set(stage, ends);
  }

  costs(batchSize: number): StageCost[] {
    return [...this.#ends].map(([stage, ends]) => {
      const steps = ends.slice(1).map((end, i) => end - (ends[i] as number));
      const stepMs = steps.length === 0 ? Number.NaN : median(steps);
      const first = (ends[0] as number) - (this.#starts.get(stage) as number);
      const samplesPerSecond = batchSize / seconds(stepMs);
      return { stage, firstSeconds: seconds(first), stepMs, samplesPerSecond };
    });
  }
}

/** The first of the tasks that the model does. */
function taskFor(model: ModelDefinition): TaskDefinition {
  const done = [mortality, drugrec].find(
    (task) => refusal(model, task, {}, tokenizers.get("baseline")) === null,
  );
  if (done === undefined) throw new Error(`${model.name} does none of this bench's tasks`);
  return done;
}

/** Defaults; without the table of interactions that GAMENet asks the user for. */
function settingsOf({ defaults, files }: ModelDefinition): Hyperparameters {
  return files?.["ddi"] === undefined ? defaults : { ...defaults, interactions: false };
}

async function contextFor(
  model: ModelDefinition,
  task: TaskDefinition,
  report: FitContext["report"],
) {
  const cacheDir = cacheFolder(flags["cache-dir"]);
  const store = await openDataset(
    {
      dataset: "mimic4",
      root: flags.root,
      "require-real": false,
      "twin-subjects": Number(flags.subjects),
      "cache-dir": flags["cache-dir"],
      threads: 1,
      memory: 2048,
    },
    quiet,
  );
  const plan = { task, taskOptions: {}, protocol: "strict", flaws: [] } as const;
  const limit = model.history(settingsOf(model));
  const prepared = await prepare(store, plan, limit, quiet, new Stopwatch());
  const random = Random.fromSeed(0);
  const tokenizer = await tokenizers.get("baseline").fit({
    codes: prepared.codes,
    trainSubjects: prepared.trainSubjects,
    coOccurrence: () => {
      throw new Error("the baseline tokenizer counts nothing");
    },
    options: {},
    directory: null,
    cacheFolder: privateFolder(cacheDir),
    threads: 1,
    random: random.derive("tokenizer"),
    report: () => {},
    signal: new AbortController().signal,
  });
  const { spec } = prepared.labels;
  const truth = labelMatrix(prepared.sources.tuning);
  const context: FitContext = {
    train: prepared.sources.train,
    tuning: prepared.sources.tuning,
    labels: spec,
    outcome: task.outcome?.({}) ?? null,
    codes: prepared.codes,
    timelines: prepared.wholeTimelines,
    files: {},
    tokenizer,
    training: { epochs: 1, patience: 1, pretrainEpochs: 1 },
    random,
    threads: 1,
    score: (probabilities) => tuningScore(spec, truth, probabilities),
    report,
    signal: new AbortController().signal,
  };
  return { context, held: prepared.sources.held_out, close: () => store.close() };
}

/** Runs one model in this process. */
async function measure(name: string): Promise<ModelCost> {
  const model = models.get(name);
  const task = taskFor(model);
  const settings = settingsOf(model);
  let times: StepTimes | undefined;
  const report = (now: EpochReport) => times?.report(now);
  const { context, held, close } = await contextFor(model, task, report);
  const loadSeconds = seconds(performance.now());
  times = new StepTimes();
  const fitted = await model.fit(context, settings);
  const began = performance.now();
  await fitted.predict(held);
  const predictedPerSecond = held.size / seconds(performance.now() - began);
  await fitted.dispose();
  close();
  return {
    model: name,
    task: task.name,
    parameters: fitted.summary.parameters,
    loadSeconds,
    stages: times.costs(Number(settings["batchSize"])),
    predictedPerSecond,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  };
}

/** Runs one model in a process of its own. */
async function measureCold(name: string): Promise<ModelCost> {
  const passed = (["root", "subjects", "cache-dir"] as const).flatMap((flag) =>
    flags[flag] === undefined ? [] : [`--${flag}`, flags[flag]],
  );
  const file = fileURLToPath(import.meta.url);
  const args = ["--import", "tsx", file, "--one", name, ...passed];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data.toString();
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${name}: exit ${code}`);
  return JSON.parse(out) as ModelCost;
}

function rowsOf({ model, parameters, loadSeconds, stages, ...rest }: ModelCost): string[][] {
  return stages.map(({ stage, firstSeconds, stepMs, samplesPerSecond }, i) => [
    i === 0 ? model : "",
    i === 0 ? count(parameters) : "",
    stage,
    i === 0 ? loadSeconds.toFixed(1) : "",
    firstSeconds.toFixed(2),
    stepMs.toFixed(1),
    samplesPerSecond.toFixed(0),
    stage === "train" ? rest.predictedPerSecond.toFixed(0) : "",
    stage === "train" ? rest.peakRssMb.toFixed(0) : "",
  ]);
}

const HEAD = [
  ...["model", "parameters", "stage", "load s", "first s", "step ms", "samples/s"],
  ...["predicted/s", "peak MB"],
];

if (flags.one !== undefined) process.stdout.write(JSON.stringify(await measure(flags.one)));
else {
  const names = flags.models?.split(",") ?? models.names;
  await (await contextFor(models.get("logistic"), mortality, () => {})).close(); // makes the twin
  const costs: ModelCost[] = [];
  for (const name of names) costs.push(await measureCold(name));
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(costs, null, 2)}\n`);
  console.log(table(HEAD, costs.flatMap(rowsOf), [1, 3, 4, 5, 6, 7, 8]));
}
