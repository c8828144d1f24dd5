/** Protocol `paper` with all flaws on both demos, against a second computation. */
import t from "tap";
import { loadLabels } from "../../harness/labels.ts";
import { flawsOf, labelsUnder } from "../../harness/protocol.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";
import { readDemo, rowsOf } from "./expectations.ts";
import { secondPaperLabels } from "./second-paper.ts";

for (const [dataset, folder] of [
  ["mimic3", "mimic-iii-demo-1.4"],
  ["mimic4", "mimic-iv-demo-2.2"],
] as const) {
  const root = demoRoot(folder);
  const skip = root === undefined && `../shared/data/${folder} is not here`;
  t.test(`labels of protocol paper on the ${dataset} demo`, { skip }, async (t) => {
    const store = await storeOf(dataset, root ?? "", t.testdir());
    t.teardown(() => store.close());
    const demo = readDemo(root ?? "");
    for (const name of ["mortality", "readmission", "los"] as const) {
      const task = tasks.get(name);
      const flaws = new Set(flawsOf(task, dataset));
      const labels = await loadLabels(store, { ...task, labels: labelsUnder(task, flaws) }, {});
      t.ok(labels.size > 4, `${name}: ${labels.size} labels`);
      t.same(rowsOf(labels), secondPaperLabels(demo, name), name);
    }
  });
}
