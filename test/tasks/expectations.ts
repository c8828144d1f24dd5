/** What the second computation says of each task, and what was published about the demos. */
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import type { Labels } from "../../core/label.ts";
import type { TaskOptions } from "../../core/task.ts";
import { createDrugMapper } from "../../Dataset/drugs/index.ts";
import { labelSpecOf } from "../../harness/labels.ts";
import { drugrecAtc } from "../../tasks/drugrec-atc.ts";
import { demoRoot } from "../support/demo-data.ts";
import { positivesOf } from "../support/labels-of.ts";
import {
  longLosLabels,
  losLabels,
  mortality48hLabels,
  mortalityLabels,
  newDiagnosisLabels,
  phenotypeLabels,
  readmissionLabels,
  riskLabels,
  type SecondLabel,
} from "./second-computation.ts";
import { drugClassLabels, drugrecLabels } from "./second-drugs.ts";
import type { Demo, Row } from "./second-raw.ts";

export { readDemo } from "./second-raw.ts";

export interface Expectation {
  readonly task: string;
  readonly options?: TaskOptions;
  readonly second: (demo: Demo) => SecondLabel[];
  /** Samples, subjects and positives per class; left out where nothing was published. */
  readonly published?: Readonly<Record<"mimic3" | "mimic4", readonly number[]>>;
}

const map = demoRoot("maps/phenotypes.csv");
const phenotypeTable = (): Record<string, string>[] =>
  parse(readFileSync(map ?? ""), { columns: true });

const mapper = await createDrugMapper({});
const text = (value: string | undefined) => (value === "" ? null : (value ?? null));
const atcOf = (row: Row) =>
  mapper.map({ name: text(row["drug"]), ndc: text(row["ndc"]), route: text(row["route"]) })?.atc ??
  null;

/** Samples and positives as published with the definitions; the rest counted with the second computation. */
export const EXPECTATIONS: readonly Expectation[] = [
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
  ...[{}, { level: 4 }].map((options) => ({
    task: "drugrec-atc",
    options,
    second: (demo: Demo) => drugClassLabels(demo, labelSpecOf(drugrecAtc, options).classes, atcOf),
  })),
  {
    task: "long-los",
    second: longLosLabels,
    published: { mimic3: [125, 96, 59], mimic4: [262, 100, 92] },
  },
  ...[
    "new-hypertension",
    "new-hyperlipidemia",
    "new-pancreatic-cancer",
    "new-acute-mi",
    "new-celiac",
    "new-lupus",
  ].map((task, disease) => ({
    task,
    second: (demo: Demo) => newDiagnosisLabels(demo, disease),
  })),
  { task: "risk", second: riskLabels },
];

export function rowsOf(labels: Labels): SecondLabel[] {
  return Array.from({ length: labels.size }, (_, i) => ({
    subject: labels.subject[i] ?? Number.NaN,
    time: (labels.predictionTime[i] ?? Number.NaN) / 1000,
    visit: labels.visit[i] ?? Number.NaN,
    positive: positivesOf(labels, i),
  }));
}
