/** The MIMIC-IV demo as another program wrote it in MEDS: its labels are those of the raw files. */
import t from "tap";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";

const [raw, meds] = ["mimic-iv-demo-2.2", "mimic-iv-demo-meds"].map(demoRoot);
const skip = (raw === undefined || meds === undefined) && "../shared/data is not here";

t.test("tasks defined for MEDS give the labels of the raw files", { skip }, async (t) => {
  const dir = t.testdir();
  const [own, other] = [
    await storeOf("mimic4", raw ?? "", dir),
    await storeOf("meds", meds ?? "", dir),
  ];
  t.teardown(() => {
    own.close();
    other.close();
  });
  const both = tasks.all.filter((x) => ["mimic4", "meds"].every((d) => x.datasets.includes(d)));
  t.ok(both.length >= 12);
  for (const task of both) {
    const [a, b] = [await loadLabels(own, task, {}), await loadLabels(other, task, {})];
    t.ok(a.size > 100, task.name);
    // Splits are the other program's own, and so may be the ids of visits.
    for (const column of ["subject", "predictionTime", "value"] as const) {
      t.same([...b[column]], [...a[column]], `${task.name} ${column}`);
    }
  }
});
