/**
 * Tasks on EHRSHOT's layouts: the fixture is the MIMIC-IV demo rewritten, so the demo's counts are known. Two
 * layouts have the ends of stays and give the same labels; the third says that it has none.
 */
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { cohortReport } from "../../harness/cohort-report.ts";
import { loadLabels } from "../../harness/labels.ts";
import { EHRSHOT_RECOMPUTED } from "../../tasks/ehrshot-rules.ts";
import { tasks } from "../../tasks/index.ts";
import { publishedTask } from "../../tasks/published.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";
import { rowsOf } from "./expectations.ts";

const roots = ["original", "medtok", "meds"].map((layout) => demoRoot(`ehrshot-fixture/${layout}`));
const skip = roots.includes(undefined) && "../shared/data/ehrshot-fixture is not here";
/** Samples and positives as published of the MIMIC-IV demo; the fixture's codes of diseases differ. */
const COUNTS: Readonly<Record<string, readonly number[]>> = {
  mortality: [175, 10],
  readmission: [260, 38],
  "long-los": [262, 92],
};
const open = (layout: number) => storeOf("ehrshot", roots[layout] ?? "", t.testdirName);
const ours = tasks.all.filter((task) => task.datasets.includes("ehrshot"));

t.test("layouts with ends of stays give the same labels for every task", { skip }, async (t) => {
  const [original, medtok] = await Promise.all([open(0), open(1)]);
  t.teardown(() => {
    original.close();
    medtok.close();
  });
  t.ok(ours.length >= 10);
  for (const task of ours) {
    const [a, b] = [await loadLabels(original, task, {}), await loadLabels(medtok, task, {})];
    t.same(rowsOf(b), rowsOf(a), task.name);
    const positives = a.value.reduce((sum, value) => sum + value, 0);
    t.ok(a.size > 50, task.name);
    const counts = COUNTS[task.name];
    if (counts !== undefined) t.same([a.size, positives], counts, task.name);
  }
});

t.test("the layout without ends says so, and what to use in its place", { skip }, async (t) => {
  const meds = await open(2);
  t.teardown(() => meds.close());
  for (const task of ours) {
    for (const ask of [loadLabels(meds, task, {}), cohortReport(meds, task, {})]) {
      const error = await ask.catch((e: unknown) => e);
      t.ok(error instanceof BenchError, task.name);
      t.match(error, {
        message: /no stay here has a recorded end/,
        where: "ehrshot, layout meds",
        fix: /--task published-guo_los.*another layout/,
      });
    }
  }
});

t.test("published labels are the same in both layouts that have them", { skip }, async (t) => {
  const [original, meds] = await Promise.all([open(0), open(2)]);
  t.teardown(() => {
    original.close();
    meds.close();
  });
  for (const name of EHRSHOT_RECOMPUTED) {
    const task = publishedTask(name);
    const [a, b] = [await loadLabels(original, task, {}), await loadLabels(meds, task, {})];
    t.ok(a.size > 100, name);
    t.same(rowsOf(b), rowsOf(a), name);
    t.same([...b.split], [...a.split], `${name}: splits`);
  }
  const none = await loadLabels(meds, publishedTask("lab_anemia"), {});
  t.equal(none.size, 0, "no labels of a task are no fault of the layout");
});
