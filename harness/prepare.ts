/** What all seeds of a run share: labels, samples, the code table, and the three splits as the model sees them. */
import { BenchError } from "../core/errors.ts";
import type { EventStore, SplitName } from "../core/event-store.ts";
import type { Labels } from "../core/label.ts";
import { Random } from "../core/random.ts";
import type { HistoryLimit, SampleSource } from "../core/samples.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import type { CodeTable, Tokenizer } from "../core/tokenizer.ts";
import { loadCodeTable } from "./code-table.ts";
import { labelCounts, loadLabels } from "./labels.ts";
import { bareCodeRows, dependsOnSeed, dropRareClasses, randomSplit, resample } from "./paper.ts";
import { wholeTimelines } from "./pretraining.ts";
import type { Progress } from "./progress.ts";
import { checkedFlaws, labelsUnder, type ProtocolPlan } from "./protocol.ts";
import { SampleSet, SplitSource } from "./samples.ts";
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

/** What of a plan decides about samples. */
export interface SamplePlan extends ProtocolPlan {
  readonly task: TaskDefinition;
  readonly taskOptions: TaskOptions;
}

/** Labels and samples of a task on a store. @throws BenchError when the cohort cannot train a model. */
export async function prepare(
  store: EventStore,
  plan: SamplePlan,
  limit: HistoryLimit,
  progress: Progress,
  watch: Stopwatch,
): Promise<Prepared> {
  const { task, taskOptions: options } = plan;
  const flaws = checkedFlaws(plan);
  const sql = labelsUnder(task, flaws);
  progress.start(`labels of ${task.name}`);
  const found = await watch.time("labels", () =>
    loadLabels(store, { ...task, labels: sql }, options),
  );
  const labels = flaws.has("rare-classes-dropped") ? dropRareClasses(found) : found;
  checkCohort(labels, task, store);
  progress.end(`${labels.size} samples`);
  progress.start("samples");
  const prepared = await watch.time("samples", async () => {
    const codes = await loadCodeTable(store);
    const timelines = await loadTimelines(store, sql(options));
    if (flaws.has("bare-codes")) {
      const rows = bareCodeRows(codes);
      timelines.code.forEach((row, i) => {
        timelines.code[i] = rows[row] as number;
      });
    }
    const samples = new SampleSet(labels, timelines, task.history, undefined, flaws);
    return assemble(store, samples, codes, limit, (split) => samples.samplesOf(split));
  });
  progress.end(`${prepared.samples.timelines.time.length} events`);
  return prepared;
}

/** The splits of a set of samples, and what is counted on the training split. */
function assemble(
  store: EventStore,
  samples: SampleSet,
  codes: CodeTable,
  limit: HistoryLimit,
  chosen: (split: SplitName) => Int32Array,
): Prepared {
  const source = (split: SplitName) => new SplitSource(samples, chosen(split), limit);
  const training = new Set(
    Array.from(samples.samplesOf("train"), (i) => samples.labels.subject[i]),
  );
  return {
    labels: samples.labels,
    samples,
    codes,
    trainSubjects: samples.trainSubjectsPerCode(codes.size),
    sources: { train: source("train"), tuning: source("tuning"), held_out: source("held_out") },
    wholeTimelines: wholeTimelines(
      store,
      samples.races,
      // Under a random split, the store's training subjects are not the run's.
      samples.flaws.has("random-split") ? (subject) => training.has(subject) : undefined,
    ),
  };
}

/** Protocol `paper`: the samples of one seed, whose split and draws depend on it. */
export function prepareSeed(
  store: EventStore,
  prepared: Prepared,
  plan: SamplePlan,
  limit: HistoryLimit,
  seed: number,
): Prepared {
  const flaws = checkedFlaws(plan);
  if (!dependsOnSeed(flaws)) return prepared;
  const random = Random.fromSeed(seed).derive("paper");
  const labels = flaws.has("random-split")
    ? { ...prepared.labels, split: randomSplit(prepared.labels, random.derive("split")) }
    : prepared.labels;
  checkCohort(labels, plan.task, store);
  const { timelines } = prepared.samples;
  const samples = new SampleSet(labels, timelines, plan.task.history, undefined, flaws);
  return assemble(store, samples, prepared.codes, limit, (split) => {
    const all = samples.samplesOf(split);
    const flaw = split === "train" ? "resampled-training" : "resampled-evaluation";
    return flaws.has(flaw) && all.length > 0 ? resample(labels, all, random.derive(split)) : all;
  });
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

/** Visible codes of a split, how many the tokenizer does not know, and how many no training subject has. */
export function unknownCodes(
  source: SampleSource,
  tokenizer: Tokenizer,
  trainSubjects: Uint32Array,
): { codes: number; unknown: number; unseen: number } {
  let codes = 0;
  let unknown = 0;
  let unseen = 0;
  for (let sample = 0; sample < source.size; sample++) {
    const history = source.read(sample);
    codes += history.length;
    for (const code of history.code) {
      if (tokenizer.unit[code] === 1) unknown++;
      if (trainSubjects[code] === 0) unseen++;
    }
  }
  return { codes, unknown, unseen };
}
