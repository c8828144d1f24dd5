/** A whole run on a small twin: the store, whole timelines, the outcome of the task, and the record. */
import t from "tap";
import { runSeeds } from "../../../harness/run.ts";
import { silent, smallPlan, twinStore } from "../../support/small-run.ts";

t.test("a run of ETHOS ends in a record like any other's", async (t) => {
  const dir = t.testdir();
  const store = await twinStore("mimic4", 150, dir);
  t.teardown(() => store.close());
  const [record] = await runSeeds(store, smallPlan("readmission", "ethos", dir), silent);
  t.equal(record?.training.selected_on, "negative_loss");
  t.equal(record?.training.curve.length, 2);
  t.type(record?.metrics.auprc.value, "number");
});
