/** `describe`: what is in a store, or with a task who is in it, as text, JSON or one page; small counts masked. */
import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import type { EventStore } from "../../core/event-store.ts";
import { makeFolder } from "../../core/make-folder.ts";
import { showCount } from "../../core/privacy.ts";
import type { TaskDefinition, TaskOptions } from "../../core/task.ts";
import { describeStore, maskStatistics, type StoreStatistics } from "../../Dataset/statistics.ts";
import { chooseTask, type TaskFlags, taskFlags } from "../choose-task.ts";
import { cohortPage } from "../cohort-page.ts";
import { cohortReport, maskReport } from "../cohort-report.ts";
import { cohortText } from "../cohort-text.ts";
import { defineCommand } from "../command.ts";
import { datasetOptions, openDataset } from "../open-dataset.ts";
import { print, table } from "../output.ts";
import { checkTask } from "../pairing.ts";
import { openProgress } from "../progress.ts";

export const describeCommand = defineCommand({
  name: "describe",
  describe:
    "What is in a dataset: subjects, visits, events per vocabulary, drug coverage, dropped rows",
  examples: [
    ["describe --dataset mimic4 --root DIR", "the numbers to compare with a cohort table"],
    ["describe --dataset mimic3 --root DIR --json", "the same for machines"],
    [
      "describe --dataset mimic4 --task readmission --root DIR --html cohort.html",
      "who is in a task: flow, prevalence, ages, as text and as a page",
    ],
  ],
  options: {
    ...datasetOptions,
    ...taskFlags,
    html: { type: "string", describe: "with a task: file to write the report to, as one page" },
  },
  async run(args) {
    const chosen = isTaskGiven(args) ? await chooseTask(args) : undefined;
    if (chosen !== undefined) checkTask(chosen.task, args.dataset);
    const store = await openDataset(args, openProgress());
    try {
      if (chosen !== undefined) {
        await describeTask(store, args, chosen.task, chosen.options);
        return;
      }
      const statistics = maskStatistics(await describeStore(store));
      print(args.json, statistics, () => text(statistics));
    } finally {
      store.close();
    }
  },
});

/** @throws BenchError when a page is asked for that there is none of. */
function isTaskGiven(args: TaskFlags & { html?: string | undefined }): boolean {
  if (args.task !== undefined || args["task-file"] !== undefined) return true;
  if (args.html === undefined) return false;
  throw new BenchError({
    what: "--html writes the report of a task, and none is given",
    where: "command line",
    fix: "add --task or --task-file",
    exitCode: 2,
  });
}

/** @throws BenchError when the page cannot be written there. */
function writePage(file: string, page: string): void {
  makeFolder(dirname(resolve(file)), { fix: "name another file with --html" });
  try {
    writeFileSync(file, page);
  } catch (cause) {
    throw new BenchError({
      what: `the page cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      where: "--html",
      fix: "name a file in a folder that this user may write to",
      cause,
    });
  }
  openProgress().say(`the page is in ${file}`);
}

async function describeTask(
  store: EventStore,
  args: { readonly json: boolean; readonly html?: string | undefined },
  task: TaskDefinition,
  options: TaskOptions,
): Promise<void> {
  const exclusive = task.labelSpec.kind === "multiclass";
  const report = maskReport(await cohortReport(store, task, options), exclusive);
  if (args.html !== undefined) writePage(resolve(args.html), cohortPage(report));
  print(args.json, report, () => cohortText(report));
}

function text(s: StoreStatistics): string {
  const spread = (d: StoreStatistics["visits_per_subject"]) =>
    `mean ${d.mean.toFixed(2)}, median ${d.median}, 90 % ${d.p90}${d.max === null ? "" : `, most ${d.max}`}`;
  const splits = Object.entries(s.subjects_by_split).map(([k, n]) => `${k} ${showCount(n)}`);
  return [
    `${s.dataset} ${s.dataset_version}, source: ${s.source}, fingerprint ${s.fingerprint}`,
    "",
    `subjects   ${showCount(s.subjects)} (${splits.join(", ")})`,
    `visits     ${showCount(s.visits)} (per subject: ${spread(s.visits_per_subject)})`,
    `ICU stays  ${showCount(s.icu_stays)}`,
    `events     ${showCount(s.events)} (per subject: ${spread(s.events_per_subject)})`,
    `codes      ${showCount(s.codes)}, ${showCount(s.codes_without_description)} without description`,
    "",
    table(
      ["vocabulary", "kind", "events", "subjects", "codes", "undescribed"],
      s.vocabularies.map((v) => [
        v.vocabulary,
        v.kind,
        showCount(v.events),
        showCount(v.subjects),
        showCount(v.codes),
        showCount(v.codes_without_description),
      ]),
      [2, 3, 4, 5],
    ),
    "",
    ...drugLines(s),
    table(
      ["raw table", "rows read"],
      Object.entries(s.rows_read).map(([name, rows]) => [name, showCount(rows)]),
      [1],
    ),
    "",
    s.rows_dropped.length === 0
      ? "no row was dropped"
      : table(
          ["dropped from", "reason", "rows"],
          s.rows_dropped.map((d) => [d.table, d.reason, showCount(d.rows)]),
          [2],
        ),
  ].join("\n");
}

function drugLines({ drugs }: StoreStatistics): string[] {
  if (drugs === null) return [];
  const ways = Object.entries(drugs.rows).map(([how, rows]) => `${how} ${showCount(rows)}`);
  return [
    `drugs      ${(100 * drugs.mapped_share).toFixed(1)} % of prescription rows have an ATC code (${ways.join(", ")})`,
    "",
  ];
}
