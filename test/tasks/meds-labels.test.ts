/** The MIMIC-IV demo as another program wrote it in MEDS: its labels are those of the raw files. */
import t from "tap";
import { createDrugMapper } from "../../Dataset/drugs/index.ts";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";
import { rowsOf } from "./expectations.ts";
import { drugClassLabels, drugrecLabels } from "./second-drugs.ts";
import { type Demo, readDemo } from "./second-raw.ts";

const [raw, meds] = ["mimic-iv-demo-2.2", "mimic-iv-demo-meds"].map(demoRoot);
const skip = (raw === undefined || meds === undefined) && "../shared/data is not here";

/** The demo as that program writes it: orders have a name and nothing else. */
function withNamesOnly(demo: Demo): Demo {
  const prescriptions = demo.prescriptions.map((row) => ({
    ...row,
    ...{ route: "", drug_type: "", ndc: "" },
  }));
  return { ...demo, prescriptions };
}

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
  t.ok(both.length >= 14);
  const same = both.filter((task) => !task.name.startsWith("drugrec"));
  for (const task of same) {
    const [a, b] = [await loadLabels(own, task, {}), await loadLabels(other, task, {})];
    t.ok(a.size > 100, task.name);
    // Splits are the other program's own, and so may be the ids of visits.
    for (const column of ["subject", "predictionTime", "value"] as const) {
      t.same([...b[column]], [...a[column]], `${task.name} ${column}`);
    }
  }

  const demo = withNamesOnly(readDemo(raw ?? ""));
  const drugs = rowsOf(await loadLabels(other, tasks.get("drugrec"), {}));
  t.same(drugs, drugrecLabels(demo), "drugs by name alone");
  const mapper = await createDrugMapper({});
  for (const options of [{}, { level: 4 }]) {
    const labels = await loadLabels(other, tasks.get("drugrec-atc"), options);
    const second = drugClassLabels(demo, labels.spec.classes, (row) => {
      const drug = { name: row["drug"] ?? null, ndc: null, route: null };
      return mapper.map(drug)?.atc ?? null;
    });
    t.same(rowsOf(labels), second, "classes by name alone");
  }
});

t.test(
  "our own store read as MEDS gives every label again",
  { skip: raw === undefined },
  async (t) => {
    const dir = t.testdir();
    const own = await storeOf("mimic4", raw ?? "", dir);
    const again = await storeOf("meds", own.folder, dir);
    t.teardown(() => {
      own.close();
      again.close();
    });
    for (const task of tasks.all.filter((x) => x.datasets.includes("meds"))) {
      const [a, b] = [await loadLabels(own, task, {}), await loadLabels(again, task, {})];
      t.same(rowsOf(b), rowsOf(a), task.name);
      t.same([...b.split], [...a.split], `${task.name}: split`);
    }
  },
);
