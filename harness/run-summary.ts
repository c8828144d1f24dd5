/** What `run` prints for people: the scores of each seed, and where the records are. */
import { showCount } from "../core/privacy.ts";
import { ORIGINS, SOURCE_WARNINGS } from "./leaderboard-table.ts";
import { shellWord, table } from "./output.ts";
import type { ResultRecord } from "./record.ts";

type Metric = ResultRecord["metrics"]["auprc"];

/** `0.412 [0.380, 0.447]`, or why there is no value. */
function show(metric: Metric): string {
  if (metric.value === null) return `- (${metric.reason ?? "undefined"})`;
  const value = metric.value.toFixed(4);
  return metric.interval === undefined
    ? `${value} (no interval: ${metric.interval_reason ?? "not asked for"})`
    : `${value} [${metric.interval.low.toFixed(4)}, ${metric.interval.high.toFixed(4)}]`;
}

/** One block a record: what ran, the metrics with their 95 % intervals, and on a twin the ceiling. */
export function runSummary(records: readonly ResultRecord[], resultsDir: string): string {
  const blocks = records.map((record) => {
    const { spec, cohort, metrics, training } = record;
    const held = cohort.splits.held_out;
    return [
      `${spec.dataset} ${spec.task}, ${spec.model} with ${spec.tokenizer} tokenizer${ORIGINS[record.tokenizer_origin ?? "run"]}, seed ${spec.seed} (source: ${record.data.source})`,
      ...(spec.flaws === undefined
        ? []
        : [
            `PROTOCOL PAPER, NOT TO BE COMPARED WITH STRICT: ${spec.flaws.join(", ") || "no flaw"}`,
          ]),
      `held out: ${showCell(held.samples)} samples of ${showCell(held.subjects)} subjects; best epoch ${training.best_epoch} of ${training.epochs}, ${showCount(training.parameters)} parameters`,
      "",
      table(
        ["metric", "average", "value [95 % interval]"],
        Object.entries(metrics as Readonly<Record<string, Metric>>).map(([name, metric]) => [
          name,
          metric.average,
          show(metric),
        ]),
      ),
      ...prevalenceLines(metrics.auprc),
      ...ceilingLines(record.best_possible),
    ].join("\n");
  });
  const warning = SOURCE_WARNINGS[records[0]?.data.source ?? "real"];
  return [
    ...blocks,
    ...(warning === "" ? [] : [warning]),
    `records: ${resultsDir}/runs; next: medtok-bench leaderboard --results ${shellWord(resultsDir)}`,
  ].join("\n\n");
}

const showCell = (cell: number | string) => (typeof cell === "number" ? showCount(cell) : cell);

function prevalenceLines({ prevalence }: Metric): string[] {
  if (typeof prevalence !== "number") return [];
  return [`a constant score reaches AUPRC ${prevalence.toFixed(4)} (prevalence)`];
}

function ceilingLines(best: ResultRecord["best_possible"]): string[] {
  if (best === null) return [];
  if (best.auprc === null) return [`no best possible AUPRC: ${best.reason ?? "unknown"}`];
  const reached =
    best.reached === null ? "" : `; reached above prevalence: ${(100 * best.reached).toFixed(1)} %`;
  return [`best possible AUPRC on these samples: ${best.auprc.toFixed(4)}${reached}`];
}
