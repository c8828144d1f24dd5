/** Tasks on EHRSHOT's layouts: the fixture is the MIMIC-IV demo rewritten, so the demo's counts are known. */
import t from "tap";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";

const roots = ["original", "medtok"].map((layout) => demoRoot(`ehrshot-fixture/${layout}`));
const skip = roots.includes(undefined) && "../shared/data/ehrshot-fixture is not here";
/** Samples and positives as published of the MIMIC-IV demo; null where the fixture's codes differ. */
const COUNTS: Readonly<Record<string, readonly number[] | null>> = {
  mortality: [175, 10],
  readmission: [260, 38],
  "long-los": [262, 92],
  "new-hypertension": null,
  "new-hyperlipidemia": null,
  "new-acute-mi": null,
  risk: null,
};

t.test("layouts with ends of stays give the same labels", { skip }, async (t) => {
  const stores = await Promise.all(
    roots.map((root) => storeOf("ehrshot", root ?? "", t.testdir())),
  );
  t.teardown(() => {
    for (const store of stores) store.close();
  });
  for (const [name, counts] of Object.entries(COUNTS)) {
    const [original, medtok] = await Promise.all(
      stores.map((store) => loadLabels(store, tasks.get(name), {})),
    );
    if (original === undefined || medtok === undefined) throw new Error("two stores");
    for (const column of ["subject", "predictionTime", "value"] as const) {
      t.same([...medtok[column]], [...original[column]], `${name} ${column}`);
    }
    const positives = original.value.reduce((sum, value) => sum + value, 0);
    if (counts === null) t.ok(positives > 0 && original.size > 50, name);
    else t.same([original.size, positives], counts, name);
  }
});
