/** `labels`: a task's labels as counts or as a file, and those published with a source beside ours. */
import { resolve } from "node:path";
import type { EventStore } from "../../core/event-store.ts";
import { type Count, maskCount, showCount } from "../../core/privacy.ts";
import type { TaskDefinition, TaskOptions } from "../../core/task.ts";
import { chooseTask, taskFlags } from "../choose-task.ts";
import { defineCommand } from "../command.ts";
import { exportLabels, labelCounts, loadLabels } from "../labels.ts";
import { type DatasetFlags, datasetOptions, openDataset } from "../open-dataset.ts";
import { print, table } from "../output.ts";
import { checkTask } from "../pairing.ts";
import { openProgress } from "../progress.ts";
import {
  type Comparison,
  comparePublished,
  countPublished,
  type PublishedTaskCounts,
} from "../published-labels.ts";

export const labelsCommand = defineCommand({
  name: "labels",
  describe: "Compute a task's labels; write them in the MEDS label schema, or count them",
  examples: [
    ["labels --dataset mimic4 --task readmission --root DIR", "samples and positives per split"],
    [
      "labels --dataset mimic4 --task readmission --root DIR --out labels.parquet",
      "the labels as a file (subject-level: keep it private)",
    ],
    ["labels --dataset ehrshot --published --root DIR", "the labels that came with the source"],
    ["labels --dataset ehrshot --compare --root DIR", "those labels against our own computation"],
  ],
  options: {
    ...datasetOptions,
    ...taskFlags,
    out: { type: "string", describe: "file to write, .parquet or .csv" },
    published: {
      type: "boolean",
      default: false,
      describe: "count the labels that came with the source, beside the published counts",
    },
    compare: {
      type: "boolean",
      default: false,
      describe: "compare the labels that came with the source with our computation by its rules",
    },
  },
  async run(args) {
    if (args.published || args.compare) {
      await ofSource(args);
      return;
    }
    const { task, options } = await chooseTask(args);
    checkTask(task, args.dataset);
    const store = await openDataset(args, openProgress());
    try {
      await ofTask(store, args, task, options);
    } finally {
      store.close();
    }
  },
});

interface LabelFlags extends DatasetFlags {
  readonly json: boolean;
  readonly out?: string | undefined;
  readonly compare: boolean;
}

async function ofTask(
  store: EventStore,
  args: LabelFlags,
  task: TaskDefinition,
  options: TaskOptions,
): Promise<void> {
  const file = args.out === undefined ? null : resolve(args.out);
  const labels =
    file === null
      ? await loadLabels(store, task, options)
      : await exportLabels(store, task, options, file);
  if (file !== null)
    openProgress().say(`the labels are in ${file}; they are about subjects: keep them private`);
  const { source } = store.info;
  const splits = labelCounts(labels).map((c) => ({
    split: c.split,
    subjects: maskCount(c.subjects, source),
    samples: maskCount(c.samples, source),
    positives: c.positives.map((n) => maskCount(n, source)),
  }));
  const { classes } = labels.spec;
  const summary = {
    dataset: args.dataset,
    task: task.name,
    options,
    source,
    file,
    classes,
    splits,
  };
  print(args.json, summary, () =>
    table(
      ["split", "subjects", "samples", ...classes],
      splits.map((r) => [
        r.split,
        showCount(r.subjects),
        showCount(r.samples),
        ...r.positives.map(showCount),
      ]),
      [1, 2, ...classes.map((_, i) => i + 3)],
    ),
  );
}

/** Labels that came with the source, counted or compared. */
async function ofSource(args: LabelFlags): Promise<void> {
  const store = await openDataset(args, openProgress());
  try {
    if (args.compare) {
      const rows = await comparePublished(store);
      print(args.json, { dataset: args.dataset, compared: rows }, () => comparisonText(rows));
    } else {
      const rows = await countPublished(store);
      print(args.json, { dataset: args.dataset, published: rows }, () => publishedText(rows));
    }
  } finally {
    store.close();
  }
}

function publishedText(rows: readonly PublishedTaskCounts[]): string {
  const text = ([patients, positive, labels, positives]: readonly Count[]) =>
    `${showCount(patients ?? null)} (${showCount(positive ?? null)}) / ${showCount(labels ?? null)} (${showCount(positives ?? null)})`;
  return [
    "patients (with a positive) / labels (positive); published: of the real EHRSHOT",
    table(
      ["task", "split", "found", "published", ""],
      rows.flatMap(({ task, splits }) =>
        splits.map(({ split, found, published }) => [
          task,
          split,
          text(found),
          published === null ? "" : text(published),
          published?.every((n, i) => n === found[i]) ? "equal" : "",
        ]),
      ),
      [],
    ),
  ].join("\n");
}

function comparisonText(rows: readonly Comparison[]): string {
  const numbers = (r: Comparison) =>
    [r.published, r.computed, r.equal, r.only_published, r.only_computed, r.other_value].map(
      showCount,
    );
  return [
    table(
      ["task", "published", "computed", "equal", "only published", "only computed", "other value"],
      rows.map((r) => [r.task, ...numbers(r)]),
      [1, 2, 3, 4, 5, 6],
    ),
    "new_*: of a SNOMED concept's descendants only those are known whose parents are in the code table.",
  ].join("\n");
}
