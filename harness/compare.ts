/**
 * Two rows of a leaderboard side by side, seed by seed: on the same data, task and protocol, and alike in all
 * that was not asked to differ. A pure function of records.
 */
import { BenchError } from "../core/errors.ts";
import { canonicalJson } from "../core/hash.ts";
import { unknownName } from "../core/registry.ts";
import { models } from "../ehr-models/index.ts";
import { mean, type PairedDifference, pairedDifference } from "../metrics/index.ts";
import { tokenizers } from "../tokenizers/index.ts";
import type { Leaderboard, LeaderboardGroup, LeaderboardRow } from "./leaderboard.ts";
import type { ResultRecord } from "./record.ts";

/** What a side is asked to be; what is left out may be anything that both sides share. */
export interface Side {
  /** As it was written. */
  readonly text: string;
  readonly model?: string;
  readonly tokenizer?: string;
  readonly run?: string;
}

/** Whose scores: model, tokenizer, and the runs. */
export interface ComparedRow {
  readonly model: string;
  readonly tokenizer: string;
  /** Over the seeds that both have. */
  readonly auprc: number;
  readonly run_ids: readonly string[];
}

export interface Comparison {
  readonly group: Omit<LeaderboardGroup, "rows">;
  readonly a: ComparedRow;
  readonly b: ComparedRow;
  readonly seeds: readonly number[];
  /** AUPRC of a minus that of b. */
  readonly difference: PairedDifference;
}

/** `medtok`, `behrt`, `behrt+medtok`, or a run id. @throws BenchError for another word. */
export function parseSide(text: string): Side {
  let side: Side = { text };
  for (const word of text.split("+").map((part) => part.trim())) {
    if (models.names.includes(word)) side = { ...side, model: word };
    else if (tokenizers.names.includes(word)) side = { ...side, tokenizer: word };
    else if (/^[0-9a-f]{16}$/.test(word)) side = { ...side, run: word };
    else
      throw unknownName("model, tokenizer or run id", word, [...models.names, ...tokenizers.names]);
  }
  return side;
}

function isOf(row: LeaderboardRow, { model, tokenizer, run }: Side): boolean {
  return (
    (model === undefined || row.model === model) &&
    (tokenizer === undefined || row.tokenizer === tokenizer) &&
    (run === undefined || row.run_ids.includes(run))
  );
}

/** What two rows must share: whatever neither side names. Runs that are named may differ in everything. */
function sharedKey(row: LeaderboardRow, a: Side, b: Side): string {
  if (a.run !== undefined && b.run !== undefined) return "";
  const { tokenizer_options: ofTokenizer, ...ofModel } = row.settings;
  const differsInModel = a.model !== b.model;
  const differsInTokenizer = a.tokenizer !== b.tokenizer;
  return canonicalJson([
    differsInModel ? null : [row.model, row.model_version, ofModel],
    differsInTokenizer
      ? null
      : [row.tokenizer, row.tokenizer_version, ofTokenizer, row.tokenizer_origin],
  ]);
}

type Scores = ReadonlyMap<number, { readonly auprc: number; readonly run: string }>;

/** AUPRC and run of each seed of a row; seeds whose score is undefined are left out. */
function scoresOf(row: LeaderboardRow, records: ReadonlyMap<string, ResultRecord>): Scores {
  const scored = row.run_ids.flatMap((run) => {
    const record = records.get(run);
    const auprc = record?.metrics.auprc.value;
    return record === undefined || auprc == null
      ? []
      : [[record.spec.seed, { auprc, run }] as const];
  });
  return new Map(scored);
}

/** What two rows say on the seeds that both have, ascending; undefined without any. */
export function pairSeeds(
  rows: readonly [LeaderboardRow, LeaderboardRow],
  records: ReadonlyMap<string, ResultRecord>,
): Omit<Comparison, "group"> | undefined {
  const [a, b] = rows.map((row) => scoresOf(row, records)) as [Scores, Scores];
  const seeds = [...a.keys()].filter((seed) => b.has(seed)).sort((x, y) => x - y);
  const valuesOf = (scores: Scores) => seeds.flatMap((seed) => scores.get(seed)?.auprc ?? []);
  const [own, other] = [valuesOf(a), valuesOf(b)];
  const difference = pairedDifference(own.map((value, i) => value - (other[i] as number)));
  if (difference === null) return undefined;
  const side = (row: LeaderboardRow, scores: Scores, values: readonly number[]): ComparedRow => ({
    model: row.model,
    tokenizer: row.tokenizer,
    auprc: mean(values),
    run_ids: seeds.flatMap((seed) => scores.get(seed)?.run ?? []),
  });
  return { a: side(rows[0], a, own), b: side(rows[1], b, other), seeds, difference };
}

function compareRows(
  { rows: _, ...group }: LeaderboardGroup,
  rows: readonly [LeaderboardRow, LeaderboardRow],
  records: ReadonlyMap<string, ResultRecord>,
): Comparison[] {
  const pair = pairSeeds(rows, records);
  return pair === undefined ? [] : [{ group, ...pair }];
}

/** The flags that make a run one of these sides. */
function missing(sides: readonly Side[]): string {
  const flags = sides.map(({ text, model, tokenizer, run }) =>
    run === undefined
      ? [model && `--model ${model}`, tokenizer && `--tokenizer ${tokenizer}`]
          .filter((flag) => flag !== undefined)
          .join(" ")
      : `there is no run ${text}`,
  );
  return flags.length === 0 ? "both sides have records, but none that are alike" : flags.join("; ");
}

/**
 * All pairs of rows that the two sides ask for.
 * @throws BenchError when no two rows share data, seed, and all that was not asked to differ.
 */
export function compare(
  board: Leaderboard,
  records: readonly ResultRecord[],
  a: Side,
  b: Side,
): Comparison[] {
  const byId = new Map(records.map((record) => [record.run_id, record]));
  const found = board.groups.flatMap((group) =>
    group.rows
      .filter((row) => isOf(row, a))
      .flatMap((row) =>
        group.rows
          .filter((other) => other !== row && isOf(other, b))
          .filter((other) => sharedKey(row, a, b) === sharedKey(other, a, b))
          .flatMap((other) => compareRows(group, [row, other], byId)),
      ),
  );
  if (found.length > 0) return found;
  const rows = board.groups.flatMap((group) => group.rows);
  const count = (side: Side) => rows.filter((row) => isOf(row, side)).length;
  throw new BenchError({
    what: `no record of ${a.text} (${count(a)} rows) has a partner of ${b.text} (${count(b)} rows) on the same data, task, protocol, settings and seed`,
    fix:
      rows.length === 0
        ? "make records first: medtok-bench run, or medtok-bench grid for many"
        : `see medtok-bench leaderboard for what there is, and make what is missing with the same --dataset, --task and --seeds (${missing([a, b].filter((side) => count(side) === 0))}); two run ids may differ in all settings`,
  });
}
