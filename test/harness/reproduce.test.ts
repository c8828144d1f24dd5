/** The paper's tables: its printed numbers, ours beside them, and what is empty. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import { models } from "../../ehr-models/index.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { PAPER_CELLS } from "../../harness/paper-tables.ts";
import { type ResultRecord, type RunSpec, writeRecord } from "../../harness/record.ts";
import { reproduce } from "../../harness/reproduce.ts";
import { tasks } from "../../tasks/index.ts";
import { callCli } from "../support/cli.ts";
import { exampleRecord } from "../support/example-record.ts";

const behrt = models.get("behrt");
const SPEC = {
  model: "behrt",
  model_version: behrt.version,
  hyperparameters: behrt.defaults,
  task_version: tasks.get("mortality").version,
};
const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };
const run = (auprc: number, spec: Partial<RunSpec>, source: ResultRecord["data"]["source"]) =>
  exampleRecord({ auprc, source, spec: { ...SPEC, ...spec } });

const REFERENCE = resolve(packageRoot, "..", "shared", "reference", "medtok-paper-results.json");

interface Printed {
  readonly table: number;
  readonly harness_dataset: string;
  readonly harness_task: string;
  readonly model: string;
  readonly tokenizer: "baseline" | "medtok";
  readonly mean: number | null;
  readonly std: number | null;
}

t.test(
  "the numbers are those of the paper",
  { skip: !existsSync(REFERENCE) && `${REFERENCE} is missing` },
  async (t) => {
    const { records } = JSON.parse(readFileSync(REFERENCE, "utf8")) as { records: Printed[] };
    for (const one of records) {
      const isStay = one.table === 4 && one.harness_task === "los";
      const cell = PAPER_CELLS.find(
        ({ table, dataset, task, model }) =>
          table === `table${one.table}` &&
          dataset === one.harness_dataset &&
          task === (isStay ? "long-los" : one.harness_task) &&
          model === one.model.toLowerCase(),
      );
      const expected = one.mean === null ? null : { mean: one.mean, sd: one.std };
      t.same(cell?.[one.tokenizer], expected, JSON.stringify(one));
    }
    t.equal(2 * PAPER_CELLS.length, records.length);
  },
);

t.test("every cell is a task of its dataset here, and a model", async (t) => {
  t.equal(PAPER_CELLS.length, 85);
  for (const { dataset, task, model } of PAPER_CELLS) {
    t.ok(tasks.get(task).datasets.includes(dataset), `${task} of ${dataset}`);
    t.ok(models.names.includes(model), model);
  }
});

t.test("ours stand beside the paper's, sources and protocols apart", async (t) => {
  const records = [
    run(0.2, {}, "demo"),
    run(0.3, { ...medtok }, "demo"),
    run(0.8, { dataset_fingerprint: "aaaaaaaaaaaaaaaa" }, "synthetic"),
    run(0.9, { protocol: "paper", flaws: ["random-split"] }, "demo"),
    run(0.7, { task: "readmission", task_version: 1, task_options: { windowDays: 30 } }, "demo"),
  ];
  const parts = reproduce(makeLeaderboard(records), ["table3"]);
  t.same(
    parts.map(({ dataset, data }) => [dataset, data?.source, data?.protocol]),
    [
      ["mimic3", undefined, undefined],
      ["mimic4", "demo", "paper"],
      ["mimic4", "demo", "strict"],
      ["mimic4", "synthetic", "strict"],
    ],
  );
  const cellsOf = (at: number, task: string, model = "behrt") =>
    parts[at]?.cells.find(({ paper }) => paper.task === task && paper.model === model);
  t.match(cellsOf(2, "mortality"), {
    paper: { baseline: { mean: 0.028, sd: 0.003 } },
    baseline: { auprc: { mean: 0.2 } },
    medtok: { auprc: { mean: 0.3 } },
  });
  t.match(cellsOf(3, "mortality"), { baseline: { auprc: { mean: 0.8 } }, medtok: "missing" });
  t.match(cellsOf(2, "readmission"), { baseline: "missing" }, "30 days are another task");
  t.match(cellsOf(2, "los", "ethos"), { baseline: "not applicable", medtok: "not applicable" });
});

t.test("a model stands by its default settings, not by its best ones", async (t) => {
  const tuned = { hyperparameters: { ...behrt.defaults, width: 8 } };
  const lucky = [0, 1].map((seed) => run(0.9, { ...tuned, seed }, "demo"));
  const parts = reproduce(makeLeaderboard([...lucky, run(0.2, {}, "demo")]), ["table3"]);
  const cell = parts
    .find(({ dataset }) => dataset === "mimic4")
    ?.cells.find(({ paper }) => paper.task === "mortality" && paper.model === "behrt");
  t.match(cell, { baseline: { auprc: { mean: 0.2 } } });
});

t.test("the command says what is missing and how to make it", async (t) => {
  const dir = t.testdir({});
  const none = await callCli(["reproduce", "table4", "--results", dir]);
  t.equal(none.code, 0, "without any record it shows the paper's numbers");
  t.match(none.stdout, /long-los +behrt +0\.582 ± 0\.032 +0\.723 ± 0\.028 +\+0\.141 +- +-/);
  t.match(none.stdout, /long-los +ethos +N\/A +N\/A +N\/A +N\/A/);
  t.match(none.stdout, /grid --dataset ehrshot --tasks long-los,readmission,.* --root DIR/);
  await writeRecord(join(dir, "runs"), run(0.25, {}, "synthetic"));
  const some = await callCli(["reproduce", "table3", "--results", dir, "--out", join(dir, "x.md")]);
  t.match(some.stdout, /OURS: SYNTHETIC DATA/);
  t.match(some.stdout, /mortality +behrt +0\.028 ± 0\.003 .* 0\.250 \(n=1\) +- +-/);
  t.match(readFileSync(join(dir, "x.md"), "utf8"), /\| mortality \| behrt \| 0\.028 ± 0\.003 \|/);
  const wrong = await callCli(["reproduce", "table9"]);
  t.equal(wrong.code, 2);
  t.match(wrong.stderr, /table9/);
});
