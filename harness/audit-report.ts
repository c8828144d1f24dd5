/** What flaws do to a number, as blocks of a document: a table for each model that was run under both protocols. */
import { FLAWS, isFlaw } from "../core/protocol.ts";
import type { Audit, AuditedRow } from "./audit.ts";
import { type Block, type Document, heading, text, warning } from "./document.ts";
import type { LeaderboardRow } from "./leaderboard.ts";
import { fixed, groupTitle, plus, SOURCE_WARNINGS, signed } from "./leaderboard-table.ts";

const NOTE =
  "minus strict: mean paired difference in AUPRC over common seeds, with its 95 % interval by Student's t. A flaw may " +
  "change who is a sample, what the label is and who is held out, and with them prevalence, which is what a constant " +
  "score reaches: it says what the flaw does to the number that is reported, not that the model got better. Effects of " +
  "single flaws do not add up to that of all.";

function nameOf({ extent, flaws, lacking }: AuditedRow): string {
  if (extent === "all") return "all flaws";
  if (extent === "without") return `all but ${lacking}`;
  if (extent === "none") return "paper, no flaw";
  return extent === "only" ? (flaws[0] ?? "") : flaws.join(" + ");
}

function scoreCells({ auprc, prevalence }: LeaderboardRow): string[] {
  const { mean, sd } = auprc;
  const isKnown = typeof prevalence === "number";
  return [
    mean === null ? "undefined" : `${fixed(mean)}${sd === null ? "" : ` ± ${fixed(sd)}`}`,
    isKnown ? fixed(prevalence) : (prevalence ?? "-"),
    isKnown && mean !== null ? plus(mean - prevalence) : "-",
  ];
}

function tableOf({ strict, rows }: Audit): Block {
  return {
    kind: "table",
    caption: `${strict.model}, tokenizer ${strict.tokenizer}: AUPRC on held-out subjects`,
    head: ["protocol", "AUPRC", "prevalence", "above it", "minus strict", "seeds"],
    rows: [
      ["strict", ...scoreCells(strict), "", strict.seeds.join(", ")],
      ...rows.map((one) => [
        nameOf(one),
        ...scoreCells(one.row),
        one.difference === null ? "-" : signed(one.difference),
        one.row.seeds.join(", "),
      ]),
    ],
  };
}

/** What the flaws of a table's rows are, a line each. */
function legend({ rows }: Audit): Block[] {
  const named = rows.filter(({ extent }) => extent === "only").flatMap(({ flaws }) => flaws);
  const lines = named.flatMap((flaw) => (isFlaw(flaw) ? [`${flaw}: ${FLAWS[flaw].what}`] : []));
  return lines.length === 0 ? [] : [text(lines.join("\n"))];
}

/** The commands that measure the rest. */
function whatIsMissing({ group, strict, unmeasured, hasAll }: Audit): Block[] {
  const root = group.source === "synthetic" ? "" : " --root DIR";
  const run = `medtok-bench run --dataset ${group.dataset} --task ${group.task} --model ${strict.model} --tokenizer ${strict.tokenizer} --seeds ${strict.seeds.join(",")}${root} --protocol paper`;
  const lines = [
    ...(hasAll ? [] : [run]),
    ...(unmeasured.length === 0
      ? []
      : [`for flaw in ${unmeasured.join(" ")}; do ${run} --flaw $flaw; done`]),
  ];
  if (lines.length === 0) return [];
  const those = "with the settings of the strict run, where they are not the default ones";
  return [text(["Not measured yet. To do so, ", those, ":\n", lines.join("\n")].join(""))];
}

export function auditDocument(found: readonly Audit[]): Document {
  const titles = [...new Set(found.map(({ group }) => groupTitle(group)))];
  const blocks = titles.flatMap((title) => {
    const ofTitle = found.filter(({ group }) => groupTitle(group) === title);
    const told = ofTitle[0] === undefined ? "" : SOURCE_WARNINGS[ofTitle[0].group.source];
    return [
      heading(title),
      ...(told === "" ? [] : [warning(told)]),
      ...ofTitle.flatMap((one) => [tableOf(one), ...legend(one), ...whatIsMissing(one)]),
    ];
  });
  return {
    title: "What the flaws of the paper's code do to the reported AUPRC",
    blocks: [...blocks, text(NOTE)],
  };
}
