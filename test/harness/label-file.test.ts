import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";
import { chooseTask } from "../../harness/choose-task.ts";
import { labelFileTask } from "../../harness/label-file.ts";
import { exportLabels, loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { handStore } from "../support/hand-store.ts";
import { readable } from "../support/labels-of.ts";
import { storeOf } from "../support/small-run.ts";

function csv(t: Test, text: string): string {
  const file = join(t.testdir(), "My labels.csv");
  writeFileSync(file, text);
  return file;
}

async function parquet(t: Test, select: string): Promise<string> {
  const file = join(t.testdir(), "labels.parquet");
  const db = await Database.open({ threads: 1 });
  await db.run(`COPY (${select}) TO ${sqlText(file)} (FORMAT parquet)`);
  db.close();
  return file;
}

const store = () =>
  handStore({
    subjects: [{ id: 1 }, { id: 2, split: "tuning" }, { id: 3, split: "held_out" }],
    visits: [{ subject: 1, id: 7, start: "2150-01-01", end: "2150-01-02" }],
  });

async function read(t: Test, file: string) {
  const task = await labelFileTask(file, ["mimic4"]);
  const open = await store();
  t.teardown(() => open.close());
  return { task, rows: readable(await loadLabels(open, task, {})) };
}

t.test("reads true and false, with a byte order mark, other columns and any order", async (t) => {
  const file = csv(
    t,
    "\uFEFFprediction_time,subject_id,boolean_value,note\n2150-01-02 10:00:00,2,true,x\n2150-01-01,1,0,\n2150-01-01 00:00:01,1,True,\n",
  );
  const { task, rows } = await read(t, file);
  t.equal(task.name, "my-labels");
  t.same(task.labelSpec, { kind: "binary", classes: ["positive"] });
  t.same(
    rows.map(([, time, positive]) => [time, positive]),
    [
      ["2150-01-01 00:00:00", []],
      ["2150-01-01 00:00:01", [0]],
      ["2150-01-02 10:00:00", [0]],
    ],
  );
});

t.test("reads classes by number or name, several at once, and the index visit", async (t) => {
  const numbers = await read(
    t,
    csv(
      t,
      "subject_id,prediction_time,integer_value,visit_id\n1,2150-01-01,2,7\n2,2150-01-01,0,\n",
    ),
  );
  t.same(numbers.task.labelSpec, {
    kind: "multiclass",
    classes: ["class 0", "class 1", "class 2"],
  });
  t.same(
    numbers.rows.map(([visit, , p]) => [visit, p]),
    [
      [7, [2]],
      [Number.NaN, [0]],
    ],
  );
  const names = await read(
    t,
    csv(t, "subject_id,prediction_time,categorical_value\n1,2150-01-01,low\n2,2150-01-01,high\n"),
  );
  t.same(names.task.labelSpec, { kind: "multiclass", classes: ["high", "low"] });
  t.same(
    names.rows.map(([, , p]) => p),
    [[1], [0]],
  );
  const many = await read(
    t,
    csv(
      t,
      "subject_id,prediction_time,categorical_value\n1,2150-01-01,b|a\n2,2150-01-01,\n3,2150-01-01,b\n",
    ),
  );
  t.same(many.task.labelSpec, { kind: "multilabel", classes: ["a", "b"] });
  t.same(
    many.rows.map(([, , p]) => p),
    [[0, 1], [], [1]],
  );
});

t.test("reads parquet as other MEDS tools write it, unused value columns null", async (t) => {
  const file = await parquet(
    t,
    `SELECT 1::BIGINT AS subject_id, TIMESTAMP '2150-01-01' AS prediction_time, true AS boolean_value,
      NULL::BIGINT AS integer_value, NULL::FLOAT AS float_value, NULL::VARCHAR AS categorical_value`,
  );
  t.same(
    (await read(t, file)).rows.map(([, , p]) => p),
    [[0]],
  );
});

t.test("says what is wrong with a file, and in which row", async (t) => {
  const fails = async (file: string, what: RegExp, where: RegExp) => {
    try {
      await read(t, file);
      t.fail("accepted");
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      t.match(error.message, what);
      t.match(error.where ?? "", where);
    }
  };
  const head = "subject_id,prediction_time,boolean_value\n";
  await fails(
    csv(t, "patient,time,value\n1,2150-01-01,1\n"),
    /the columns are patient, time, value/,
    /labels\.csv$/,
  );
  await fails(
    csv(t, `${head}1,2150-01-01,true\n1,2150-13-01,true\n`),
    /prediction_time is missing or cannot be read/,
    /line 3$/,
  );
  await fails(csv(t, `${head}1,2150-01-01,true\nx,2150-01-01,true\n`), /subject_id/, /line 3$/);
  await fails(csv(t, `${head}1,2150-01-01,true\n2,2150-01-01,maybe\n`), /boolean_value/, /line 3$/);
  await fails(csv(t, head), /no labels/, /csv$/);
  await fails(csv(t, `${head}1,2150-01-01,\n`), /no value column has a value/, /csv$/);
  await fails(
    csv(t, "subject_id,prediction_time,boolean_value,integer_value\n1,2150-01-01,true,1\n"),
    /both/,
    /csv$/,
  );
  await fails(
    csv(t, "subject_id,prediction_time,float_value\n1,2150-01-01,0.5\n"),
    /predicts classes/,
    /csv$/,
  );
  await fails(
    csv(t, "subject_id,prediction_time,integer_value\n1,2150-01-01,-1\n"),
    /from -1 to -1/,
    /csv$/,
  );
  await fails(
    csv(t, `${head}1,2150-01-01,true\n9,2150-01-01,true\n`),
    /without a split|not in the data/,
    /./,
  );
  await fails(
    csv(t, `${head}1,2150-01-01,true\n1,2150-01-01,false\n`),
    /one subject, prediction time/,
    /./,
  );
  await fails(
    await parquet(t, "SELECT 1 AS subject_id, 5 AS prediction_time, true AS boolean_value"),
    /INTEGER, not a time/,
    /parquet$/,
  );
  await fails(
    await parquet(
      t,
      "SELECT 1 AS subject_id, TIMESTAMPTZ '2150-01-01 00:00:00+00' AS prediction_time, true AS boolean_value",
    ),
    /TIME ZONE, not a time/,
    /parquet$/,
  );
});

t.test("one of --task and --task-file, and no name that is taken", async (t) => {
  const none = { "task-option": [] };
  await t.rejects(chooseTask(none), /no task is given/);
  await t.rejects(chooseTask({ ...none, task: "los", "task-file": "x.csv" }), /both name a task/);
  await t.rejects(chooseTask({ ...none, "task-file": "/nowhere.csv" }), /does not exist/);
  const taken = join(t.testdir(), "los.csv");
  writeFileSync(taken, "subject_id,prediction_time,boolean_value\n1,2150-01-01,1\n");
  await t.rejects(chooseTask({ ...none, "task-file": taken }), /"los" is the name of a task/);
  t.equal((await chooseTask({ ...none, task: "los" })).task.name, "los");
});

const root = demoRoot("mimic-iv-demo-2.2");
t.test(
  "labels written by the benchmark come back the same",
  { skip: root === undefined && "../shared/data is not here" },
  async (t) => {
    const demo = await storeOf("mimic4", root ?? "", t.testdir());
    t.teardown(() => demo.close());
    for (const [name, ending] of [
      ["readmission", "csv"],
      ["los", "parquet"],
      ["risk", "csv"],
    ] as const) {
      const file = join(t.testdirName, `${name}-written.${ending}`);
      const labels = await exportLabels(demo, tasks.get(name), {}, file);
      const back = await loadLabels(demo, await labelFileTask(file, []), {});
      t.same([...back.subject], [...labels.subject], name);
      t.same([...back.predictionTime], [...labels.predictionTime]);
      if (name !== "risk") t.same([...back.value], [...labels.value]);
    }
  },
);
