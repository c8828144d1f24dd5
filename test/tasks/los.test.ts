import t from "tap";
import { los } from "../../tasks/los.ts";
import { labelsOf } from "../support/labels-of.ts";

const START = "2150-01-01 10:00";

async function classOf(end: string): Promise<number | undefined> {
  const labels = await labelsOf(los, {
    subjects: [{ id: 1, birth: "2100-01-01" }],
    visits: [{ subject: 1, id: 5, start: START, end }],
  });
  t.equal(labels.length, 1);
  t.equal(labels[0]?.[2].length, 1, "one class");
  return labels[0]?.[2][0];
}

t.test("classes change exactly at completed days", async (t) => {
  const cases: [string, number][] = [
    ["2150-01-01 10:01", 0],
    ["2150-01-02 09:59", 0],
    ["2150-01-02 10:00", 1],
    ["2150-01-03 10:00", 2],
    ["2150-01-08 09:59", 6],
    ["2150-01-08 10:00", 7], // exactly 7 days
    ["2150-01-09 09:59", 7],
    ["2150-01-09 10:00", 8], // exactly 8 days
    ["2150-01-15 10:00", 8], // exactly 14 days
    ["2150-01-16 09:59", 8],
    ["2150-01-16 10:00", 9], // exactly 15 days
    ["2151-01-16 10:00", 9],
  ];
  for (const [end, expected] of cases) t.equal(await classOf(end), expected, end);
});

t.test("asks at the admission of every adult stay, deaths included (H7, H10)", async (t) => {
  const visits = [
    { subject: 1, id: 5, start: START, end: "2150-01-03 12:00", died: true },
    { subject: 2, id: 6, start: START, end: "2150-01-03 12:00" },
    { subject: 1, id: 7, start: "2150-02-01", end: "2150-02-01" },
  ];
  const subjects = [{ id: 1 }, { id: 2, birth: "2140-01-01" }];
  t.same(await labelsOf(los, { subjects, visits }), [[5, "2150-01-01 10:00:00", [2]]]);
});
