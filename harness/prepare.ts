/** What all seeds of a run share: labels, samples, the code table, and the three splits as the model sees them. */
import { BenchError } from "../core/errors.ts";
import type { EventStore, SplitName } from "../core/event-store.ts";
import type { Labels } from "../core/label.ts";
import type { HistoryLimit, SampleSource } from "../core/samples.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import type { CodeTable, Tokenizer } from "../core/tokenizer.ts";
import { loadCodeTable } from "./code-table.ts";
import { labelCounts, loadLabels } from "./labels.ts";
import { wholeTimelines } from "./pretraining.ts";
import type { Progress } from "./progress.ts";
import { SampleSet, type SplitSource } from "./samples.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { loadTimelines } from "./timelines.ts";

export interface Prepared {
  readonly labels: Labels;
  readonly samples: SampleSet;
  readonly codes: CodeTable;
  /** Training subjects per code, [codes]. */
  readonly trainSubjects: Uint32Array;
  readonly sources: Readonly<Record<SplitName, SplitSource>>;
  /** Whole timelines of training subjects; see `FitContext.timelines`. */
  readonly wholeTimelines: (limit: HistoryLimit) => Promise<SampleSource>;
}

/** Labels and samples of a task on a store. @throws BenchError when the cohort cannot train a model. */
export async function prepare(
  store: EventStore,
  task: TaskDefinition,
  options: TaskOptions,
  limit: HistoryLimit,
  progress: Progress,
  watch: Stopwatch,
): Promise<Prepared> {
  progress.start(`labels of ${task.name}`);
  const labels = await watch.time("labels", () => loadLabels(store, task, options));
  checkCohort(labels, task, store);
  progress.end(`${labels.size} samples`);
  progress.start("samples");
  const prepared = await watch.time("samples", async () => {
    const codes = await loadCodeTable(store);
    const timelines = await loadTimelines(store, task.labels(options));
    const samples = new SampleSet(labels, timelines, task.history);
    const trainSubjects = samples.trainSubjectsPerCode(codes.size);
    const sources = {
      train: samples.source("train", limit),
      tuning: samples.source("tuning", limit),
      held_out: samples.source("held_out", limit),
    };
    return {
      labels,
      samples,
      codes,
      trainSubjects,
      sources,
      wholeTimelines: wholeTimelines(store, samples.races),
    };
  });
  progress.end(`${prepared.samples.timelines.time.length} events`);
  return prepared;
}

/** Without held-out samples a run still ends, with metrics that are null and say why. */
function checkCohort(labels: Labels, task: TaskDefinition, store: EventStore): void {
  const counts = labelCounts(labels);
  const missing = (["train", "tuning"] as const).filter(
    (split) => (counts.find((c) => c.split === split)?.samples ?? 0) === 0,
  );
  if (missing.length === 0) return;
  throw new BenchError({
    what: `task ${task.name} has no samples in ${missing.join(" and ")}`,
    where: `${store.info.dataset}, ${store.info.subjects} subjects`,
    fix: "use more subjects, or another task (see medtok-bench labels for the counts)",
  });
}

/** Share of a split's visible codes that the tokenizer does not know, and how many codes those are. */
export function unknownCodes(
  source: SplitSource,
  tokenizer: Tokenizer,
): { codes: number; unknown: number } {
  let codes = 0;
  let unknown = 0;
  for (let sample = 0; sample < source.size; sample++) {
    const history = source.read(sample);
    codes += history.length;
    for (const code of history.code) if (tokenizer.unit[code] === 1) unknown++;
  }
  return { codes, unknown };
}
