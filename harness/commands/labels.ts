import { resolve } from "node:path";
import { maskCount, showCount } from "../../core/privacy.ts";
import { chooseTask, taskFlags } from "../choose-task.ts";
import { defineCommand } from "../command.ts";
import { exportLabels, labelCounts, loadLabels } from "../labels.ts";
import { datasetOptions, openDataset } from "../open-dataset.ts";
import { print, table } from "../output.ts";
import { checkTask } from "../pairing.ts";
import { openProgress } from "../progress.ts";

export const labelsCommand = defineCommand({
  name: "labels",
  describe: "Compute a task's labels; write them in the MEDS label schema, or count them",
  examples: [
    ["labels --dataset mimic4 --task readmission --root DIR", "samples and positives per split"],
    [
      "labels --dataset mimic4 --task readmission --root DIR --out labels.parquet",
      "the labels as a file (subject-level: keep it private)",
    ],
  ],
  options: {
    ...datasetOptions,
    ...taskFlags,
    out: { type: "string", describe: "file to write, .parquet or .csv" },
  },
  async run(args) {
    const { task, options } = await chooseTask(args);
    checkTask(task, args.dataset);
    const store = await openDataset(args, openProgress());
    try {
      const file = args.out === undefined ? null : resolve(args.out);
      const labels =
        file === null
          ? await loadLabels(store, task, options)
          : await exportLabels(store, task, options, file);
      const { source } = store.info;
      const rows = labelCounts(labels).map((c) => ({
        split: c.split,
        subjects: maskCount(c.subjects, source),
        samples: maskCount(c.samples, source),
        positives: c.positives.map((n) => maskCount(n, source)),
      }));
      print(
        args.json,
        {
          dataset: args.dataset,
          task: task.name,
          options,
          source,
          file,
          classes: labels.spec.classes,
          splits: rows,
        },
        () =>
          table(
            ["split", "subjects", "samples", ...labels.spec.classes],
            rows.map((r) => [
              r.split,
              showCount(r.subjects),
              showCount(r.samples),
              ...r.positives.map(showCount),
            ]),
            [1, 2, ...labels.spec.classes.map((_, i) => i + 3)],
          ),
      );
    } finally {
      store.close();
    }
  },
});
