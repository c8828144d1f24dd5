import t from "tap";
import { readmission } from "../../tasks/readmission.ts";
import type { HandVisit } from "../support/hand-store.ts";
import { labelsOf } from "../support/labels-of.ts";

const subjects = [{ id: 1, birth: "2100-01-01" }];
const visit = (id: number, start: string, end: string, more = {}): HandVisit => ({
  subject: 1,
  id,
  start,
  end,
  ...more,
});
const index = visit(1, "2150-01-01 10:00", "2150-01-05 12:00");

/** Whether the first visit is positive when these follow it. */
async function positive(following: readonly HandVisit[], options = {}): Promise<boolean> {
  const labels = await labelsOf(readmission, { subjects, visits: [index, ...following] }, options);
  const first = labels.find(([id]) => id === 1);
  if (first === undefined) throw new Error("the first visit is no sample");
  return first[2].length === 1;
}

t.test("asks at discharge, the last visit included", async (t) => {
  const visits = [index, visit(2, "2150-01-10 10:00", "2150-01-12 12:00")];
  t.same(await labelsOf(readmission, { subjects, visits }), [
    [1, "2150-01-05 12:00:00", [0]],
    [2, "2150-01-12 12:00:00", []],
  ]);
});

t.test("the window runs from discharge and includes its last microsecond (H11)", async (t) => {
  t.equal(await positive([visit(2, "2150-01-20 12:00", "2150-01-21")]), true);
  t.equal(await positive([visit(2, "2150-01-20 12:00:01", "2150-01-21")]), false);
  t.equal(await positive([visit(2, "2150-02-04 12:00", "2150-02-05")], { windowDays: 30 }), true);
  t.equal(await positive([visit(2, "2150-02-04 12:01", "2150-02-05")], { windowDays: 30 }), false);
  t.equal(await positive([visit(2, "2150-01-06 12:00", "2150-01-07")], { windowDays: 1 }), true);
});

t.test("a long stay does not use the window up", async (t) => {
  const visits = [
    visit(1, "2150-01-01 10:00", "2150-01-21 12:00"),
    visit(2, "2150-01-22 10:00", "2150-01-24 12:00"),
  ];
  const labels = await labelsOf(readmission, { subjects, visits });
  t.same(labels[0], [1, "2150-01-21 12:00:00", [0]]);
});

t.test("a readmission later on the day of discharge counts", async (t) => {
  t.equal(await positive([visit(2, "2150-01-05 12:01", "2150-01-07")]), true);
});

t.test(
  "an admission at the minute of discharge is a transfer, but one after it may count",
  async (t) => {
    const transfer = visit(2, "2150-01-05 12:00", "2150-01-07");
    t.equal(await positive([transfer]), false);
    t.equal(await positive([transfer, visit(3, "2150-01-09", "2150-01-10")]), true);
  },
);

t.test("an admission that began before discharge does not count", async (t) => {
  t.equal(await positive([visit(2, "2150-01-05 11:59", "2150-01-09")]), false);
});

t.test("visits of other types do not count as readmissions", async (t) => {
  const emergency = visit(2, "2150-01-07", "2150-01-08", { type: "emergency" });
  t.equal(await positive([emergency]), false);
  t.equal(await positive([visit(2, "2150-01-07", "2150-01-06")]), false, "ends before it starts");
});

t.test("patients who died in the stay and minors are left out", async (t) => {
  const died = [visit(1, "2150-01-01", "2150-01-05", { died: true })];
  t.same(await labelsOf(readmission, { subjects, visits: died }), []);
  const minor = [{ id: 1, birth: "2140-01-01" }];
  t.same(await labelsOf(readmission, { subjects: minor, visits: [index] }), []);
});

t.test("a window outside 1 to 365 whole days is refused", (t) => {
  for (const windowDays of [0, 366, 1.5, Number.NaN]) {
    t.throws(() => readmission.labels({ windowDays }), { name: "BenchError", exitCode: 2 });
  }
  t.doesNotThrow(() => readmission.labels({ windowDays: 365 }));
  t.end();
});

t.test("the true risk is stated for the windows that twins know", (t) => {
  t.equal(readmission.trueRisk?.({}), "readmission_15d");
  t.equal(readmission.trueRisk?.({ windowDays: 30 }), "readmission_30d");
  t.equal(readmission.trueRisk?.({ windowDays: 7 }), null);
  t.end();
});
