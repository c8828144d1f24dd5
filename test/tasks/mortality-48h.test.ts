import t from "tap";
import { mortality48h } from "../../tasks/mortality-48h.ts";
import { cohortOf, labelsOf } from "../support/labels-of.ts";

/** The labels of one stay that began on 1 January 2150 at 10:00. */
async function labelOf(end: string, died: boolean, death: string | null = null) {
  const labels = await labelsOf(mortality48h, {
    subjects: [{ id: 1, birth: "2100-01-01", death }],
    visits: [{ subject: 1, id: 5, start: "2150-01-01 10:00", end, died }],
  });
  return labels.map(([, time, positive]) => [time, positive]);
}

t.test("asks 48 hours after admission whether the stay ends in death", async (t) => {
  t.same(await labelOf("2150-01-03 10:01", false), [["2150-01-03 10:00:00", []]]);
  t.same(await labelOf("2150-01-09 10:00", true, "2150-01-09 10:00"), [
    ["2150-01-03 10:00:00", [0]],
  ]);
});

t.test("stays that are over by then are left out, to the minute", async (t) => {
  t.same(await labelOf("2150-01-03 09:59", false), []);
  t.same(await labelOf("2150-01-03 10:00", false), [], "its discharge would be visible");
  t.same(await labelOf("2150-01-03 10:00", true, "2150-01-04 10:00"), []);
});

t.test(
  "death stamped within 48 hours excludes, also when the discharge is stamped later",
  async (t) => {
    t.same(await labelOf("2150-01-05 10:00", true, "2150-01-03 10:00"), []);
    t.same(await labelOf("2150-01-05 10:00", true, "2150-01-03 10:01"), [
      ["2150-01-03 10:00:00", [0]],
    ]);
  },
);

t.test("a death flag without a death time counts as a death after 48 hours", async (t) => {
  t.same(await labelOf("2150-01-05 10:00", true, null), [["2150-01-03 10:00:00", [0]]]);
});

t.test("the day of a death after discharge, at midnight, does not exclude the stay", async (t) => {
  t.same(await labelOf("2150-01-03 11:00", false, "2150-01-03 00:00"), [
    ["2150-01-03 10:00:00", []],
  ]);
});

t.test("minors are left out and the flow counts each rule", async (t) => {
  const visit = { subject: 1, start: "2150-01-01 10:00", died: false };
  const flow = await cohortOf(mortality48h, {
    subjects: [
      { id: 1, birth: "2100-01-01" },
      { id: 2, birth: "2140-01-01" },
      { id: 3, birth: "2100-01-01", death: "2150-01-02" },
    ],
    visits: [
      { ...visit, id: 1, end: "2150-01-02" },
      { ...visit, id: 2, end: "2150-01-09", start: "2150-01-04" },
      { ...visit, id: 3, end: "2150-01-09", subject: 2 },
      { ...visit, id: 4, end: "2150-01-09", subject: 3, died: true },
    ],
  });
  t.same(
    flow.map((s) => s.samples),
    [4, 4, 4, 3, 2, 1],
  );
});
