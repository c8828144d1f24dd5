/** Many runs: which combinations there are, and processes of one thread each, side by side. */
import { spawn } from "node:child_process";
import { BenchError } from "../core/errors.ts";
import type { StoreInfo } from "../core/event-store.ts";
import { models } from "../ehr-models/index.ts";
import { mean, standardDeviation } from "../metrics/index.ts";
import { tasks } from "../tasks/index.ts";
import { tokenizers } from "../tokenizers/index.ts";
import { taskOptions } from "./options.ts";
import { table } from "./output.ts";
import { refusal } from "./pairing.ts";
import type { ResultRecord } from "./record.ts";

/** One run of a grid. */
export interface GridCell {
  readonly task: string;
  readonly model: string;
  readonly tokenizer: string;
  readonly seed: number;
}

export interface GridResult extends GridCell {
  readonly status: "done" | "failed" | "not applicable";
  /** Null unless done, or where undefined. */
  readonly auprc: number | null;
  readonly run_id: string | null;
  readonly seconds: number;
  /** Why it failed or is not run; null when done. */
  readonly reason: string | null;
}

export interface GridAxes {
  readonly tasks: readonly string[];
  readonly models: readonly string[];
  readonly tokenizers: readonly string[];
  readonly seeds: readonly number[];
}

/** All combinations: those to run, and those that make no sense, with the reason. @throws for unknown names. */
export function gridOf({ tasks: asked, ...axes }: GridAxes): {
  readonly cells: readonly GridCell[];
  readonly refused: readonly GridResult[];
} {
  const all = asked.flatMap((task) =>
    axes.models.flatMap((model) =>
      axes.tokenizers.flatMap((tokenizer) => {
        const reason = reasonAgainst(task, model, tokenizer);
        return axes.seeds.map((seed) => ({ cell: { task, model, tokenizer, seed }, reason }));
      }),
    ),
  );
  const without = { status: "not applicable", auprc: null, run_id: null, seconds: 0 } as const;
  return {
    cells: all.flatMap(({ cell, reason }) => (reason === null ? [cell] : [])),
    refused: all.flatMap(({ cell, reason }) =>
      reason === null ? [] : [{ ...cell, ...without, reason }],
    ),
  };
}

function reasonAgainst(task: string, model: string, tokenizer: string): string | null {
  const definition = tasks.get(task);
  const options = taskOptions(definition, []);
  return refusal(models.get(model), definition, options, tokenizers.get(tokenizer));
}

/** What a process of `run --json` left. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** This program again, from source or compiled, with other arguments. */
function runProgram(args: readonly string[], signal: AbortSignal): Promise<Ended> {
  const script = process.argv[1] as string;
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => child.kill("SIGINT");
  signal.addEventListener("abort", stop);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      signal.removeEventListener("abort", stop);
      resolve({ code, stdout, stderr });
    });
  });
}

/** The error that a failed process printed, on one line. */
function whyItFailed({ code, stderr }: Ended): string {
  const lines = stderr.trim().split("\n");
  const from = lines.findIndex((line) => line.startsWith("error:"));
  const told = from < 0 ? lines.slice(-3) : lines.slice(from);
  return `exit ${code}: ${told.map((line) => line.trim()).join("; ")}`;
}

async function runCell(
  cell: GridCell,
  args: readonly string[],
  signal: AbortSignal,
): Promise<GridResult> {
  const began = performance.now();
  const ended = await runProgram(args, signal);
  const seconds = (performance.now() - began) / 1000;
  if (ended.code !== 0) {
    const reason = whyItFailed(ended);
    return { ...cell, status: "failed", auprc: null, run_id: null, seconds, reason };
  }
  const [record] = JSON.parse(ended.stdout) as ResultRecord[];
  const auprc = record?.metrics.auprc.value ?? null;
  const run_id = record?.run_id ?? null;
  return { ...cell, status: "done", auprc, run_id, seconds, reason: null };
}

/**
 * Runs cells, `jobs` at a time, each in a process of its own; one that fails does not stop the others.
 * @param argsOf the command line of a cell: `run ... --json`
 * @throws the signal's reason when it is aborted.
 */
export async function runGrid(
  cells: readonly GridCell[],
  jobs: number,
  argsOf: (cell: GridCell) => readonly string[],
  tell: (result: GridResult) => void,
  signal: AbortSignal,
): Promise<readonly GridResult[]> {
  const results: GridResult[] = [];
  const queue = [...cells];
  const worker = async () => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      signal.throwIfAborted();
      const result = await runCell(cell, argsOf(cell), signal);
      signal.throwIfAborted();
      results.push(result);
      tell(result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const order = new Map(cells.map((cell, i) => [keyOf(cell), i]));
  const place = (result: GridResult) => order.get(keyOf(result)) ?? 0;
  return results.sort((a, b) => place(a) - place(b));
}

const keyOf = ({ task, model, tokenizer, seed }: GridCell) =>
  [task, model, tokenizer, seed].join(" ");

/** Mean and deviation of AUPRC over the seeds of one model, tokenizer and task. */
function cellText(found: readonly GridResult[]): string {
  if (found.some(({ status }) => status === "not applicable")) return "N/A";
  if (found.some(({ status }) => status === "failed")) return "failed";
  const values = found.flatMap(({ auprc }) => auprc ?? []);
  if (values.length === 0) return "undefined";
  const spread = values.length > 1 ? ` ± ${(standardDeviation(values) ?? 0).toFixed(3)}` : "";
  return `${mean(values).toFixed(3)}${spread}`;
}

/** A row a model and tokenizer, a column a task, why cells are empty, and on what data it is. */
export function gridTable(
  results: readonly GridResult[],
  { dataset, dataset_version, source }: Pick<StoreInfo, "dataset" | "dataset_version" | "source">,
): string {
  const distinct = (of: (result: GridResult) => string) => [...new Set(results.map(of))];
  const asked = distinct(({ task }) => task);
  const rows = distinct(({ model, tokenizer }) => `${model} ${tokenizer}`).map((row) => [
    ...row.split(" "),
    ...asked.map((task) =>
      cellText(results.filter((r) => r.task === task && `${r.model} ${r.tokenizer}` === row)),
    ),
  ]);
  const reasons = new Set(
    results.flatMap(({ task, model, tokenizer, status, reason }) =>
      reason === null ? [] : [`${model} (${tokenizer}) on ${task}, ${status}: ${reason}`],
    ),
  );
  const drawn = table(
    ["model", "tokenizer", ...asked],
    rows,
    asked.map((_, i) => i + 2),
  );
  const about = `AUPRC on held-out subjects, mean ± standard deviation over seeds; ${dataset} ${dataset_version}, source: ${source}.`;
  return [drawn, about, ...(reasons.size > 0 ? [[...reasons].join("\n")] : [])].join("\n\n");
}

/** @throws BenchError naming the runs that failed, for an exit code that is not 0. */
export function checkGrid(results: readonly GridResult[]): void {
  const failed = results.filter(({ status }) => status === "failed");
  if (failed.length === 0) return;
  throw new BenchError({
    what: `${failed.length} of ${results.length} runs of the grid failed`,
    where: failed.map(({ task, model, seed }) => `${model} on ${task}, seed ${seed}`).join("; "),
    fix: "see the reasons above; run the grid again with --resume to run these alone",
  });
}
