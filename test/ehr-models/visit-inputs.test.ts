import t from "tap";
import type { History } from "../../core/samples.ts";
import { type VisitOptions, visitInputs } from "../../ehr-models/visit-inputs.ts";
import { LABELS, learnedTokenizer, type MadeSample, sourceOf } from "../support/samples.ts";

/** Three visits of 1, 3 and 2 codes; the last is not over, and a late result of the second came during it. */
const history: History = {
  length: 6,
  code: Int32Array.of(7, 3, 5, 9, 4, 8),
  kind: Uint8Array.of(1, 3, 2, 1, 2, 3),
  visit: Int32Array.of(0, 1, 1, 2, 1, 2),
  daysBefore: Float32Array.of(799, 399, 398, 10, 9, 2),
  visitCount: 3,
  visitStart: Float32Array.of(800, 400, 10),
  visitEnd: Float32Array.of(790, 389.5, Number.NaN),
};
const person: MadeSample = { history, label: Uint8Array.of(1), ageYears: 50, sex: 2, race: 3 };
const short: MadeSample = {
  ...person,
  history: {
    ...history,
    length: 1,
    visitCount: 1,
    visitStart: Float32Array.of(Number.NaN),
    visitEnd: Float32Array.of(Number.NaN),
  },
  ageYears: Number.NaN,
};
const empty: MadeSample = { ...person, history: { ...history, length: 0, visitCount: 0 } };
const source = sourceOf([person, short, empty], LABELS.binary);
const tokenizer = learnedTokenizer();
const all = Int32Array.of(0, 1, 2);
const OPTIONS: VisitOptions = {
  maxVisits: 4,
  maxVisitCodes: 8,
  order: "oldest-first",
  fixedVisits: false,
};

t.test(
  "codes are grouped by visit, in time order inside a visit, oldest visit first",
  async (t) => {
    const columns = ["visitCodes", "visitCodesMask", "visitKinds", "visitMask"] as const;
    const { feeds, dims } = visitInputs(source, tokenizer, OPTIONS, columns).collate(all);
    t.match(dims, { B: 3, T: 3, M: 8 });
    const row = (name: string, at: number) => [...(feeds[name] ?? [])].slice(8 * at, 8 * at + 4);
    t.same(row("visitCodes", 0), [9, 0, 0, 0]);
    t.same(row("visitCodes", 1), [5, 7, 6, 0], "the late result is in the visit it belongs to");
    t.same(row("visitCodes", 2), [11, 10, 0, 0]);
    t.same(row("visitKinds", 1), [3, 2, 2, 0]);
    t.same(row("visitCodesMask", 1), [1, 1, 1, 0]);
    t.same(row("visitCodes", 3), [9, 0, 0, 0], "the second sample");
    t.same(row("visitCodesMask", 6), [0, 0, 0, 0], "an empty history");
    t.same([...(feeds["visitMask"] ?? [])], [1, 1, 1, 1, 0, 0, 0, 0, 0]);
    t.same(Object.keys(feeds).sort(), [...columns].sort(), "only what was asked for");
  },
);

t.test(
  "latest first turns visits around and leaves padding last, in every column alike",
  async (t) => {
    const columns = ["visitCodes", "visitMask", "visitDays", "visitsAfter", "membership"] as const;
    const inputs = visitInputs(source, tokenizer, { ...OPTIONS, order: "latest-first" }, columns);
    const { feeds, dims } = inputs.collate(all);
    const codes = [...(feeds["visitCodes"] ?? [])];
    t.same([codes[0], codes[8], codes[16]], [11, 5, 9]);
    t.same([...(feeds["visitDays"] ?? [])].slice(0, 4), [10, 400, 800, 0]);
    t.same([...(feeds["visitsAfter"] ?? [])].slice(0, 4), [0, 1, 2, 0]);
    t.same([...(feeds["visitMask"] ?? [])].slice(3, 6), [1, 0, 0]);
    const T = dims["T"] ?? 0;
    const slots = [...(feeds["membership"] ?? [])].slice(0, 7 * T);
    t.same(slots, [0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
  },
);

t.test(
  "flat codes and their visits: each code belongs to one visit, padding to none",
  async (t) => {
    const inputs = visitInputs(source, tokenizer, OPTIONS, [
      "codes",
      "mask",
      "kinds",
      "membership",
    ]);
    const { feeds, dims } = inputs.collate(all);
    const { L = 0, T = 0 } = dims;
    t.ok(3 * L >= 1024, "few samples are padded to 1,024 positions");
    t.same([...(feeds["codes"] ?? [])].slice(0, 7), [9, 5, 7, 6, 11, 10, 0]);
    t.same([...(feeds["kinds"] ?? [])].slice(0, 7), [1, 3, 2, 2, 1, 3, 0]);
    const membership = Array.from(feeds["membership"] ?? [], Number);
    const visitsOfCode = Array.from({ length: 3 * L }, (_, at) =>
      membership.slice(at * T, (at + 1) * T).reduce((a, b) => a + b, 0),
    );
    t.same(visitsOfCode, Array.from(feeds["mask"] ?? [], Number));
  },
);

t.test("the latest visits and the latest codes of each are kept", async (t) => {
  const columns = ["visitCodes", "codes", "visitsAfter", "visitGap"] as const;
  const options = { ...OPTIONS, maxVisits: 2, maxVisitCodes: 2 };
  const { feeds, dims } = visitInputs(source, tokenizer, options, columns).collate(all);
  t.match(dims, { T: 2, M: 8 });
  const codes = [...(feeds["visitCodes"] ?? [])];
  t.same(
    [codes.slice(0, 3), codes.slice(8, 11)],
    [
      [7, 6, 0],
      [11, 10, 0],
    ],
  );
  t.same([...(feeds["codes"] ?? [])].slice(0, 5), [7, 6, 11, 10, 0]);
  t.same([...(feeds["visitsAfter"] ?? [])].slice(0, 2), [1, 0]);
  t.same([...(feeds["visitGap"] ?? [])].slice(0, 2), [400, 390], "the gap to a visit that was cut");
});

t.test("ages are whole years at the visit's start, 0 where unknown", async (t) => {
  const { feeds } = visitInputs(source, tokenizer, OPTIONS, ["visitAge", "visitDays"]).collate(all);
  // 50 - 800 / 365.25 = 47.8, 50 - 400 / 365.25 = 48.9, 50 - 10 / 365.25 = 49.97.
  t.same([...(feeds["visitAge"] ?? [])].slice(0, 4), [48, 49, 50, 0]);
  t.same([...(feeds["visitDays"] ?? [])].slice(3), [0, 0, 0, 0, 0, 0], "an unknown start is 0");
});

t.test("a fixed number of visits is written into the shapes", async (t) => {
  const options = { ...OPTIONS, fixedVisits: true };
  const inputs = visitInputs(source, tokenizer, options, ["visitMask", "membership"]);
  t.same(inputs.specs["visitMask"]?.shape, ["B", 4]);
  t.same(inputs.specs["membership"]?.shape, ["B", "L", 4]);
  t.equal(inputs.collate(all).feeds["visitMask"]?.length, 12);
});

t.test(
  "a sample's length is its kept codes, or visits times codes where those are padded",
  async (t) => {
    const flat = visitInputs(source, tokenizer, { ...OPTIONS, maxVisitCodes: 2 }, ["codes"]);
    t.same([0, 1, 2].map(flat.lengthOf), [5, 1, 1]);
    const grouped = visitInputs(source, tokenizer, OPTIONS, ["visitCodes"]);
    t.same([0, 1, 2].map(grouped.lengthOf), [9, 1, 1]);
  },
);
