import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { LabelSpec } from "../../core/label.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";
import { exportLabels, labelCounts, loadLabels } from "../../harness/labels.ts";
import { handStore } from "../support/hand-store.ts";
import { readable } from "../support/labels-of.ts";

const BINARY: LabelSpec = { kind: "binary", classes: ["ill"] };
const MULTICLASS: LabelSpec = { kind: "multiclass", classes: ["short", "middle", "long"] };
const MULTILABEL: LabelSpec = { kind: "multilabel", classes: ["heart", "Crohn's", "lung"] };

/** A task whose labels are these rows: subject, prediction time, visit and value, as SQL. */
function taskOf(labelSpec: LabelSpec, ...rows: string[]): TaskDefinition {
  const type = { binary: "BOOLEAN", multiclass: "INTEGER", multilabel: "INTEGER[]" };
  return {
    name: "made-up",
    version: 3,
    description: "",
    reference: "",
    labelSpec,
    mainMetric: "auprc",
    datasets: [],
    options: {},
    history: { hideIndexVisit: [] },
    rules: [],
    labels: () => `SELECT s::BIGINT AS subject_id, t::TIMESTAMP AS prediction_time,
      v::BIGINT AS visit_id, x::${type[labelSpec.kind]} AS value
      FROM (VALUES ${rows.map((r) => `(${r})`).join(", ")}) rows(s, t, v, x)`,
    cohort: async () => [],
  };
}

function makeStore(): Promise<EventStore> {
  return handStore({
    subjects: [
      { id: 1, split: "train" },
      { id: 2, split: "tuning" },
      { id: 3, split: "held_out" },
      { id: 4, split: null },
    ],
    visits: [],
  });
}

t.test("loads labels sorted by subject, prediction time and visit, with splits", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const task = taskOf(
    BINARY,
    "3, '2150-01-01', 9, true",
    "1, '2150-02-01', 8, false",
    "1, '2150-01-01', 7, true",
    "1, '2150-01-01', NULL, false",
    "1, '2150-01-01', 5, true",
  );
  const labels = await loadLabels(store, task, {});
  t.same([...labels.subject], [1, 1, 1, 1, 3]);
  t.same([...labels.visit], [Number.NaN, 5, 7, 8, 9]);
  t.same([...labels.split], [0, 0, 0, 0, 2]);
  t.same([...labels.value], [0, 1, 1, 0, 1]);
  t.equal(labels.predictionTime[0], Date.UTC(2150, 0, 1) * 1000);
  t.same(labels.spec, BINARY);
});

t.test("multiclass rows have one 1, multilabel rows any number", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const classes = taskOf(MULTICLASS, "1, '2150-01-01', 1, 2", "2, '2150-01-01', 2, 0");
  t.same([...(await loadLabels(store, classes, {})).value], [0, 0, 1, 1, 0, 0]);
  const groups = taskOf(MULTILABEL, "1, '2150-01-01', 1, [0, 2]", "2, '2150-01-01', 2, []");
  t.same([...(await loadLabels(store, groups, {})).value], [1, 0, 1, 0, 0, 0]);
});

t.test("no rows are no labels", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const empty = { ...taskOf(BINARY, "1, '2150-01-01', 1, true") };
  const none = { ...empty, labels: () => `SELECT * FROM (${empty.labels({})}) WHERE false` };
  const labels = await loadLabels(store, none, {});
  t.equal(labels.size, 0);
  t.same(labelCounts(labels)[0], { split: "train", samples: 0, subjects: 0, positives: [0] });
});

t.test("refuses labels that later steps could not rely on", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const good = "1, '2150-01-01', 1";
  const cases: [TaskDefinition, RegExp][] = [
    [taskOf(BINARY, "1, NULL, 1, true"), /no prediction time/],
    [taskOf(BINARY, "NULL, '2150-01-01', 1, true"), /no subject/],
    [taskOf(BINARY, `${good}, NULL`), /no value/],
    [taskOf(MULTICLASS, `${good}, NULL`), /no value/],
    [taskOf(MULTILABEL, `${good}, NULL`), /no value/],
    [taskOf(MULTILABEL, `${good}, [0, NULL]`), /class null/],
    [taskOf(MULTICLASS, `${good}, 3`), /class 3, of 3 classes/],
    [taskOf(MULTICLASS, `${good}, -2`), /class -2/],
    [taskOf(MULTILABEL, `${good}, [0, 3]`), /class 3/],
    [taskOf(BINARY, `${good}, true`, `${good}, false`), /rows 0 and 1/],
    [taskOf(BINARY, "1, '2150-01-01', NULL, true", "1, '2150-01-01', NULL, true"), /rows 0 and 1/],
    [taskOf(BINARY, "4, '2150-01-01', 1, true"), /without a split/],
  ];
  for (const [task, message] of cases) {
    await t.rejects(loadLabels(store, task, {}), { name: "BenchError", message });
  }
});

