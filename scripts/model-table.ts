/**
 * Runs every model on every task it can do and prints one table of AUPRC, for the comparison of models.
 * Run: npx tsx scripts/model-table.ts --dataset mimic4 --root DIR --out DIR [--tasks a,b] [--models a,b]
 *        [--seeds 0,1,2] [--tokenizer baseline] [--jobs 2] [--set gamenet.interactions=false]
 *        [--cache-dir DIR] [-- more flags of run]
 * after `npm run build`. Each pair is run in a process of its own with one thread, cheap models first, and the first
 * one alone, so that the files are ingested once. Seeds that have their record below --out already are not run again,
 * so a stopped table goes on where it stopped; give another --out for other files or settings.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../core/package-root.ts";
import { models } from "../ehr-models/index.ts";
import { taskOptions } from "../harness/options.ts";
import { refusal } from "../harness/pairing.ts";
import { type ResultRecord, readRecords } from "../harness/record.ts";
import { tasks } from "../tasks/index.ts";
import { tokenizers } from "../tokenizers/index.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dataset: { type: "string", default: "mimic4" },
    root: { type: "string" },
    out: { type: "string", default: "results/model-table" },
    tasks: { type: "string" },
    models: { type: "string" },
    seeds: { type: "string", default: "0,1,2" },
    tokenizer: { type: "string", default: "baseline" },
    jobs: { type: "string", default: "1" },
    set: { type: "string", multiple: true, default: [] },
    "cache-dir": { type: "string" },
  },
});

/** Models by the time that a run takes; any other comes last. */
const CHEAP_FIRST: readonly string[] = [
  ...["logistic", "mlp", "gru", "transformer", "behrt", "retain", "gamenet", "mult-ehr"],
  ...["transformehr", "gt-behrt", "ethos"],
];

interface Pair {
  readonly model: string;
  readonly task: string;
}

const seeds = flags.seeds.split(",").map(Number);
const taskNames =
  flags.tasks?.split(",") ??
  tasks.all.filter((t) => t.datasets.includes(flags.dataset)).map((t) => t.name);
const modelNames = flags.models?.split(",") ?? models.names;

/** Why a pair is not run; null when it is. */
function reasonAgainst({ model, task }: Pair): string | null {
  const definition = tasks.get(task);
  const tokenizer = tokenizers.get(flags.tokenizer);
  return refusal(models.get(model), definition, taskOptions(definition, []), tokenizer);
}

async function recordsSoFar(): Promise<ResultRecord[]> {
  const folder = join(flags.out, "runs");
  return existsSync(folder) ? readRecords(folder) : [];
}

function ofPair(records: readonly ResultRecord[], { model, task }: Pair): ResultRecord[] {
  return records.filter(
    ({ spec }) =>
      spec.dataset === flags.dataset &&
      spec.model === model &&
      spec.task === task &&
      spec.tokenizer === flags.tokenizer &&
      seeds.includes(spec.seed),
  );
}

/** Seeds of a pair that have no record yet. */
function missingSeeds(records: readonly ResultRecord[], pair: Pair): number[] {
  const done = new Set(ofPair(records, pair).map(({ spec }) => spec.seed));
  return seeds.filter((seed) => !done.has(seed));
}

/** The values of --set that are about a model, as `run` takes them. */
function settingsOf(model: string): string[] {
  const own = flags.set.filter((setting) => setting.startsWith(`${model}.`));
  return own.flatMap((setting) => ["--set", setting.slice(model.length + 1)]);
}

/** Runs some seeds of one pair; a failure is reported and the table goes on. */
async function run({ model, task }: Pair, missing: readonly number[]): Promise<void> {
  const args = ["run", "--dataset", flags.dataset, "--task", task, "--model", model];
  args.push("--tokenizer", flags.tokenizer, "--seeds", missing.join(","), "--out", flags.out);
  args.push("--json", "--threads", "1", ...settingsOf(model));
  if (flags.root !== undefined) args.push("--root", flags.root);
  if (flags["cache-dir"] !== undefined) args.push("--cache-dir", flags["cache-dir"]);
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [join(packageRoot, "bin", "medtok-bench.js"), ...args, ...positionals],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += String(text);
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.error(`${model} on ${task}: ${code === 0 ? "done" : `exit ${code}`} in ${seconds} s`);
  if (code !== 0) console.error(errors.split("\n").slice(-6).join("\n"));
}

function cell(records: readonly ResultRecord[], pair: Pair): string {
  if (reasonAgainst(pair) !== null) return "N/A";
  const found = ofPair(records, pair);
  const values = found.flatMap(({ metrics }) => metrics.auprc.value ?? []);
  if (values.length === 0) return found.length === 0 ? "failed" : "undefined";
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(
    values.reduce((s, v) => s + (v - mean) ** 2, 0) / Math.max(1, values.length - 1),
  );
  const reached = found.flatMap(({ best_possible: best }) => best?.reached ?? []);
  const share = reached.reduce((a, b) => a + b, 0) / Math.max(1, reached.length);
  const spread = values.length > 1 ? ` ± ${sd.toFixed(3)}` : "";
  return `${mean.toFixed(3)}${spread}${reached.length > 0 ? ` (${(100 * share).toFixed(0)} %)` : ""}`;
}

const cost = ({ model }: Pair) => {
  const place = CHEAP_FIRST.indexOf(model);
  return place === -1 ? CHEAP_FIRST.length : place;
};
const pairs = modelNames.flatMap((model) => taskNames.map((task) => ({ model, task })));
for (const pair of pairs) {
  const reason = reasonAgainst(pair);
  if (reason !== null) console.error(`${pair.model} on ${pair.task}: skipped: ${reason}`);
}
const before = await recordsSoFar();
const queue = pairs
  .filter((pair) => reasonAgainst(pair) === null && missingSeeds(before, pair).length > 0)
  .sort((a, b) => cost(a) - cost(b));
const next = async (): Promise<boolean> => {
  const pair = queue.shift();
  if (pair !== undefined) await run(pair, missingSeeds(before, pair));
  return pair !== undefined;
};
const worker = async () => {
  while (await next());
};
await next();
await Promise.all(Array.from({ length: Number(flags.jobs) }, worker));

const records = await recordsSoFar();
console.log(`| model | ${taskNames.join(" | ")} |`);
console.log(`|---|${taskNames.map(() => "---|").join("")}`);
for (const model of modelNames)
  console.log(
    `| ${model} | ${taskNames.map((task) => cell(records, { model, task })).join(" | ")} |`,
  );
const minutes = records.reduce((sum, { timings }) => sum + (timings["train"] ?? 0), 0) / 60;
console.log(
  `\nAUPRC on held-out subjects, mean ± standard deviation over seeds ${flags.seeds}; in brackets, on ` +
    `synthetic twins, the share reached of the best possible above prevalence. Training took ${minutes.toFixed(0)} minutes.`,
);
