/**
 * Every label of every task on synthetic twins against the second computation. Small in the suite;
 * `LABEL_SUBJECTS=5000 npx tsx test/tasks/twin-labels.test.ts` for the whole check.
 */
import { join } from "node:path";
import t from "tap";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";
import { EXPECTATIONS, readDemo, rowsOf } from "./expectations.ts";

const subjects = Number(process.env["LABEL_SUBJECTS"] ?? 200);
t.setTimeout(900_000); // for the whole check
const skip = demoRoot("maps/phenotypes.csv") === undefined && "../shared/data/maps is not here";

for (const layout of ["mimic3", "mimic4"] as const) {
  t.test(`labels on a ${layout} twin of ${subjects} subjects`, { skip }, async (t) => {
    const root = join(t.testdir(), "twin");
    await generateTwin({ layout, subjects, seed: 7, out: root });
    const store = await storeOf(layout, root, t.testdirName);
    t.teardown(() => store.close());
    const raw = readDemo(root);
    for (const { task, options = {}, second } of EXPECTATIONS) {
      const labels = await loadLabels(store, tasks.get(task), options);
      const wanted = second(raw);
      t.ok(labels.size > 0, task);
      // Compared by hand: printing the difference of large lists takes longer than finding it.
      const rows = rowsOf(labels);
      const differs = rows.findIndex((row, i) => JSON.stringify(row) !== JSON.stringify(wanted[i]));
      t.equal(rows.length, wanted.length, `${task}: ${rows.length} labels`);
      t.equal(differs, -1, `${task}: ${JSON.stringify([rows[differs], wanted[differs]])}`);
    }
  });
}
