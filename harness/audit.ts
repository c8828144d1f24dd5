/**
 * What each flaw of the paper's code does to the number that is reported: runs under protocol `paper` beside those
 * under `strict` that are alike in all else. A pure function of records.
 */
import { canonicalJson } from "../core/hash.ts";
import { FLAW_NAMES, type Flaw, isFlaw } from "../core/protocol.ts";
import type { PairedDifference } from "../metrics/index.ts";
import { tasks } from "../tasks/index.ts";
import { pairSeeds } from "./compare.ts";
import type { Leaderboard, LeaderboardGroup, LeaderboardRow } from "./leaderboard.ts";
import { flawsOf } from "./protocol.ts";
import type { ResultRecord } from "./record.ts";

type Group = Omit<LeaderboardGroup, "rows">;

/** Which of the flaws that a task can have a run has. */
export type Extent = "all" | "only" | "without" | "none" | "some";

export interface AuditedRow {
  readonly extent: Extent;
  /** Those that it has. */
  readonly flaws: readonly string[];
  /** The one that it lacks, where it has all but one. */
  readonly lacking: Flaw | null;
  readonly row: LeaderboardRow;
  /** AUPRC minus that under strict, seed by seed; null without a common seed. */
  readonly difference: PairedDifference | null;
}

export interface Audit {
  /** Of the strict row. */
  readonly group: Group;
  readonly strict: LeaderboardRow;
  /** All flaws, each alone, all but one, others; in the order of the list of flaws. */
  readonly rows: readonly AuditedRow[];
  /** Flaws of the task that no row has alone. */
  readonly unmeasured: readonly Flaw[];
  /** Whether a row has all of them. */
  readonly hasAll: boolean;
}

const EXTENTS: readonly Extent[] = ["all", "only", "without", "none", "some"];

/** The flaws that a task can have; none for one that is not this program's. */
function possibleFlaws({ task, dataset, task_definition }: Group): readonly Flaw[] {
  const isOwn = task_definition === undefined && tasks.names.includes(task);
  return isOwn ? flawsOf(tasks.get(task), dataset) : [];
}

function extentOf(flaws: readonly string[], lacking: readonly Flaw[]): Extent {
  if (flaws.length === 0) return "none";
  if (lacking.length === 0) return "all";
  if (flaws.length === 1) return "only";
  return lacking.length === 1 ? "without" : "some";
}

/** What two groups share whose runs may stand side by side. */
const dataKey = ({ rows: _, protocol: __, flaws: ___, ...data }: LeaderboardGroup) =>
  canonicalJson(data);

/** What two rows share that are one experiment under two protocols. */
const experimentKey = (row: LeaderboardRow) =>
  canonicalJson([
    ...[row.model, row.model_version, row.tokenizer, row.tokenizer_version],
    ...[row.settings, row.tokenizer_origin],
  ]);

/** Of the flaw that tells a row from others of its extent, the place in the list. */
function placeOf({ flaws, lacking }: AuditedRow): number {
  const told = lacking ?? flaws[0] ?? "";
  return isFlaw(told) ? FLAW_NAMES.indexOf(told) : -1;
}

function auditOf(
  { rows: _, ...group }: LeaderboardGroup,
  strict: LeaderboardRow,
  flawed: readonly LeaderboardGroup[],
  records: ReadonlyMap<string, ResultRecord>,
): Audit[] {
  const possible = possibleFlaws(group);
  const rows = flawed.flatMap(({ flaws = [], rows: others }) => {
    const missing = possible.filter((flaw) => !flaws.includes(flaw));
    const extent = extentOf(flaws, missing);
    const lacking = extent === "without" ? (missing[0] ?? null) : null;
    return others
      .filter((row) => experimentKey(row) === experimentKey(strict))
      .map((row): AuditedRow => {
        const difference = pairSeeds([row, strict], records)?.difference ?? null;
        return { extent, flaws, lacking, row, difference };
      });
  });
  if (rows.length === 0) return [];
  const alone = rows.filter(({ flaws }) => flaws.length === 1).map(({ flaws }) => flaws[0]);
  return [
    {
      group,
      strict,
      rows: rows.toSorted(
        (a, b) => EXTENTS.indexOf(a.extent) - EXTENTS.indexOf(b.extent) || placeOf(a) - placeOf(b),
      ),
      unmeasured: possible.filter((flaw) => !alone.includes(flaw)),
      hasAll: rows.some(({ extent }) => extent === "all"),
    },
  ];
}

/** Every strict row that has a counterpart under protocol `paper`; none where there is none. */
export function audit(board: Leaderboard, records: readonly ResultRecord[]): Audit[] {
  const byId = new Map(records.map((record) => [record.run_id, record]));
  return board.groups
    .filter(({ protocol }) => protocol === "strict")
    .flatMap((group) => {
      const flawed = board.groups.filter(
        (other) => other.protocol === "paper" && dataKey(other) === dataKey(group),
      );
      return group.rows.flatMap((strict) => auditOf(group, strict, flawed, byId));
    });
}
