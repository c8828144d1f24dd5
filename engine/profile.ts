/**
 * Where the time of training goes, by operation: the runtime's own profile of each session's first runs.
 * Off unless asked for; when on, every session made from then on takes part. Numbers do not change.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs of a session that are looked at: the runtime writes about a kilobyte per operation and run. */
const RUNS = 24;
/** Runs left out at the start, in which memory is touched for the first time. */
const WARM_UP = 4;

export interface OperationTime {
  /** Operator, e.g. `MatMul`, or `(outside operations)`. */
  readonly operation: string;
  /** Module paths that spend most of it, most first. */
  readonly modules: readonly string[];
  /** Per run. */
  readonly calls: number;
  /** Milliseconds per run. */
  readonly milliseconds: number;
  /** Of the session's time, 0 to 1. */
  readonly share: number;
}

export interface SessionProfile {
  /** What the session is for, e.g. `training`. */
  readonly session: string;
  readonly runs: number;
  /** Most expensive first. */
  readonly operations: readonly OperationTime[];
}

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly ts: number;
  readonly args?: { readonly op_name?: string };
}

let isOn = false;
const finished: SessionProfile[] = [];

/** Switches profiling on for sessions made from now on. */
export function startProfiling(): void {
  isOn = true;
}

export function isProfiling(): boolean {
  return isOn;
}

/** What was measured since the last call, and switches profiling off. */
export function takeProfiles(): SessionProfile[] {
  isOn = false;
  return finished.splice(0);
}

/** Session options that make the runtime write a profile, and what to do with it. */
export interface ProfileRecorder {
  readonly options: { readonly enableProfiling: true; readonly profileFilePrefix: string };
  /** Tell it of each run that has ended; `end` is called when enough were seen. */
  ran(end: () => void): void;
  /** Tell it that the session ends. */
  released(end: () => void): void;
}

/** A recorder for a new session, or undefined where profiling is off. */
export function makeRecorder(session: string): ProfileRecorder | undefined {
  if (!isOn) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "medtok-bench-profile-"));
  let runs = 0;
  let isOpen = true;
  const close = (end: () => void) => {
    if (!isOpen) return;
    isOpen = false;
    end();
    if (runs > 0) finished.push(summarise(session, readEvents(folder), runs));
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    options: { enableProfiling: true, profileFilePrefix: join(folder, "run") },
    ran(end) {
      runs += 1;
      if (runs === RUNS) close(end);
    },
    released: close,
  };
}

function readEvents(folder: string): readonly Event[] {
  const [file] = readdirSync(folder);
  if (file === undefined) return [];
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Event[];
}

/** `layer0.attention.matmul#12_kernel_time` -> `layer0.attention`. */
function moduleOf(name: string): string {
  const path = name.replace(/(#\d+)?(_token_\d+)?_kernel_time$/, "").split(".");
  return path.slice(0, -1).join(".") || "(model)";
}

/** Events of operators, each with its time less that of operators inside it, as in a Scan. */
function ownTimes(events: readonly Event[]): readonly (Event & { readonly own: number })[] {
  const nodes = events
    .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
    .map((event) => ({ ...event, own: event.dur }))
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const open: (typeof nodes)[number][] = [];
  for (const node of nodes) {
    while (open.length > 0 && node.ts >= (open.at(-1)?.ts ?? 0) + (open.at(-1)?.dur ?? 0))
      open.pop();
    const around = open.at(-1);
    if (around !== undefined) around.own -= node.dur;
    open.push(node);
  }
  return nodes;
}

interface Sum {
  calls: number;
  micros: number;
  readonly modules: Map<string, number>;
}

/** Sums a runtime's events by operator; exported for its test. */
export function summarise(session: string, events: readonly Event[], runs: number): SessionProfile {
  const starts = events.filter(({ name }) => name === "model_run").map(({ ts }) => ts);
  const skipped = Math.min(WARM_UP, runs - 1);
  const from = starts.sort((a, b) => a - b)[skipped] ?? 0;
  const counted = Math.max(1, runs - skipped);
  const sums = new Map<string, Sum>();
  let whole = 0;
  let inside = 0;
  for (const { name, dur, ts } of events) if (name === "model_run" && ts >= from) whole += dur;
  for (const { name, own: dur, args } of ownTimes(events.filter(({ ts }) => ts >= from))) {
    inside += dur;
    const operation = args?.op_name ?? "unknown";
    const sum = sums.get(operation) ?? { calls: 0, micros: 0, modules: new Map() };
    sums.set(operation, sum);
    sum.calls += 1;
    sum.micros += dur;
    const path = moduleOf(name);
    sum.modules.set(path, (sum.modules.get(path) ?? 0) + dur);
  }
  const outside = { calls: counted, micros: Math.max(0, whole - inside), modules: new Map() };
  sums.set("(outside operations)", outside);
  const operations = [...sums].map(([operation, { calls, micros, modules }]) => ({
    operation,
    modules: [...modules].sort((a, b) => b[1] - a[1]).map(([path]) => path),
    calls: calls / counted,
    milliseconds: micros / counted / 1000,
    share: micros / Math.max(1, whole, inside),
  }));
  operations.sort((a, b) => b.share - a.share);
  return { session, runs: counted, operations };
}
