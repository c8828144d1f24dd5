import t from "tap";
import { mortality } from "../../tasks/mortality.ts";
import type { HandVisit } from "../support/hand-store.ts";
import { cohortOf, labelsOf } from "../support/labels-of.ts";

const born = { id: 1, birth: "2100-01-01" };
const visit = (id: number, start: string, end: string | null, more = {}): HandVisit => ({
  subject: 1,
  id,
  start,
  end,
  ...more,
});

t.test("asks at each discharge whether the next admission ends in death (R5, H12)", async (t) => {
  const visits = [
    visit(30, "2150-01-01 10:00", "2150-01-05 12:00"),
    visit(10, "2150-03-01 10:00", "2150-03-05 12:00"),
    visit(20, "2152-06-01 10:00", "2152-06-09 12:00", { died: true }),
  ];
  t.same(await labelsOf(mortality, { subjects: [born], visits }), [
    [30, "2150-01-05 12:00:00", []],
    [10, "2150-03-05 12:00:00", [0]],
  ]);
});

t.test("a subject with one visit is no sample, nor is a last visit", async (t) => {
  const visits = [visit(1, "2150-01-01", "2150-01-05")];
  t.same(await labelsOf(mortality, { subjects: [born], visits }), []);
});

t.test("a visit that ended in death is no sample, whatever follows it", async (t) => {
  const visits = [
    visit(1, "2150-01-01", "2150-01-05", { died: true }),
    visit(2, "2150-01-06", "2150-01-08", { died: true }),
  ];
  t.same(await labelsOf(mortality, { subjects: [born], visits }), []);
});

t.test("death on the day of discharge but outside hospital is not counted", async (t) => {
  const visits = [
    visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
    visit(2, "2150-02-01 10:00", "2150-02-05 12:00"),
  ];
  const subjects = [{ ...born, death: "2150-02-05 18:00" }];
  t.same(await labelsOf(mortality, { subjects, visits }), [[1, "2150-01-05 12:00:00", []]]);
});

t.test(
  "a same-day readmission and a transfer at the minute of discharge are next visits",
  async (t) => {
    const visits = [
      visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
      visit(2, "2150-01-05 12:00", "2150-01-06 09:00"),
      visit(3, "2150-01-06 21:00", "2150-01-07 09:00", { died: true }),
    ];
    t.same(await labelsOf(mortality, { subjects: [born], visits }), [
      [1, "2150-01-05 12:00:00", []],
      [2, "2150-01-06 09:00:00", [0]],
    ]);
  },
);

t.test("an overlapping next visit counts while it lasts, a nested one is left out", async (t) => {
  const overlapping = [
    visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
    visit(2, "2150-01-04 10:00", "2150-01-09 12:00", { died: true }),
  ];
  t.same(await labelsOf(mortality, { subjects: [born], visits: overlapping }), [
    [1, "2150-01-05 12:00:00", [0]],
  ]);
  const nested = [
    visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
    visit(2, "2150-01-02 10:00", "2150-01-05 12:00", { died: true }),
  ];
  t.same(await labelsOf(mortality, { subjects: [born], visits: nested }), []);
});

t.test("a death recorded before a discharge alive would be visible and excludes", async (t) => {
  const visits = [
    visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
    visit(2, "2150-01-04 10:00", "2150-01-09 12:00", { died: true }),
  ];
  const at = (death: string) => labelsOf(mortality, { subjects: [{ ...born, death }], visits });
  t.same(await at("2150-01-05 12:00"), []);
  t.same(await at("2150-01-05 12:01"), [[1, "2150-01-05 12:00:00", [0]]]);
});

t.test("visits that start at one time follow each other by visit id", async (t) => {
  const visits = [
    visit(8, "2150-01-01 10:00", "2150-01-09 12:00", { died: true }),
    visit(7, "2150-01-01 10:00", "2150-01-02 12:00"),
  ];
  t.same(await labelsOf(mortality, { subjects: [born], visits }), [
    [7, "2150-01-02 12:00:00", [0]],
  ]);
});

t.test("a first visit under 18 is no sample but the visits are still paired", async (t) => {
  const subjects = [{ id: 1, birth: "2132-01-05" }];
  const visits = [
    visit(1, "2150-01-04 23:00", "2150-01-06 12:00"), // 18 on the second day
    visit(2, "2150-01-10 10:00", "2150-01-12 12:00"),
    visit(3, "2150-01-20 10:00", "2150-01-22 12:00", { died: true }),
  ];
  t.same(await labelsOf(mortality, { subjects, visits }), [[2, "2150-01-12 12:00:00", [0]]]);
});

t.test("the 18th birthday itself counts as adult, at any hour", async (t) => {
  const visits = [visit(1, "2150-03-01 00:10", "2150-03-02"), visit(2, "2150-04-01", "2150-04-02")];
  const sampled = async (birth: string) =>
    (await labelsOf(mortality, { subjects: [{ id: 1, birth }], visits })).length;
  t.equal(await sampled("2132-03-01"), 1);
  t.equal(await sampled("2132-02-29"), 1, "born on 29 February, 18 on 1 March");
  t.equal(await sampled("2132-03-02"), 0);
});

t.test("without a known birth, nobody can be told to be an adult", async (t) => {
  const visits = [visit(1, "2150-01-01", "2150-01-05"), visit(2, "2150-02-01", "2150-02-05")];
  t.same(await labelsOf(mortality, { subjects: [{ id: 1, birth: null }], visits }), []);
});

t.test(
  "visits of other types, without an end, or ending as they start are not in the sequence",
  async (t) => {
    const visits = [
      visit(1, "2150-01-01", "2150-01-05"),
      visit(2, "2150-02-01", "2150-02-05", { type: "outpatient", died: true }),
      visit(3, "2150-03-01", "2150-03-01", { died: true }),
      visit(4, "2150-04-01", null, { died: true }),
      visit(5, "2150-05-01", "2150-05-05"),
    ];
    t.same(await labelsOf(mortality, { subjects: [born], visits }), [
      [1, "2150-01-05 00:00:00", []],
    ]);
  },
);

t.test("visits of two subjects are never paired", async (t) => {
  const visits = [
    visit(1, "2150-01-01", "2150-01-05"),
    { ...visit(2, "2150-02-01", "2150-02-05"), subject: 2 },
  ];
  t.same(await labelsOf(mortality, { subjects: [born, { id: 2 }], visits }), []);
});

t.test("the cohort flow starts at all visits and ends at the samples", async (t) => {
  const visits = [
    visit(1, "2110-01-01", "2110-01-05"),
    visit(2, "2150-01-01", "2150-01-05"),
    visit(3, "2150-02-01", "2150-02-05", { type: "emergency" }),
    visit(4, "2150-03-01", "2150-02-01"),
    visit(5, "2150-05-01", "2150-05-05"),
    visit(6, "2150-05-02", "2150-05-04"),
    visit(7, "2150-06-01", "2150-06-05", { died: true }),
  ];
  t.same(
    (await cohortOf(mortality, { subjects: [born], visits })).map((s) => [s.step, s.samples]),
    [
      ["all visits", 7],
      ["inpatient visits", 6],
      ["discharge after admission", 5],
      ["aged 18 or over at admission", 4],
      ["discharged alive", 3],
      ["admitted again", 3],
      ["the next stay ends after this discharge", 2],
      ["no death recorded before this discharge", 2],
    ],
  );
});
