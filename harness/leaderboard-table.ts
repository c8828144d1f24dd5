/** The leaderboard as text for a terminal: one table a group, so that sources never stand in one ranking. */
import type { PairedDifference } from "../metrics/index.ts";
import type { Leaderboard, LeaderboardGroup, LeaderboardRow } from "./leaderboard.ts";
import { table, wrapped } from "./output.ts";

export const HEAD = [
  "#",
  "model",
  "tokenizer",
  "AUPRC",
  "95 % interval",
  "seeds",
  "prevalence",
  "reached",
  "vs baseline",
];

/** Said in capitals wherever numbers of such data stand. */
export const SOURCE_WARNINGS = {
  real: "",
  demo: "DEMO DATA: 100 PATIENTS DECIDE NOTHING",
  synthetic: "SYNTHETIC DATA: THESE NUMBERS SAY NOTHING ABOUT REAL PATIENTS",
} as const;

/** Said beside a tokenizer's name, where it was not made by the run alone. */
export const ORIGINS = { run: "", files: " (from files)", folder: " (loaded)" } as const;

export const fixed = (value: number) => value.toFixed(3);
const orDash = (value: number | null) => (value === null ? "-" : fixed(value));

/** With its sign. */
export const plus = (value: number) => `${value < 0 ? "" : "+"}${fixed(value)}`;

/** `+0.012 [-0.004, +0.028] (n=5)`: a mean paired difference with its 95 % interval over seeds, where there is one. */
export function signed({ mean, n, interval }: PairedDifference): string {
  const shown = interval === null ? "" : ` [${plus(interval.low)}, ${plus(interval.high)}]`;
  return `${plus(mean)}${shown} (n=${n})`;
}

/** A row in the order of `HEAD`. */
export function cells(row: LeaderboardRow): string[] {
  const { mean, sd, interval, n } = row.auprc;
  const difference = row.difference_to_baseline;
  return [
    row.rank === null ? "-" : String(row.rank),
    row.model,
    `${row.tokenizer}${ORIGINS[row.tokenizer_origin ?? "run"]}`,
    mean === null ? "undefined" : `${fixed(mean)}${sd === null ? "" : ` ± ${fixed(sd)}`}`,
    interval === null ? "-" : `${fixed(interval.low)} to ${fixed(interval.high)}`,
    n === row.seeds.length ? String(n) : `${n} of ${row.seeds.length}`,
    typeof row.prevalence === "string" ? row.prevalence : orDash(row.prevalence),
    row.reached === null ? "-" : `${(100 * row.reached).toFixed(1)} %`,
    difference === null ? "-" : signed(difference),
  ];
}

/** On what data and by what rules a group was scored, in one line. */
export function groupTitle(group: Omit<LeaderboardGroup, "rows">): string {
  const options = Object.entries(group.task_options).map(([key, value]) => `${key}=${value}`);
  const task = `${group.task} (version ${[group.task_version, ...options].join(", ")})`;
  const source = group.source === "real" ? "real data" : `${group.source.toUpperCase()} DATA`;
  return [
    `${group.dataset} ${group.dataset_version}`,
    source,
    task,
    `protocol ${group.protocol}${group.flaws === undefined ? "" : ` (${group.flaws.join(", ") || "no flaw"})`}`,
    `data ${group.dataset_fingerprint.slice(0, 8)}`,
  ].join(" | ");
}

/** Settings of a row by name, those that tell rows of one model and tokenizer apart. */
function namedSettings(row: LeaderboardRow): Map<string, string> {
  const { hyperparameters, tokenizer_options: options, model_files: files, ...rest } = row.settings;
  const named = (prefix: string, values: Readonly<Record<string, unknown>>) =>
    Object.entries(values).map(([name, value]) => [`${prefix}${name}`, String(value)] as const);
  return new Map([
    ...named("", hyperparameters),
    ...named("", rest),
    ...named("", { "model version": row.model_version }),
    ...named("tokenizer ", { ...options, version: row.tokenizer_version }),
    ...named("file ", files),
    ["artefact", row.tokenizer_artefacts.map((hash) => hash.slice(0, 8)).join("+")],
  ]);
}

/** In what a row differs from others of its model and tokenizer; empty where there are none. */
export function differences(row: LeaderboardRow, rows: readonly LeaderboardRow[]): string {
  const own = namedSettings(row);
  const others = rows
    .filter((r) => r !== row && r.model === row.model && r.tokenizer === row.tokenizer)
    .map(namedSettings);
  const names = new Set([...own.keys(), ...others.flatMap((other) => [...other.keys()])]);
  return [...names]
    .filter((name) => others.some((other) => other.get(name) !== own.get(name)))
    .map((name) => `${name}=${own.get(name) ?? "-"}`)
    .join(", ");
}

function groupTable({ rows }: LeaderboardGroup): string {
  const told = rows.map((row) => differences(row, rows));
  const isNeeded = told.some((text) => text !== "");
  return table(
    isNeeded ? [...HEAD, "settings that differ"] : HEAD,
    rows.map((row, i) => (isNeeded ? [...cells(row), told[i] ?? ""] : cells(row))),
    [0, 3, 5, 6, 7],
  );
}

/** What the columns mean. */
export const NOTE =
  "AUPRC: average precision on held-out subjects, mean ± standard deviation over seeds. vs baseline: mean paired " +
  "difference to tokenizer baseline; its interval is over seeds, on these held-out subjects.";

/** Text of a leaderboard, without a final newline. */
export function renderLeaderboard(board: Leaderboard): string {
  const groups = board.groups.map((group) => `${groupTitle(group)}\n${groupTable(group)}`);
  const leftOut = board.left_out.map(({ run_id, reason }) => `  ${run_id}: ${reason}`);
  const blocks = [
    ...(groups.length === 0 ? ["no records to rank"] : groups),
    ...(leftOut.length === 0 ? [] : [`not ranked:\n${leftOut.join("\n")}`]),
    ...(groups.length === 0 ? [] : [wrapped(NOTE)]),
  ];
  return blocks.join("\n\n");
}
