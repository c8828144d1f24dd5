/** Every label of every task on the open demos, against the second computation and the published counts. */
import { join } from "node:path";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { Labels } from "../../core/label.ts";
import { datasets } from "../../Dataset/index.ts";
import { ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";
import { labelCounts, loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { EXPECTATIONS, readDemo, rowsOf } from "./expectations.ts";

function totals(labels: Labels): number[] {
  const splits = labelCounts(labels);
  const sum = (pick: (counts: (typeof splits)[number]) => number): number =>
    splits.reduce((total, counts) => total + pick(counts), 0);
  return [
    sum((c) => c.samples),
    sum((c) => c.subjects),
    ...labels.spec.classes.map((_, i) => sum((c) => c.positives[i] ?? Number.NaN)),
  ];
}

async function openDemo(dataset: string, root: string, cacheDir: string): Promise<EventStore> {
  const { folder } = await ingest(datasets.get(dataset), { root, cacheDir });
  return openStore(folder);
}

const map = demoRoot("maps/phenotypes.csv");
const DEMOS = [
  ["mimic3", "mimic-iii-demo-1.4"],
  ["mimic4", "mimic-iv-demo-2.2"],
] as const;

for (const [dataset, folder] of DEMOS) {
  const root = demoRoot(folder);
  const missing = root === undefined || map === undefined;
  const skip = missing && `../shared/data/${folder} or maps/phenotypes.csv is not here`;
  t.test(`labels on the ${dataset} demo`, { skip }, async (t) => {
    const demo = readDemo(root ?? "");
    const store = await openDemo(dataset, root ?? "", join(t.testdir(), "cache"));
    t.teardown(() => store.close());

    for (const { task: name, options = {}, second, published } of EXPECTATIONS) {
      const task = tasks.get(name);
      const title = [name, ...Object.entries(options).flat()].join(" ");
      t.test(`${title} equals the second computation and the published counts`, async (t) => {
        const labels = await loadLabels(store, task, options);
        t.same(rowsOf(labels), second(demo));
        if (published !== undefined) t.same(totals(labels), published[dataset]);
      });
      t.test(`${title}: the cohort flow falls from all visits to the samples`, async (t) => {
        const flow = await task.cohort(store, options);
        const samples = flow.map((step) => step.samples);
        t.equal(samples[0], store.info.visits);
        t.equal(samples.at(-1), (await loadLabels(store, task, options)).size);
        t.same(
          samples,
          [...samples].sort((a, b) => b - a),
        );
      });
    }
  });
}
