/**
 * Records -> leaderboard: a pure function, so that anyone can make it again. Only rows on the same data,
 * task, options and protocol are compared; whatever is not ranked is listed with the reason.
 */
import { canonicalJson } from "../core/hash.ts";
import { mean, pairedDifference, standardDeviation } from "../metrics/index.ts";
import {
  LEADERBOARD_VERSION,
  type Leaderboard,
  type LeaderboardGroup,
  type LeaderboardRow,
  POOLED_METHOD,
  SINGLE_METHOD,
} from "./schema/leaderboard.ts";
import type { ResultRecord } from "./schema/record.ts";

export {
  type Leaderboard,
  type LeaderboardGroup,
  type LeaderboardRow,
  leaderboardSchema,
} from "./schema/leaderboard.ts";

const SOURCES = ["real", "demo", "synthetic"] as const;
const BASELINE = "baseline";
/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

type LeftOut = Leaderboard["left_out"][number];

function groupBy<T>(items: readonly T[], key: (item: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = canonicalJson(key(item));
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** What must be equal for two records to be ranked together. */
function groupKey({ spec, data }: ResultRecord): Omit<LeaderboardGroup, "rows"> {
  return {
    dataset: spec.dataset,
    source: data.source,
    dataset_version: data.dataset_version,
    dataset_fingerprint: spec.dataset_fingerprint,
    task: spec.task,
    task_version: spec.task_version,
    task_options: spec.task_options,
    ...(spec.task_definition === undefined ? {} : { task_definition: spec.task_definition }),
    protocol: spec.protocol,
    ...(spec.flaws === undefined ? {} : { flaws: spec.flaws }),
  };
}

/** What seeds of one row share. */
function rowKey({ spec }: ResultRecord) {
  return {
    model: spec.model,
    model_version: spec.model_version,
    tokenizer: spec.tokenizer,
    tokenizer_version: spec.tokenizer_version,
    settings: {
      hyperparameters: spec.hyperparameters,
      epochs: spec.epochs,
      patience: spec.patience,
      pretrain_epochs: spec.pretrain_epochs,
      model_files: spec.model_files,
      tokenizer_options: spec.tokenizer_options,
    },
  };
}

/**
 * Records -> rows. An artefact that depends on the seed is one row's; where one seed has several, tokenizers of other
 * folders or files were given, and each is a row of its own.
 */
function rowsOf(records: readonly ResultRecord[]): ResultRecord[][] {
  // Older records do not tell where their tokenizer came from; nearly all made their own.
  const key = (record: ResultRecord) => [rowKey(record), record.tokenizer_origin ?? "run"];
  return groupBy(records, key).flatMap((alike) => {
    const artefact = ({ spec }: ResultRecord) => spec.tokenizer_artefact;
    const isMixed = groupBy(alike, ({ spec }) => spec.seed).some(
      (same) => new Set(same.map(artefact)).size > 1,
    );
    return isMixed ? groupBy(alike, artefact) : [alike];
  });
}

/** Records of the newest version of each task; the others are listed. */
function newestTasks(
  records: readonly ResultRecord[],
  current: Readonly<Record<string, number>>,
): { kept: ResultRecord[]; leftOut: LeftOut[] } {
  const newest = new Map(Object.entries(current));
  for (const { spec } of records) {
    newest.set(spec.task, Math.max(newest.get(spec.task) ?? 0, spec.task_version));
  }
  const isNewest = ({ spec }: ResultRecord) => spec.task_version === newest.get(spec.task);
  return {
    kept: records.filter(isNewest),
    leftOut: records
      .filter((record) => !isNewest(record))
      .map(({ run_id, spec }) => ({
        run_id,
        reason: `version ${spec.task_version} of task ${spec.task} is superseded by version ${newest.get(spec.task)}`,
      })),
  };
}

/** One record a seed: the latest one, where for instance the number of bootstrap draws was changed. */
function onePerSeed(records: readonly ResultRecord[]): {
  kept: ResultRecord[];
  leftOut: LeftOut[];
} {
  const kept: ResultRecord[] = [];
  const leftOut: LeftOut[] = [];
  for (const same of groupBy(records, (record) => record.spec.seed)) {
    const ordered = same.toSorted((a, b) =>
      a.created_at === b.created_at
        ? a.run_id.localeCompare(b.run_id)
        : Date.parse(b.created_at) - Date.parse(a.created_at),
    );
    const [latest, ...others] = ordered;
    if (latest === undefined) continue;
    kept.push(latest);
    for (const { run_id } of others) {
      leftOut.push({ run_id, reason: `record ${latest.run_id} of the same row and seed is newer` });
    }
  }
  return { kept: kept.sort((a, b) => a.spec.seed - b.spec.seed), leftOut };
}

type PooledInterval = LeaderboardRow["auprc"]["interval"];

function pooledInterval(
  scored: readonly ResultRecord[],
  values: readonly number[],
): PooledInterval {
  const intervals = scored.flatMap(({ metrics }) => metrics.auprc.interval ?? []);
  const [first] = intervals;
  if (first === undefined || intervals.length < values.length) return null;
  if (intervals.length === 1) {
    return { low: first.low, high: first.high, level: 0.95, method: SINGLE_METHOD };
  }
  const within = mean(intervals.map(({ low, high }) => ((high - low) / (2 * Z)) ** 2));
  const between = (standardDeviation(values) ?? 0) ** 2;
  const half = Z * Math.sqrt(within + (1 + 1 / values.length) * between);
  const middle = mean(values);
  return {
    low: Math.max(0, middle - half),
    high: Math.min(1, middle + half),
    level: 0.95,
    method: POOLED_METHOD,
  };
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}

function meanPrevalence(records: readonly ResultRecord[]): LeaderboardRow["prevalence"] {
  const values = records.flatMap(({ metrics }) => metrics.auprc.prevalence ?? []);
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length < values.length ? "masked" : meanOrNull(numbers);
}

/** Null where one record does not tell. */
function originOf(records: readonly ResultRecord[]): LeaderboardRow["tokenizer_origin"] {
  const [first, ...others] = new Set(records.map(({ tokenizer_origin: origin }) => origin));
  return first === undefined || others.length > 0 ? null : first;
}

interface UnrankedRow {
  readonly row: Omit<LeaderboardRow, "rank" | "difference_to_baseline">;
  readonly bySeed: ReadonlyMap<number, number>;
}

function summarize(records: readonly ResultRecord[]): UnrankedRow {
  const first = records[0] as ResultRecord; // groups are never empty
  const scored = records.filter(({ metrics }) => metrics.auprc.value !== null);
  const values = scored.map(({ metrics }) => metrics.auprc.value as number);
  return {
    row: {
      ...rowKey(first),
      tokenizer_artefacts: [...new Set(records.map(({ spec }) => spec.tokenizer_artefact))].sort(),
      tokenizer_origin: originOf(records),
      seeds: records.map(({ spec }) => spec.seed),
      auprc: {
        mean: meanOrNull(values),
        sd: standardDeviation(values),
        n: values.length,
        interval: pooledInterval(scored, values),
      },
      prevalence: meanPrevalence(scored),
      reached: meanOrNull(records.flatMap(({ best_possible }) => best_possible?.reached ?? [])),
      run_ids: records.map(({ run_id }) => run_id),
    },
    bySeed: new Map(scored.map(({ spec }, i) => [spec.seed, values[i] as number])),
  };
}

function differenceToBaseline(
  { row, bySeed }: UnrankedRow,
  rows: readonly UnrankedRow[],
): LeaderboardRow["difference_to_baseline"] {
  if (row.tokenizer === BASELINE) return null;
  const key = ({ model, model_version, settings }: UnrankedRow["row"]) => {
    const { tokenizer_options: _, ...ofModel } = settings;
    return canonicalJson({ model, model_version, ofModel });
  };
  const baseline = rows
    .filter((other) => other.row.tokenizer === BASELINE && key(other.row) === key(row))
    .sort((a, b) => b.row.tokenizer_version - a.row.tokenizer_version)[0];
  const differences = [...bySeed].flatMap(([seed, value]) => {
    const base = baseline?.bySeed.get(seed);
    return base === undefined ? [] : [value - base];
  });
  return pairedDifference(differences);
}

/** Best mean first, rows without one last; equal means share a rank. */
function ranked(rows: readonly UnrankedRow[]): LeaderboardRow[] {
  const score = ({ row }: UnrankedRow) => row.auprc.mean;
  const ordered = rows.toSorted((a, b) => (score(b) ?? -1) - (score(a) ?? -1)); // stable
  return ordered.map((item) => {
    const own = score(item);
    const rank = own === null ? null : 1 + ordered.findIndex((other) => score(other) === own);
    return { rank, ...item.row, difference_to_baseline: differenceToBaseline(item, rows) };
  });
}

/**
 * Ranks records.
 * @param records in any order; the result does not depend on it
 * @param currentTasks versions of the tasks as this program defines them: records of older versions are
 * left out, as are those older than another record's version
 */
export function makeLeaderboard(
  records: readonly ResultRecord[],
  currentTasks: Readonly<Record<string, number>> = {},
): Leaderboard {
  const { kept, leftOut } = newestTasks(records, currentTasks);
  const groups = groupBy(kept, groupKey).map((members): LeaderboardGroup => {
    const rows = rowsOf(members).map((ofRow) => {
      const unique = onePerSeed(ofRow);
      leftOut.push(...unique.leftOut);
      return summarize(unique.kept);
    });
    return { ...groupKey(members[0] as ResultRecord), rows: ranked(rows) };
  });
  return {
    schema_version: LEADERBOARD_VERSION,
    metric: "auprc",
    groups: groups.sort((a, b) => SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source)),
    left_out: leftOut.sort((a, b) => (a.run_id < b.run_id ? -1 : 1)),
  };
}