t.test("counts samples, subjects and positives per class of each split", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const task = taskOf(
    MULTILABEL,
    "1, '2150-01-01', 1, [0, 2]",
    "1, '2150-02-01', 2, [0]",
    "3, '2150-01-01', 3, []",
  );
  t.same(labelCounts(await loadLabels(store, task, {})), [
    { split: "train", samples: 2, subjects: 1, positives: [2, 0, 1] },
    { split: "tuning", samples: 0, subjects: 0, positives: [0, 0, 0] },
    { split: "held_out", samples: 1, subjects: 1, positives: [0, 0, 0] },
  ]);
});

const EXPORTS: [TaskDefinition, string, unknown[], string][] = [
  [
    taskOf(BINARY, "2, '2150-02-01 10:30', 1, true", "1, '2150-01-01', 2, false"),
    "boolean_value BOOLEAN",
    [false, true],
    "1,2150-01-01 00:00:00,false\n2,2150-02-01 10:30:00,true\n",
  ],
  [
    taskOf(MULTICLASS, "2, '2150-02-01 10:30', 1, 2", "1, '2150-01-01', 2, 0"),
    "integer_value BIGINT",
    [0, 2],
    "1,2150-01-01 00:00:00,0\n2,2150-02-01 10:30:00,2\n",
  ],
  [
    taskOf(MULTILABEL, "2, '2150-02-01 10:30', 1, [2, 1]", "1, '2150-01-01', 2, []"),
    "categorical_value VARCHAR",
    ["", "Crohn's|lung"],
    `1,2150-01-01 00:00:00,""\n2,2150-02-01 10:30:00,Crohn's|lung\n`,
  ],
];

for (const [task, column, values, csv] of EXPORTS) {
  t.test(`writes ${task.labelSpec.kind} labels in the MEDS label schema`, async (t) => {
    const store = await makeStore();
    const database = await Database.open({ threads: 1 });
    t.teardown(() => [store, database].forEach((open) => void open.close()));
    const folder = t.testdir();
    const file = join(folder, "labels.parquet");
    const labels = await exportLabels(store, task, {}, file);
    t.equal(labels.size, 2);

    const columns = await database.query(`DESCRIBE FROM ${sqlText(file)}`);
    const types = columns.strings("column_type");
    t.same(
      columns.strings("column_name").map((name, i) => `${name} ${types[i]}`),
      ["subject_id BIGINT", "prediction_time TIMESTAMP", column],
    );
    const rows = await database.query(`FROM ${sqlText(file)}`);
    t.same([...rows.numbers("subject_id")], [1, 2]);
    const written = rows.values(column.split(" ")[0] ?? "");
    t.same(
      task.labelSpec.kind === "binary" ? written.map(Boolean) : written.map(String),
      values.map((v) => (typeof v === "number" ? String(v) : v)),
    );

    await exportLabels(store, task, {}, join(folder, "labels.csv"));
    const text = readFileSync(join(folder, "labels.csv"), "utf8");
    t.equal(text.slice(text.indexOf("\n") + 1), csv);
  });
}

t.test("writes nothing when the labels are wrong or the file's ending is unknown", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const folder = t.testdir();
  const wrong = taskOf(BINARY, "4, '2150-01-01', 1, true");
  const file = join(folder, "labels.parquet");
  await t.rejects(exportLabels(store, wrong, {}, file), { name: "BenchError" });
  t.throws(() => readFileSync(file), { code: "ENOENT" });
  const good = taskOf(BINARY, "1, '2150-01-01', 1, true");
  await t.rejects(exportLabels(store, good, {}, join(folder, "labels.json")), {
    name: "BenchError",
    exitCode: 2,
  });
});

t.test("reads back as the task stated it", async (t) => {
  const store = await makeStore();
  t.teardown(() => store.close());
  const task = taskOf(MULTILABEL, "1, '2150-01-01 10:30', 7, [1]");
  t.same(readable(await loadLabels(store, task, {})), [[7, "2150-01-01 10:30:00", [1]]]);
});
