/** Comparisons of two rows as a document: a table for each group of data, task and protocol. */
import type { Comparison } from "./compare.ts";
import { type Block, type Document, heading, text, warning } from "./document.ts";
import { fixed, groupTitle, SOURCE_WARNINGS, signed } from "./leaderboard-table.ts";

const NOTE =
  "a - b: mean paired difference in AUPRC over the seeds that both have, with its 95 % interval by Student's t. The " +
  "held-out subjects are the same for all seeds: the interval is about training's randomness on these subjects, not " +
  "about other subjects. One seed has no interval.";

/** What an interval lets one say, in a word. */
function verdict({ difference: { interval } }: Comparison): string {
  if (interval === null) return "one seed decides nothing";
  if (interval.low > 0) return "a is better";
  return interval.high < 0 ? "b is better" : "no difference shown";
}

function blocksOf(found: readonly Comparison[]): Block[] {
  const [first] = found;
  if (first === undefined) return [];
  const told = SOURCE_WARNINGS[first.group.source];
  return [
    heading(groupTitle(first.group)),
    ...(told === "" ? [] : [warning(told)]),
    {
      kind: "table",
      caption: "AUPRC, mean over common seeds",
      head: ["a", "b", "a", "b", "a - b", "seeds", ""],
      rows: found.map((one) => [
        `${one.a.model} ${one.a.tokenizer}`,
        `${one.b.model} ${one.b.tokenizer}`,
        fixed(one.a.auprc),
        fixed(one.b.auprc),
        signed(one.difference),
        one.seeds.join(", "),
        verdict(one),
      ]),
    },
  ];
}

export function compareDocument(a: string, b: string, found: readonly Comparison[]): Document {
  const titles = [...new Set(found.map(({ group }) => groupTitle(group)))];
  const ofTitle = (title: string) => found.filter(({ group }) => groupTitle(group) === title);
  return {
    title: `${a} (a) against ${b} (b)`,
    blocks: [...titles.flatMap((title) => blocksOf(ofTitle(title))), text(NOTE)],
  };
}
