/** The paper's tables beside ours as blocks of a document, with what differs between the two said. */
import { type Block, heading, text, warning } from "./document.ts";
import { fixed, SOURCE_WARNINGS, signed } from "./leaderboard-table.ts";
import { PAPER_MODELS, type PaperValue } from "./paper-tables.ts";
import type { Ours, ReproducedCell, Reproduction } from "./reproduce.ts";

const NAMES: Readonly<Record<string, string>> = {
  table3: "Table 3 of the paper (in-patient)",
  table4: "Table 4 of the paper (out-patient)",
};

/** What keeps the two columns from being the same experiment. */
const DIFFERENCES = [
  "Paper: Su et al., Multimodal Medical Code Tokenizer, arXiv:2502.04397v2, AUPRC as printed, mean ± standard deviation over runs whose number is not stated. N/A: its model was not configured for the task; ours: the pair makes no sense.",
  "Ours: mean ± standard deviation over n seeds; gain: mean paired difference to the baseline of the same settings over common seeds, with its 95 % interval over seeds, on the same held-out subjects. -: no record yet. Where a model has records of several settings, its default ones stand here where there are some, and never the best because it is.",
  "The numbers are not of one experiment. The paper's splits, seeds, epochs and most settings are not published; its released code differs from its text. Under protocol strict, cohorts, labels, splits and scores are corrected; docs/paper-protocol.md lists the 22 flaws that --protocol paper copies, each on its own.",
  "phenotype: the paper says 24 and 25 phenotypes in turn, ours are the 25 care conditions (phenotype-24 needs its index). los: macro over ten classes here, pooled in its code. EHRSHOT: its splits are taken as they come, and its length of stay is long-los here. What a constant score reaches (prevalence) differs by cohort and must be looked at first: see the leaderboard.",
] as const;

const printed = (value: PaperValue | null) =>
  value === null ? "N/A" : `${fixed(value.mean)} ± ${fixed(value.sd)}`;

function ours(row: Ours): string {
  if (row === "missing") return "-";
  if (row === "not applicable") return "N/A";
  const { mean, sd, n } = row.auprc;
  if (mean === null) return "undefined";
  return `${fixed(mean)}${sd === null ? "" : ` ± ${fixed(sd)}`} (n=${n})`;
}

function gainOf(baseline: Ours, medtok: Ours): string {
  if (baseline === "not applicable" || medtok === "not applicable") return "N/A";
  const difference = medtok === "missing" ? null : medtok.difference_to_baseline;
  return difference === null ? "-" : signed(difference);
}

function rowOf({ paper, baseline, medtok }: ReproducedCell): string[] {
  const theirs =
    paper.baseline === null || paper.medtok === null
      ? "N/A"
      : `${paper.medtok.mean < paper.baseline.mean ? "" : "+"}${fixed(paper.medtok.mean - paper.baseline.mean)}`;
  return [
    ...[paper.task, paper.model, printed(paper.baseline), printed(paper.medtok), theirs],
    ...[ours(baseline), ours(medtok), gainOf(baseline, medtok)],
  ];
}

/** The command that fills the empty cells of a part. */
function whatIsMissing({ dataset, data, cells }: Reproduction): Block[] {
  const open = cells.filter((cell) => cell.baseline === "missing" || cell.medtok === "missing");
  if (open.length === 0) return [];
  const distinct = (values: readonly string[]) => [...new Set(values)].join(",");
  const tasks = distinct(open.map(({ paper }) => paper.task));
  const wanted = PAPER_MODELS.filter((model) => open.some(({ paper }) => paper.model === model));
  const root = data === null || data.source !== "synthetic" ? " --root DIR" : "";
  const isPaper = data?.protocol === "paper";
  return [
    text(
      isPaper
        ? `${open.length} of ${cells.length} cells lack a record; medtok-bench run --protocol paper makes one.`
        : `${open.length} of ${cells.length} cells lack a record. To make them: medtok-bench grid --dataset ${dataset} --tasks ${tasks} --models ${wanted.join(",")} --tokenizers baseline,medtok --seeds 0,1,2 --resume${root}`,
    ),
  ];
}

function partBlocks(part: Reproduction): Block[] {
  const { table, dataset, data, cells } = part;
  const about =
    data === null
      ? "no record"
      : `${dataset} ${data.dataset_version}, source: ${data.source}, protocol ${data.protocol}, data ${data.dataset_fingerprint.slice(0, 8)}`;
  const told = data === null ? "" : SOURCE_WARNINGS[data.source];
  return [
    heading(`${NAMES[table] ?? table}: ${dataset}`),
    ...(told === "" ? [] : [warning(`OURS: ${told}`)]),
    ...(data?.flaws === undefined
      ? []
      : [warning(`OURS: PROTOCOL PAPER: ${data.flaws.join(", ") || "no flaw"}`)]),
    {
      kind: "table",
      caption: `AUPRC on held-out subjects; ours: ${about}`,
      head: [
        ...["task", "model", "paper baseline", "paper MedTok", "gain"],
        ...["our baseline", "our medtok", "gain [95 % over seeds]"],
      ],
      rows: cells.map(rowOf),
    },
    ...whatIsMissing(part),
  ];
}

export function reproductionBlocks(parts: readonly Reproduction[]): Block[] {
  return [...parts.flatMap(partBlocks), ...DIFFERENCES.map(text)];
}
