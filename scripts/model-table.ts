/**
 * Runs every model on every task it can do and prints one table of AUPRC, for the comparison of models.
 * Run: npx tsx scripts/model-table.ts --dataset mimic4 --root DIR --out DIR [--tasks a,b] [--models a,b]
 *        [--seeds 0,1,2] [--tokenizer baseline] [--jobs 2] [--cache-dir DIR] [-- more flags of run]
 * Each run is a process of its own with one thread. Pairs that have their records below --out already
 * are not run again, so a stopped table goes on where it stopped; give another --out for other settings.
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
    "cache-dir": { type: "string" },
  },
});

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

/** Runs one pair; a failure is reported and the table goes on. */
async function run({ model, task }: Pair): Promise<void> {
  const args = ["run", "--dataset", flags.dataset, "--task", task, "--model", model];
  args.push("--tokenizer", flags.tokenizer, "--seeds", flags.seeds, "--out", flags.out, "--json");
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

const pairs = modelNames.flatMap((model) => taskNames.map((task) => ({ model, task })));
const before = await recordsSoFar();
const queue = pairs.filter(
  (pair) => reasonAgainst(pair) === null && ofPair(before, pair).length < seeds.length,
);
const worker = async () => {
  for (let pair = queue.shift(); pair !== undefined; pair = queue.shift()) await run(pair);
};
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
