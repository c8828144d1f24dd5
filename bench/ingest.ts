/**
 * Speed and memory of reading a source. Run: npx tsx bench/ingest.ts [--subjects 50000] [--rounds 3]
 *                                            [--threads N] [--memory MB] [--root DIR]
 * Without --root a synthetic MIMIC-IV is made first, in the temporary folder, and removed afterwards.
 * The floor is what cannot be avoided: decompressing the same files and splitting them into fields
 * (read_csv with a count). Each measurement has a process of its own, floor and ingest take turns, and
 * medians are given; on a shared machine compare only figures of one run.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Database, sqlText } from "../Dataset/duckdb.ts";
import { datasets } from "../Dataset/index.ts";
import { ingest } from "../Dataset/ingest.ts";
import { findRawFiles } from "../Dataset/raw-files.ts";
import { openStore } from "../Dataset/store.ts";
import { generateTwin } from "../Dataset/synthetic/index.ts";

const { values: flags } = parseArgs({
  options: {
    root: { type: "string" },
    subjects: { type: "string", default: "50000" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: String(availableParallelism()) },
    memory: { type: "string", default: "2048" },
    /** Set for the processes that measure. */
    phase: { type: "string" },
  },
});
const threads = Number(flags.threads);
const memoryLimitMb = Number(flags.memory);
const dataset = datasets.get("mimic4");

interface Measurement {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly rows: number;
  readonly events: number;
}

/** Counts the rows of every file, with all fields as text. */
async function scan(root: string): Promise<{ rows: number; events: number }> {
  const db = await Database.open({ threads, memoryLimitMb });
  let rows = 0;
  for (const file of findRawFiles(dataset, root)) {
    const read = `read_csv(${sqlText(file.path)}, header = true, all_varchar = true)`;
    const found = await db.query(`SELECT count(*) AS n FROM ${read}`);
    rows += found.numbers("n")[0] ?? 0;
  }
  db.close();
  return { rows, events: 0 };
}

/** A whole ingest into an empty cache. */
async function load(root: string): Promise<{ rows: number; events: number }> {
  const cacheDir = mkdtempSync(join(tmpdir(), "bench-ingest-"));
  try {
    const { folder } = await ingest(dataset, { root, cacheDir, threads, memoryLimitMb });
    const store = await openStore(folder, { threads: 1 });
    store.close();
    const rows = Object.values(store.info.rows_read).reduce((sum, n) => sum + n, 0);
    return { rows, events: store.info.events };
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
}

async function measure(root: string, phase: string): Promise<Measurement> {
  const start = performance.now();
  const counts = await (phase === "floor" ? scan(root) : load(root));
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    seconds: (performance.now() - start) / 1e3,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMb: maxRSS / 1024,
    ...counts,
  };
}

function measureApart(root: string, phase: string): Measurement {
  const self = fileURLToPath(import.meta.url);
  const args = ["--import=tsx", self, "--phase", phase, "--root", root];
  const limits = ["--threads", flags.threads, "--memory", flags.memory];
  const child = spawnSync(process.execPath, [...args, ...limits], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error(`the process that measures ${phase} failed`);
  return JSON.parse(child.stdout) as Measurement;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function summary(name: string, all: readonly Measurement[]): number {
  const seconds = median(all.map((m) => m.seconds));
  const cpu = median(all.map((m) => m.cpuSeconds));
  const peak = Math.max(...all.map((m) => m.peakMb));
  const rows = all[0]?.rows ?? 0;
  console.log(
    `${name.padEnd(7)} ${seconds.toFixed(2).padStart(7)} s ${cpu.toFixed(2).padStart(7)} s CPU ` +
      `${Math.round(rows / seconds)
        .toLocaleString("en-US")
        .padStart(11)} rows/s ${peak.toFixed(0).padStart(6)} MB peak`,
  );
  return seconds;
}

async function main(): Promise<void> {
  const made = flags.root === undefined ? mkdtempSync(join(tmpdir(), "bench-mimic4-")) : undefined;
  const root = flags.root ?? join(made ?? "", "root");
  try {
    if (made !== undefined) {
      const subjects = Number(flags.subjects);
      console.log(`making a synthetic MIMIC-IV of ${subjects} subjects`);
      await generateTwin({ layout: "mimic4", subjects, seed: 0, out: root });
    }
    measureApart(root, "floor"); // warms the page cache
    const floor: Measurement[] = [];
    const loaded: Measurement[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      floor.push(measureApart(root, "floor"));
      loaded.push(measureApart(root, "ingest"));
    }
    const { rows = 0, events = 0 } = loaded[0] ?? {};
    console.log(
      `${rows.toLocaleString("en-US")} raw rows, ${events.toLocaleString("en-US")} events, ` +
        `${threads} threads, ${memoryLimitMb} MB for DuckDB, median of ${flags.rounds}`,
    );
    const least = summary("floor", floor);
    console.log(`ingest / floor: ${(summary("ingest", loaded) / least).toFixed(2)}`);
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
  }
}

if (flags.phase === undefined) await main();
else console.log(JSON.stringify(await measure(flags.root ?? "", flags.phase)));
