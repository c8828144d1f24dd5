/** The cohort report for a terminal. */
import { cellText } from "./cohort-page.ts";
import type { CohortReport } from "./cohort-report.ts";
import { table } from "./output.ts";

export function cohortText(report: CohortReport): string {
  const { splits } = report;
  const classes = splits[0]?.classes ?? [];
  const share = (p: number | string | null) =>
    typeof p === "number" ? ` (${(100 * p).toFixed(1)} %)` : "";
  const bins = (title: string, list: CohortReport["age"]) =>
    table(
      [title, "samples"],
      list.filter((b) => b.samples !== 0).map((b) => [b.bin, cellText(b.samples)]),
      [1],
    );
  return [
    `${report.task} (version ${report.task_version}) on ${report.dataset} ${report.dataset_version}, source: ${report.source}`,
    report.question,
    "",
    `subjects ${cellText(report.subjects)}, visits ${cellText(report.visits)}`,
    table(
      ["rule", "left", "left out"],
      report.flow.map((s) => [s.step, cellText(s.samples), cellText(s.excluded)]),
      [1, 2],
    ),
    "",
    table(
      ["split", "subjects", "samples", "visible codes: median", "10 %", "90 %"],
      splits.map((s) => [
        ...[s.split, cellText(s.subjects), cellText(s.samples)],
        ...[s.history?.median, s.history?.p10, s.history?.p90].map((n) => cellText(n ?? null)),
      ]),
      [1, 2, 3, 4, 5],
    ),
    "",
    table(
      ["class", ...splits.map((s) => s.split)],
      classes.map((c, i) => [
        c.class,
        ...splits.map((s) => {
          const found = s.classes[i];
          return `${cellText(found?.positives ?? null)}${share(found?.prevalence ?? null)}`;
        }),
      ]),
      [1, 2, 3],
    ),
    "",
    bins("visible codes", report.history_length),
    "",
    bins("age", report.age),
    "",
    bins("sex", report.sex),
  ].join("\n");
}
