/**
 * Records -> one report: who was scored, the ranking with its intervals, the other metrics, and the paper's tables
 * beside it. Aggregates only, as records hold nothing else; what is masked there is masked here.
 */
import { mean } from "../metrics/index.ts";
import { tasks } from "../tasks/index.ts";
import { type Block, type Document, heading, text, warning } from "./document.ts";
import type { LeaderboardGroup, LeaderboardRow } from "./leaderboard.ts";
import { makeLeaderboard } from "./leaderboard.ts";
import {
  cells,
  differences,
  fixed,
  groupTitle,
  HEAD,
  NOTE,
  ORIGINS,
  SOURCE_WARNINGS,
} from "./leaderboard-table.ts";
import { PAPER_TABLES } from "./paper-tables.ts";
import type { ResultRecord } from "./record.ts";
import { reproduce } from "./reproduce.ts";
import { reproductionBlocks } from "./reproduce-report.ts";
import { taskVersions } from "./task-versions.ts";

type ById = ReadonlyMap<string, ResultRecord>;

const recordsOf = ({ run_ids }: LeaderboardRow, byId: ById) =>
  run_ids.flatMap((id) => byId.get(id) ?? []);
const nameOf = ({ model, tokenizer, tokenizer_origin: origin }: LeaderboardRow) =>
  `${model}, ${tokenizer}${ORIGINS[origin ?? "run"]}`;

/** A count or a share as a record has it. */
const shown = (cell: number | string | null) =>
  typeof cell === "number" ? cell.toLocaleString("en-US") : (cell ?? "-");

/** Subjects, samples and positives of each split, of one record: they are the same for all under one protocol and split. */
function cohortTable(record: ResultRecord): Block {
  const splits = Object.entries(record.cohort.splits);
  const classes = record.cohort.splits.held_out.classes.map((c) => c.class);
  const rows = splits.map(([name, { subjects, samples, classes: own }]) => [
    ...[name, shown(subjects), shown(samples)],
    ...own.map(({ positives, prevalence }) =>
      typeof prevalence === "number"
        ? `${shown(positives)} (${(100 * prevalence).toFixed(1)} %)`
        : shown(positives),
    ),
  ]);
  return {
    kind: "table",
    caption: `Cohort: subjects, samples and positives of each split (seed ${record.spec.seed})`,
    head: ["split", "subjects", "samples", ...classes],
    rows,
  };
}

/** Means over seeds of every metric but AUPRC that some row has. */
function metricsTable(rows: readonly LeaderboardRow[], byId: ById): Block {
  const all = rows.map((row) => recordsOf(row, byId));
  const names = [...new Set(all.flat().flatMap(({ metrics }) => Object.keys(metrics)))];
  const others = names.filter((name) => name !== "auprc");
  return {
    kind: "table",
    caption: "Other metrics on held-out subjects, mean over seeds",
    head: ["model, tokenizer", ...others],
    rows: rows.map((row, i) => [
      nameOf(row),
      ...others.map((name) => {
        const values = (all[i] ?? []).flatMap(({ metrics }) => {
          const metric = (
            metrics as Readonly<Record<string, { value: number | null } | undefined>>
          )[name];
          return metric?.value ?? [];
        });
        return values.length === 0 ? "-" : fixed(mean(values));
      }),
    ]),
  };
}

/** AUPRC of each class, where there are several, of the mean over seeds. */
function classTable(rows: readonly LeaderboardRow[], byId: ById): Block[] {
  const perClass = (record: ResultRecord) => record.metrics.auprc.per_class ?? [];
  const all = rows.map((row) => recordsOf(row, byId).map(perClass));
  const classes = [...new Set(all.flat(2).map((one) => one.class))];
  if (classes.length === 0) return [];
  return [
    {
      kind: "table",
      caption: "AUPRC of each class, mean over seeds",
      head: ["class", ...rows.map(nameOf)],
      rows: classes.map((name) => [
        name,
        ...all.map((seeds) => {
          const values = seeds
            .flat()
            .flatMap((one) => (one.class === name ? (one.value ?? []) : []));
          return values.length === 0 ? "-" : fixed(mean(values));
        }),
      ]),
    },
  ];
}

/** What ran: settings that differ, runs, and the programs that made them. */
function runsTable(rows: readonly LeaderboardRow[], byId: ById): Block {
  return {
    kind: "table",
    caption: "Runs: each is a file of this name in runs/",
    head: ["model, tokenizer", "versions", "settings that differ", "runs", "made by"],
    rows: rows.map((row) => [
      nameOf(row),
      `${row.model_version}, ${row.tokenizer_version}`,
      differences(row, rows) || "-",
      row.run_ids.join(" "),
      [
        ...new Set(
          recordsOf(row, byId).map(
            ({ harness: { version, commit, dirty } }) =>
              `${version}${commit === null ? "" : ` (${commit.slice(0, 8)}${dirty === true ? ", changed" : ""})`}`,
          ),
        ),
      ].join(", "),
    ]),
  };
}

function groupBlocks(group: LeaderboardGroup, byId: ById): Block[] {
  const { rows } = group;
  const [first] = rows.flatMap((row) => recordsOf(row, byId));
  const question = tasks.all.find(({ name }) => name === group.task)?.description;
  const told = SOURCE_WARNINGS[group.source];
  return [
    heading(groupTitle(group)),
    ...(question === undefined ? [] : [text(question)]),
    ...(told === "" ? [] : [warning(told)]),
    ...(group.flaws === undefined
      ? []
      : [warning("PROTOCOL PAPER: NOT TO BE COMPARED WITH STRICT")]),
    { kind: "table", caption: "Ranking by AUPRC", head: HEAD, rows: rows.map(cells) },
    metricsTable(rows, byId),
    ...classTable(rows, byId),
    ...(first === undefined ? [] : [cohortTable(first)]),
    runsTable(rows, byId),
  ];
}

/** The report of a folder of records. */
export function makeReport(records: readonly ResultRecord[]): Document {
  const board = makeLeaderboard(records, taskVersions());
  const byId = new Map(records.map((record) => [record.run_id, record]));
  const paper = reproduce(board, PAPER_TABLES).filter(({ data }) => data !== null);
  const leftOut = board.left_out.map(({ run_id, reason }) => `${run_id}: ${reason}`);
  return {
    title: "medtok-bench report",
    blocks: [
      text(
        `${records.length} records in ${board.groups.length} groups of data, task and protocol.`,
      ),
      text(NOTE),
      ...board.groups.flatMap((group) => groupBlocks(group, byId)),
      ...(paper.length === 0 ? [] : reproductionBlocks(paper)),
      ...(leftOut.length === 0 ? [] : [heading("Not ranked"), text(leftOut.join("\n"))]),
      text("Aggregates only: no subject, no date, and no count below 10 about real subjects."),
    ],
  };
}
