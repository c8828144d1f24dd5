/**
 * Whether a difference between two rows holds over other subjects too, from the predictions that their runs
 * kept in the private cache. Only differences and intervals leave it.
 */
import { Random } from "../core/random.ts";
import type { Database } from "../Dataset/duckdb.ts";
import {
  type DrawnDifference,
  drawDifferences,
  type Limits,
  meanOverSeeds,
  overSubjects,
  overSubjectsAndSeeds,
} from "../metrics/index.ts";
import type { Comparison } from "./compare.ts";
import { type HeldOut, predictionsHash, readHeldOut } from "./predictions.ts";
import type { ResultRecord } from "./record.ts";

/** All comparisons draw the same subjects, those from which a run with seed 0 has its own intervals. */
const DRAWS_OF_SEED = 0;

/** Under these flaws the AUPRC of a record is another one, of which there are no draws. */
const OTHER_AUPRC: readonly string[] = ["batch-averaged-metrics", "micro-average"];

export interface SubjectDifferences {
  /** Draws of subjects; the same for all seeds and comparisons on the same samples. */
  readonly draws: number;
  /** AUPRC of a minus that of b, with the percentiles of the draws, 95 %. */
  readonly per_seed: readonly {
    readonly seed: number;
    readonly difference: number;
    readonly interval: Limits | null;
  }[];
  /** Of the seeds above; in each draw all of them have the same subjects. Null without any. */
  readonly mean: {
    readonly difference: number;
    /** Over subjects, for these trained models. */
    readonly interval: Limits | null;
    /** Over subjects and seeds; null for one seed. */
    readonly interval_with_seeds: Limits | null;
  } | null;
  /** Seeds that are left out. */
  readonly missing: readonly { readonly seed: number; readonly reason: string }[];
}

/** A comparison, with that where it was asked for. */
export interface FullComparison extends Comparison {
  readonly over_subjects?: SubjectDifferences;
}

function isEqual(one: Float64Array | Uint8Array, other: Float64Array | Uint8Array): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

/** Whether two runs were scored on the same samples, in the same order, with the same labels. */
function isOfSameSamples(one: HeldOut, other: HeldOut): boolean {
  return (
    one.classes.join("\n") === other.classes.join("\n") &&
    isEqual(one.subjects, other.subjects) &&
    isEqual(one.predictionTime, other.predictionTime) &&
    isEqual(one.labels, other.labels)
  );
}

/** Where runs keep their predictions, and what their records say of them. */
export interface Kept {
  readonly db: Database;
  readonly cacheDir: string;
  readonly records: ReadonlyMap<string, ResultRecord>;
}

/** What a run kept, or why it cannot be used. */
async function keptBy(
  { db, cacheDir, records }: Kept,
  side: "a" | "b",
  run: string,
): Promise<HeldOut | string> {
  const kept = await readHeldOut(db, cacheDir, run);
  if (kept === undefined) return `the predictions of ${side} are not in the private cache`;
  return predictionsHash({ held_out: kept.probabilities }) === records.get(run)?.predictions_hash
    ? kept
    : `the predictions of ${side} in the private cache are not those of its record`;
}

interface Pair {
  readonly a: HeldOut;
  readonly b: HeldOut;
}

/** What both runs of a seed kept, or why they cannot be compared. */
async function pairOf(
  where: Kept,
  [runA, runB]: readonly [string, string],
  first: HeldOut | undefined,
): Promise<Pair | string> {
  const a = await keptBy(where, "a", runA);
  if (typeof a === "string") return a;
  const b = await keptBy(where, "b", runB);
  if (typeof b === "string") return b;
  if (!isOfSameSamples(a, b)) return "a and b were scored on different held-out samples";
  return first === undefined || isOfSameSamples(first, a)
    ? { a, b }
    : "it was scored on other held-out samples than the first seed";
}

type Drawn = readonly { readonly seed: number; readonly of: DrawnDifference }[];

function summary(drawn: Drawn): Pick<SubjectDifferences, "per_seed" | "mean"> {
  const all = drawn.map(({ of }) => of);
  const middle = all.length === 0 ? null : meanOverSeeds(all);
  return {
    per_seed: drawn.map(({ seed, of }) => ({
      seed,
      difference: of.value,
      interval: overSubjects(of),
    })),
    mean: middle && {
      difference: middle.value,
      interval: overSubjects(middle),
      interval_with_seeds: overSubjectsAndSeeds(all),
    },
  };
}

/** The seeds of one comparison, one after the other: two runs' predictions are in memory at a time, and the first's samples. */
export async function subjectDifferences(
  where: Kept,
  { group, a, b, seeds }: Comparison,
  draws: number,
): Promise<SubjectDifferences> {
  if (group.flaws?.some((flaw) => OTHER_AUPRC.includes(flaw))) {
    const reason = `no draws are made of an AUPRC with ${OTHER_AUPRC.join(" or ")}`;
    return { draws, per_seed: [], mean: null, missing: seeds.map((seed) => ({ seed, reason })) };
  }
  const random = Random.fromSeed(DRAWS_OF_SEED).derive("bootstrap");
  const drawn: { seed: number; of: DrawnDifference }[] = [];
  const missing: { seed: number; reason: string }[] = [];
  let first: HeldOut | undefined;
  for (const [i, seed] of seeds.entries()) {
    const pair = await pairOf(where, [a.run_ids[i] ?? "", b.run_ids[i] ?? ""], first);
    if (typeof pair === "string") {
      missing.push({ seed, reason: pair });
      continue;
    }
    first ??= pair.a;
    const { classes, labels, subjects } = pair.a;
    const scores = { a: pair.a.probabilities, b: pair.b.probabilities };
    const input = { classes: classes.length, labels, subjects, ...scores, random, draws };
    drawn.push({ seed, of: drawDifferences(input) });
  }
  return { draws, ...summary(drawn), missing };
}
