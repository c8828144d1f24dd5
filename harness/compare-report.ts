/** Comparisons of two rows as a document: a table for each group of data, task and protocol. */
import type { Limits } from "../metrics/index.ts";
import { type Block, type Document, heading, text, warning } from "./document.ts";
import { fixed, groupTitle, plus, SOURCE_WARNINGS, signed } from "./leaderboard-table.ts";
import type { FullComparison } from "./subject-differences.ts";

const NOTE =
  "a - b: mean paired difference in AUPRC over the seeds that both have, with its 95 % interval by Student's t. The " +
  "held-out subjects are the same for all seeds: the interval is about training's randomness on these subjects, not " +
  "about other subjects. One seed has no interval, and a model in which the seed changes nothing has none that says anything.";

const SUBJECTS_NOTE =
  "Over subjects: the percentiles, 95 %, of a paired bootstrap: in each draw of the held-out subjects a and b are " +
  "scored on the same ones. The row of the mean is the mean over the seeds above it, with the same subjects for all of " +
  "them in each draw. Over subjects and seeds: the variance of that mean over draws plus the variance of the seeds over " +
  "their number, by Student's t; this is the one to quote where the question is about other subjects and other trainings.";

const KEPT_WHERE =
  "The predictions of a run are kept in the private cache of the machine that made it: name that cache with " +
  "--cache-dir or MEDTOK_BENCH_CACHE, or make the run again.";

/** Differences of seeds that differ by less are the same, as those of models are that a seed changes nothing in. */
const ROUNDING = 1e-12;

/** What the seeds let one say, on these held-out subjects. */
function verdictOfSeeds({ difference: { sd, interval } }: FullComparison): string {
  if (sd !== null && sd < ROUNDING) return "no seed changes it";
  return verdict(interval, "one seed decides nothing");
}

/** What an interval lets one say, in a word. */
function verdict(interval: Limits | null, without: string): string {
  if (interval === null) return without;
  if (interval.low > 0) return "a is better";
  return interval.high < 0 ? "b is better" : "no difference shown";
}

const sideOf = ({ model, tokenizer }: FullComparison["a"]) => `${model} ${tokenizer}`;
const limits = (interval: Limits | null) =>
  interval === null ? "-" : `[${plus(interval.low)}, ${plus(interval.high)}]`;

/** A row a seed and one of their mean. */
function subjectRows({ a, b, over_subjects: found }: FullComparison): string[][] {
  if (found === undefined || found.mean === null) return [];
  const { mean } = found;
  const isOne = mean.interval_with_seeds === null;
  const rows = found.per_seed.map(({ seed, difference, interval }, i) => [
    ...(i === 0 ? [sideOf(a), sideOf(b)] : ["", ""]),
    ...[String(seed), plus(difference), limits(interval), "-"],
    isOne ? verdict(interval, "") : "",
  ]);
  if (isOne) return rows;
  const told = [plus(mean.difference), limits(mean.interval), limits(mean.interval_with_seeds)];
  return [...rows, ["", "", "mean", ...told, verdict(mean.interval_with_seeds, "")]];
}

/** Why seeds have no interval over subjects: a line a comparison and reason. */
function whyMissing(found: readonly FullComparison[]): Block[] {
  const lines = found.flatMap(({ a, b, over_subjects }) => {
    const missing = over_subjects?.missing ?? [];
    return [...new Set(missing.map(({ reason }) => reason))].map((reason) => {
      const seeds = missing.filter((one) => one.reason === reason).map(({ seed }) => seed);
      return `${sideOf(a)} against ${sideOf(b)}, seed ${seeds.join(", ")}: ${reason}`;
    });
  });
  if (lines.length === 0) return [];
  return [text(["No interval over subjects:", ...lines, KEPT_WHERE].join("\n"))];
}

/** The same differences over draws of subjects; nothing where they were not asked for. */
function subjectBlocks(found: readonly FullComparison[]): Block[] {
  const rows = found.flatMap(subjectRows);
  const draws = found.find(({ over_subjects }) => over_subjects)?.over_subjects?.draws ?? 0;
  const table: Block = {
    kind: "table",
    caption: `a - b over held-out subjects, ${draws} draws`,
    head: ["a", "b", "seed", "a - b", "over subjects", "over subjects and seeds", "on others"],
    rows,
  };
  return [...(rows.length === 0 ? [] : [table]), ...whyMissing(found)];
}

function blocksOf(found: readonly FullComparison[]): Block[] {
  const [first] = found;
  if (first === undefined) return [];
  const told = SOURCE_WARNINGS[first.group.source];
  return [
    heading(groupTitle(first.group)),
    ...(told === "" ? [] : [warning(told)]),
    {
      kind: "table",
      caption: "AUPRC, mean over common seeds",
      head: ["a", "b", "a", "b", "a - b", "seeds", "on these subjects"],
      rows: found.map((one) => [
        sideOf(one.a),
        sideOf(one.b),
        fixed(one.a.auprc),
        fixed(one.b.auprc),
        signed(one.difference),
        one.seeds.join(", "),
        verdictOfSeeds(one),
      ]),
    },
    ...subjectBlocks(found),
  ];
}

export function compareDocument(a: string, b: string, found: readonly FullComparison[]): Document {
  const titles = [...new Set(found.map(({ group }) => groupTitle(group)))];
  const ofTitle = (title: string) => found.filter(({ group }) => groupTitle(group) === title);
  const isOverSubjects = found.some(({ over_subjects }) => over_subjects?.mean != null);
  return {
    title: `${a} (a) against ${b} (b)`,
    blocks: [
      ...titles.flatMap((title) => blocksOf(ofTitle(title))),
      text(NOTE),
      ...(isOverSubjects ? [text(SUBJECTS_NOTE)] : []),
    ],
  };
}
