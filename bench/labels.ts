/**
 * Speed and memory of labels: all tasks of a dataset from a ready store. Run: npx tsx bench/labels.ts
 *   [--root DIR] [--subjects 20000] [--cache-dir DIR] [--rounds 3] [--threads 2] [--memory 3072] [--plans]
 * Without --root a synthetic MIMIC-IV is made first. The store is made before anything is measured; each
 * round has a process of its own, and medians are given. --plans prints each query's plan with its times.
 * The goal: 364,000 subjects and 546,000 visits in 60 s and 4 GB on two cores.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { datasets } from "../Dataset/index.ts";
import { ingest } from "../Dataset/ingest.ts";
import { openStore } from "../Dataset/store.ts";
import { generateTwin } from "../Dataset/synthetic/index.ts";
import { loadLabels } from "../harness/labels.ts";
import { tasks } from "../tasks/index.ts";

const GOAL = { subjects: 364_000, seconds: 60, mb: 4096 };
const { values: flags } = parseArgs({
  options: {
    root: { type: "string" },
    subjects: { type: "string", default: "20000" },
    "cache-dir": { type: "string" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    memory: { type: "string", default: "3072" },
    plans: { type: "boolean", default: false },
    /** Set for the processes that measure: the folder of the store. */
    store: { type: "string" },
  },
});
const dataset = datasets.get("mimic4");
const ours = tasks.all.filter((task) => task.datasets.includes(dataset.name));

interface Measurement {
  readonly seconds: number;
  /** Of all threads; less disturbed by neighbours than the clock. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly subjects: number;
  readonly visits: number;
  readonly events: number;
  readonly tasks: readonly {
    readonly task: string;
    readonly seconds: number;
    readonly samples: number;
  }[];
}

async function measure(folder: string): Promise<Measurement> {
  const store = await openStore(folder, {
    threads: Number(flags.threads),
    memoryLimitMb: Number(flags.memory),
  });
  const rows: { task: string; seconds: number; samples: number }[] = [];
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (const task of ours) {
    const before = performance.now();
    const labels = await loadLabels(store, task, {});
    rows.push({
      task: task.name,
      seconds: (performance.now() - before) / 1e3,
      samples: labels.size,
    });
  }
  const seconds = (performance.now() - start) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  const { subjects, visits, events } = store.info;
  store.close();
  const peakMb = process.resourceUsage().maxRSS / 1024;
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb,
    subjects,
    visits,
    events,
    tasks: rows,
  };
}

function measureApart(folder: string): Measurement {
  const args = ["--import=tsx", fileURLToPath(import.meta.url), "--store", folder];
  const limits = ["--threads", flags.threads, "--memory", flags.memory];
  const child = spawnSync(process.execPath, [...args, ...limits], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error("the process that measures failed");
  return JSON.parse(child.stdout) as Measurement;
}

async function printPlans(folder: string): Promise<void> {
  const store = await openStore(folder, { threads: Number(flags.threads) });
  for (const task of ours) {
    const plan = await store.query(`EXPLAIN ANALYZE ${task.labels({})}`);
    console.log(`\n=== ${task.name}\n${plan.strings("explain_value").join("\n")}`);
  }
  store.close();
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function report(all: readonly Measurement[]): void {
  const [first] = all;
  if (first === undefined) return;
  const count = (n: number) => n.toLocaleString("en-US");
  console.log(
    `${count(first.subjects)} subjects, ${count(first.visits)} visits, ${count(first.events)} events, ` +
      `${flags.threads} threads, ${flags.memory} MB for DuckDB, median of ${all.length}`,
  );
  first.tasks.forEach(({ task, samples }, i) => {
    const seconds = median(all.map((m) => m.tasks[i]?.seconds ?? Number.NaN));
    console.log(
      `${task.padEnd(24)} ${seconds.toFixed(2).padStart(7)} s ${count(samples).padStart(12)} labels`,
    );
  });
  const seconds = median(all.map((m) => m.seconds));
  const peak = Math.max(...all.map((m) => m.peakMb));
  const scale = GOAL.subjects / first.subjects;
  const cpu = median(all.map((m) => m.cpuSeconds));
  console.log(
    `all ${first.tasks.length} tasks: ${seconds.toFixed(2)} s, ${cpu.toFixed(2)} s CPU, ${peak.toFixed(0)} MB peak`,
  );
  if (scale > 1) {
    console.log(
      `in proportion to ${count(GOAL.subjects)} subjects: ${(seconds * scale).toFixed(0)} s; ` +
        `the goal is ${GOAL.seconds} s and ${count(GOAL.mb)} MB`,
    );
  }
}

async function main(): Promise<void> {
  const made = mkdtempSync(join(tmpdir(), "bench-labels-"));
  const root = flags.root ?? join(made, "root");
  try {
    if (flags.root === undefined) {
      await generateTwin({
        layout: "mimic4",
        subjects: Number(flags.subjects),
        seed: 0,
        out: root,
      });
    }
    const cacheDir = flags["cache-dir"] ?? join(made, "cache");
    const { folder } = await ingest(dataset, { root, cacheDir });
    if (flags.plans) {
      await printPlans(folder);
      return;
    }
    measureApart(folder); // warms the page cache
    report(Array.from({ length: Number(flags.rounds) }, () => measureApart(folder)));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

if (flags.store === undefined) await main();
else console.log(JSON.stringify(await measure(flags.store)));
