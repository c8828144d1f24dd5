/**
 * The paper's tables beside the records: each of its cells, and ours on the same dataset, task, model and
 * tokenizer. A pure function of a leaderboard; rows of different data or protocols are never put together.
 */
import { canonicalJson } from "../core/hash.ts";
import { models } from "../ehr-models/index.ts";
import { tasks } from "../tasks/index.ts";
import { tokenizers } from "../tokenizers/index.ts";
import type { Leaderboard, LeaderboardGroup, LeaderboardRow } from "./leaderboard.ts";
import { taskOptions } from "./options.ts";
import { refusal } from "./pairing.ts";
import { PAPER_CELLS, type PaperCell, type PaperTable } from "./paper-tables.ts";

/** Ours in a cell: a row, no record yet, or a pair that makes no sense here either. */
export type Ours = LeaderboardRow | "missing" | "not applicable";

export interface ReproducedCell {
  readonly paper: PaperCell;
  readonly baseline: Ours;
  readonly medtok: Ours;
}

/** A dataset's part of a table, on one version of its data and by one protocol; without records, on none. */
export interface Reproduction {
  readonly table: PaperTable;
  readonly dataset: string;
  readonly data: Pick<
    LeaderboardGroup,
    "source" | "dataset_version" | "dataset_fingerprint" | "protocol" | "flaws"
  > | null;
  readonly cells: readonly ReproducedCell[];
}

/** Groups of the tasks as the paper asks them, with our defaults. */
function asAsked({ task, task_options }: LeaderboardGroup): boolean {
  const definition = tasks.all.find(({ name }) => name === task);
  return (
    definition !== undefined &&
    canonicalJson(task_options) === canonicalJson(taskOptions(definition, []))
  );
}

/** Whether a row has the settings that its model is used with when nothing is said. */
function isDefault({ model, settings }: LeaderboardRow): boolean {
  const { defaults } = models.get(model);
  return canonicalJson(settings.hyperparameters) === canonicalJson(defaults);
}

/**
 * The one row of a model and tokenizer that stands for it, never chosen by its score: the default settings
 * first, then the newest version of the model, then most seeds.
 */
function rowFor(rows: readonly LeaderboardRow[], model: string, tokenizer: string): Ours {
  const known = models.names.includes(model) ? models.get(model) : undefined;
  const order = (row: LeaderboardRow) => [
    isDefault(row) ? 0 : 1,
    -row.model_version,
    -row.tokenizer_version,
    -row.seeds.length,
  ];
  const [best] = rows
    .filter((row) => known !== undefined && row.model === model && row.tokenizer === tokenizer)
    .toSorted((a, b) => {
      const [x, y] = [order(a), order(b)];
      const at = x.findIndex((value, i) => value !== y[i]);
      return at < 0
        ? (a.run_ids[0] ?? "").localeCompare(b.run_ids[0] ?? "")
        : (x[at] as number) - (y[at] as number);
    });
  return best ?? "missing";
}

function oursIn(groups: readonly LeaderboardGroup[], cell: PaperCell, tokenizer: string): Ours {
  const task = tasks.get(cell.task);
  const found = rowFor(
    groups.filter((group) => group.task === cell.task).flatMap(({ rows }) => rows),
    cell.model,
    tokenizer,
  );
  if (found !== "missing") return found;
  const no = refusal(
    models.get(cell.model),
    task,
    taskOptions(task, []),
    tokenizers.get(tokenizer),
  );
  return no === null ? "missing" : "not applicable";
}

/** What must be equal for records to stand in one table. */
const dataOf = (group: LeaderboardGroup) => ({
  source: group.source,
  dataset_version: group.dataset_version,
  dataset_fingerprint: group.dataset_fingerprint,
  protocol: group.protocol,
  ...(group.flaws === undefined ? {} : { flaws: group.flaws }),
});

/**
 * The tables that are asked for, a part a dataset and kind of data; datasets without records once, with the
 * paper's numbers alone.
 */
export function reproduce(board: Leaderboard, asked: readonly PaperTable[]): Reproduction[] {
  return asked.flatMap((table) => {
    const cells = PAPER_CELLS.filter((cell) => cell.table === table);
    return [...new Set(cells.map(({ dataset }) => dataset))].flatMap((dataset) => {
      const own = cells.filter((cell) => cell.dataset === dataset);
      const inTable = new Set(own.map(({ task }) => task));
      const groups = board.groups.filter(
        (group) => group.dataset === dataset && inTable.has(group.task) && asAsked(group),
      );
      const parts = new Map<string, LeaderboardGroup[]>();
      for (const group of groups) {
        const key = canonicalJson(dataOf(group));
        parts.set(key, [...(parts.get(key) ?? []), group]);
      }
      if (parts.size === 0) parts.set("", []);
      return [...parts.values()].map((part): Reproduction => {
        const [first] = part;
        return {
          table,
          dataset,
          data: first === undefined ? null : dataOf(first),
          cells: own.map((paper) => ({
            paper,
            baseline: oursIn(part, paper, "baseline"),
            medtok: oursIn(part, paper, "medtok"),
          })),
        };
      });
    });
  });
}
