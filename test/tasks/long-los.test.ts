import t from "tap";
import { longLos } from "../../tasks/long-los.ts";
import { labelsOf } from "../support/labels-of.ts";

const stay = async (start: string, end: string | null, options = {}, more = {}) =>
  labelsOf(
    longLos,
    { subjects: [{ id: 1 }], visits: [{ subject: 1, id: 5, start, end, ...more }] },
    options,
  );

t.test("asks at the end of the day of admission", async (t) => {
  t.same(await stay("2150-01-01 10:00", "2150-01-08 09:59"), [[5, "2150-01-01 23:59:59", []]]);
  t.same(await stay("2150-01-01 10:00", "2150-01-08 10:00"), [[5, "2150-01-01 23:59:59", [0]]]);
  t.same(await stay("2150-01-01 00:00", "2150-01-09 00:00"), [[5, "2150-01-01 23:59:59", [0]]]);
});

t.test("a stay that is over by then is no sample, one that ends at midnight is", async (t) => {
  t.same(await stay("2150-01-01 10:00", "2150-01-01 23:59:59"), []);
  t.same(await stay("2150-01-01 10:00", "2150-01-02 00:00"), [[5, "2150-01-01 23:59:59", []]]);
});

t.test(
  "no discharge, a discharge before admission, outpatients and minors are left out",
  async (t) => {
    const ended = { subject: 1, id: 6, start: "2150-03-01 10:00", end: "2150-03-03 10:00" };
    const open = { subject: 1, id: 5, start: "2150-01-01", end: null };
    t.same(await labelsOf(longLos, { subjects: [{ id: 1 }], visits: [open, ended] }), [
      [6, "2150-03-01 23:59:59", []],
    ]);
    await t.rejects(stay("2150-01-01", null), /no stay here has a recorded end/);
    t.same(await stay("2150-01-05", "2150-01-01"), []);
    t.same(await stay("2150-01-01", "2150-02-01", {}, { type: "outpatient" }), []);
    t.same(await stay("2110-01-01", "2110-02-01"), []);
  },
);

t.test("a death in the stay ends it; the number of days is an option", async (t) => {
  t.same(await stay("2150-01-01", "2150-01-05", {}, { died: true }), [
    [5, "2150-01-01 23:59:59", []],
  ]);
  t.same(await stay("2150-01-01", "2150-01-05", { days: 4 }), [[5, "2150-01-01 23:59:59", [0]]]);
  t.rejects(stay("2150-01-01", "2150-01-05", { days: 1 }), /whole number from 2 to 60/);
});
