/**
 * Who is in a task: the flow from all subjects to samples, prevalence per split and class, and the lengths of
 * history, ages and sexes of the samples. Small counts of real sources are masked as in records.
 */
import { type EventStore, type Source, SPLITS, type SplitName } from "../core/event-store.ts";
import { SMALLEST_COUNT } from "../core/privacy.ts";
import type { CohortStep, TaskDefinition, TaskOptions } from "../core/task.ts";
import { classCounts, labelCounts, loadLabels } from "./labels.ts";
import { SampleSet } from "./samples.ts";
import { type Cell, hideSmall, maskSplits, maskSteps } from "./small-counts.ts";
import { loadTimelines } from "./timelines.ts";

export interface FlowStep {
  readonly step: string;
  readonly samples: Cell;
  /** Left out by this rule; "masked" where it would tell a small number. */
  readonly excluded: Cell;
}
export interface Bin {
  readonly bin: string;
  readonly samples: Cell;
}
export interface ReportClass {
  readonly class: string;
  readonly positives: Cell;
  readonly prevalence: Cell | null;
}
/** Codes that are visible per sample; null where a split has too few samples to say. */
export interface HistoryLength {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}
export interface ReportSplit {
  readonly split: SplitName;
  readonly subjects: Cell;
  readonly samples: Cell;
  readonly classes: readonly ReportClass[];
  readonly history: HistoryLength | null;
}
export interface CohortReport {
  readonly dataset: string;
  readonly dataset_version: string;
  readonly source: Source;
  readonly fingerprint: string;
  readonly task: string;
  readonly task_version: number;
  readonly task_options: TaskOptions;
  readonly question: string;
  readonly rules: readonly string[];
  readonly subjects: Cell;
  readonly visits: Cell;
  readonly flow: readonly FlowStep[];
  readonly splits: readonly ReportSplit[];
  readonly history_length: readonly Bin[];
  readonly age: readonly Bin[];
  readonly sex: readonly Bin[];
}

/** Lower bounds of the bins of history lengths, in codes. */
const LENGTHS = [0, 1, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const;
const SEXES = ["unknown", "female", "male"] as const;
const OLDEST = 90;

const lengthBins = LENGTHS.map((from, i) => {
  const next = LENGTHS[i + 1];
  return next === undefined
    ? `${from} or more`
    : next === from + 1
      ? `${from}`
      : `${from} to ${next - 1}`;
});
/** Ten years each; the last holds everyone from 90 on, whose age is not told apart. */
const ageBins = [
  ...Array.from({ length: OLDEST / 10 }, (_, i) => `${i * 10} to ${i * 10 + 9}`),
  "90 or more",
  "unknown",
];

const ageBin = (years: number) =>
  Number.isNaN(years) ? ageBins.length - 1 : Math.min(OLDEST / 10, Math.floor(years / 10));
const lengthBin = (codes: number) => LENGTHS.findLastIndex((from) => codes >= from);

function tally(names: readonly string[], bins: readonly number[]): Bin[] {
  const counts = new Uint32Array(names.length);
  for (const bin of bins) counts[bin] = (counts[bin] as number) + 1;
  return names.map((bin, i) => ({ bin, samples: counts[i] as number }));
}

function quantiles(lengths: readonly number[], source: Source): HistoryLength | null {
  // A quantile of few subjects is the value of one of them.
  if (lengths.length === 0 || (source === "real" && lengths.length < 10 * SMALLEST_COUNT))
    return null;
  const sorted = [...lengths].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] as number;
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) };
}

function flowOf(steps: readonly { step: string; samples: Cell }[]): FlowStep[] {
  return steps.map(({ step, samples }, i) => {
    const before = steps[i - 1]?.samples ?? samples;
    const known = typeof before === "number" && typeof samples === "number";
    return { step, samples, excluded: known ? before - samples : "masked" };
  });
}

/** Codes that are visible in each sample, by the rule of samples.ts. */
function visibleLengths(set: SampleSet): number[] {
  const rows = new Int32Array(set.longest);
  return Array.from({ length: set.labels.size }, (_, i) => set.visibleEvents(i, rows));
}

/** The report of a task on a store, unmasked; `maskReport` makes it fit to leave the private cache. */
export async function cohortReport(
  store: EventStore,
  task: TaskDefinition,
  options: TaskOptions,
): Promise<CohortReport> {
  const labels = await loadLabels(store, task, options);
  const steps: readonly CohortStep[] = await task.cohort(store, options);
  const set = new SampleSet(labels, await loadTimelines(store, task.labels(options)), task.history);
  const lengths = visibleLengths(set);
  const all = Array.from({ length: labels.size }, (_, i) => i);
  const { info } = store;
  return {
    dataset: info.dataset,
    dataset_version: info.dataset_version,
    source: info.source,
    fingerprint: info.fingerprint,
    task: task.name,
    task_version: task.version,
    task_options: options,
    question: task.description,
    rules: task.rules,
    subjects: info.subjects,
    visits: info.visits,
    flow: flowOf(steps),
    splits: labelCounts(labels).map((counts) => ({
      split: counts.split,
      subjects: counts.subjects,
      samples: counts.samples,
      classes: classCounts(labels, counts),
      history: quantiles(
        lengths.filter((_, i) => labels.split[i] === SPLITS.indexOf(counts.split)),
        info.source,
      ),
    })),
    history_length: tally(lengthBins, lengths.map(lengthBin)),
    age: tally(
      ageBins,
      all.map((i) => ageBin(set.ageYears(i))),
    ),
    sex: tally(
      SEXES,
      all.map((i) => set.sex(i)),
    ),
  };
}

function maskBins(bins: readonly Bin[], total: Cell): Bin[] {
  const cells = hideSmall(
    bins.map((bin) => bin.samples),
    typeof total === "number" ? total : null,
  );
  return bins.map((bin, i) => ({ bin: bin.bin, samples: cells[i] as Cell }));
}

/** The report as it may leave the private cache: no count below 10 about real subjects, nor one that follows. */
export function maskReport(report: CohortReport, exclusive: boolean): CohortReport {
  if (report.source !== "real") return report;
  const [subjects, visits] = hideSmall([report.subjects, report.visits], null) as [Cell, Cell];
  const steps = maskSteps(
    report.flow.map(({ step, samples }) => ({ step, samples })),
    visits,
  );
  const none = { samples_cut: 0, codes_cut: 0, unknown_codes_share: null };
  const asRecord = Object.fromEntries(
    report.splits.map(({ split, subjects: n, samples, classes }) => [
      split,
      { subjects: n, samples, classes: classes.map((c) => ({ ...c })), history: none },
    ]),
  ) as unknown as Parameters<typeof maskSplits>[0]["cohort"]["splits"];
  const counted = { cohort: { steps, splits: asRecord }, data: { subjects, visits } };
  const masked = maskSplits(counted, steps, exclusive);
  const total = steps.at(-1)?.samples ?? "masked";
  return {
    ...report,
    subjects,
    visits,
    flow: flowOf(steps),
    splits: report.splits.map((split) => ({
      ...split,
      ...{ subjects: masked[split.split].subjects, samples: masked[split.split].samples },
      classes: masked[split.split].classes,
    })),
    history_length: maskBins(report.history_length, total),
    age: maskBins(report.age, total),
    sex: maskBins(report.sex, total),
  };
}
