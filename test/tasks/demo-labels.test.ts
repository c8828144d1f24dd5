/** Every label of every task on the open demos, against the second computation and the published counts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { Labels } from "../../core/label.ts";
import type { TaskOptions } from "../../core/task.ts";
import { datasets } from "../../Dataset/index.ts";
import { ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";
import { labelCounts, loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { positivesOf } from "../support/labels-of.ts";
import {
  type Demo,
  drugrecLabels,
  losLabels,
  mortality48hLabels,
  mortalityLabels,
  phenotypeLabels,
  readDemo,
  readmissionLabels,
  type SecondLabel,
} from "./second-computation.ts";

interface Expectation {
  readonly task: string;
  readonly options?: TaskOptions;
  readonly second: (demo: Demo) => SecondLabel[];
  /** Samples, subjects and positives per class. */
  readonly published: Readonly<Record<"mimic3" | "mimic4", readonly number[]>>;
}

const map = demoRoot("maps/phenotypes.csv");
const phenotypeTable = (): Record<string, string>[] =>
  parse(readFileSync(map ?? ""), { columns: true });

/** Samples and positives as published with the definitions; the rest counted with the second computation. */
const EXPECTATIONS: readonly Expectation[] = [
  {
    task: "mortality",
    second: mortalityLabels,
    published: { mimic3: [29, 14, 7], mimic4: [175, 48, 10] },
  },
  {
    task: "mortality-48h",
    second: mortality48hLabels,
    published: { mimic3: [114, 86, 29], mimic4: [220, 99, 13] },
  },
  {
    task: "readmission",
    second: (demo) => readmissionLabels(demo, 15),
    published: { mimic3: [88, 66, 8], mimic4: [260, 95, 38] },
  },
  {
    task: "readmission",
    options: { windowDays: 30 },
    second: (demo) => readmissionLabels(demo, 30),
    published: { mimic3: [88, 66, 11], mimic4: [260, 95, 53] },
  },
  {
    task: "los",
    second: losLabels,
    published: {
      mimic3: [128, 99, 10, 4, 18, 6, 12, 11, 8, 10, 33, 16],
      mimic4: [275, 100, 30, 25, 32, 25, 28, 26, 17, 16, 50, 26],
    },
  },
  {
    task: "phenotype",
    second: (demo) => phenotypeLabels(demo, phenotypeTable()),
    published: {
      mimic3: [
        ...[122, 94, 45, 6, 12, 54, 19, 20, 21, 6, 39, 28, 16, 31, 33, 52, 55, 13, 17, 11, 3],
        ...[16, 10, 30, 40, 42, 23],
      ],
      mimic4: [
        ...[119, 95, 32, 5, 10, 39, 29, 17, 31, 11, 28, 36, 18, 28, 58, 49, 42, 13, 30, 16, 13],
        ...[9, 16, 15, 31, 18, 17],
      ],
    },
  },
  {
    task: "drugrec",
    second: drugrecLabels,
    published: {
      mimic3: [121, 93, 67, 36, 85, 57, 26],
      mimic4: [250, 100, 82, 22, 178, 105, 65],
    },
  },
];

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

function rowsOf(labels: Labels): SecondLabel[] {
  return Array.from({ length: labels.size }, (_, i) => ({
    subject: labels.subject[i] ?? Number.NaN,
    time: (labels.predictionTime[i] ?? Number.NaN) / 1000,
    visit: labels.visit[i] ?? Number.NaN,
    positive: positivesOf(labels, i),
  }));
}

async function openDemo(dataset: string, root: string, cacheDir: string): Promise<EventStore> {
  const { folder } = await ingest(datasets.get(dataset), { root, cacheDir });
  return openStore(folder);
}

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
        t.same(totals(labels), published[dataset]);
      });
      t.test(`${title}: the cohort flow falls from all visits to the samples`, async (t) => {
        const flow = await task.cohort(store, options);
        const samples = flow.map((step) => step.samples);
        t.equal(samples[0], store.info.visits);
        t.equal(samples.at(-1), published[dataset][0]);
        t.same(
          samples,
          [...samples].sort((a, b) => b - a),
        );
      });
    }
  });
}
