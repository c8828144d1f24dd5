import t from "tap";
import type { History } from "../../core/samples.ts";
import { ageRows, sentenceInputs } from "../../ehr-models/sentence-inputs.ts";
import { LABELS, learnedTokenizer, type MadeSample, sourceOf } from "../support/samples.ts";

/** Two visits of 2 and 1 codes, 213 days (seven months) apart; aged 50 years and 7 months at the second. */
const history: History = {
  length: 3,
  code: Int32Array.of(7, 3, 9),
  kind: Uint8Array.of(1, 3, 1),
  visit: Int32Array.of(0, 0, 1),
  daysBefore: Float32Array.of(213, 213, 0),
  visitCount: 2,
  visitStart: Float32Array.of(213.1, 0),
  visitEnd: Float32Array.of(210, Number.NaN),
};
const person: MadeSample = {
  history,
  label: Uint8Array.of(1),
  ageYears: 50.6,
  sex: 2,
  race: 3,
};
const empty: MadeSample = { ...person, history: { ...history, length: 0, visitCount: 0 } };
const unknown: MadeSample = { ...person, ageYears: Number.NaN };
const source = sourceOf([person, empty, unknown], LABELS.binary);
const all = Int32Array.of(0, 1, 2);
const inputsOf = (maxLength: number) =>
  sentenceInputs(source, learnedTokenizer(), { maxLength, monthsPerRow: 1, sums: true });
const columnsOf = (maxLength: number, sample: number, n: number) => {
  const { feeds, dims } = inputsOf(maxLength).collate(all);
  const at = sample * (dims["L"] ?? 0);
  const row = (name: string) => [...(feeds[name] ?? [])].slice(at, at + n);
  return (...names: string[]) => Object.fromEntries(names.map((name) => [name, row(name)]));
};

t.test("a sentence is CLS, then each visit's codes and a SEP", async (t) => {
  const columns = columnsOf(64, 0, 8);
  t.same(columns("codes", "special", "mask", "position", "segment", "tokenAge"), {
    codes: [0, 9, 5, 0, 11, 0, 0, 0],
    special: [1, 0, 0, 2, 0, 2, 0, 0],
    mask: [1, 1, 1, 1, 1, 1, 0, 0],
    position: [0, 0, 0, 0, 1, 1, 0, 0],
    segment: [0, 0, 0, 0, 1, 1, 0, 0],
    tokenAge: [602, 602, 602, 602, 609, 609, 0, 0],
  });
  t.same(inputsOf(64).lengthOf(0), 6);
});

t.test("a cut keeps the latest tokens, and all rows are made after it (B10)", async (t) => {
  // CLS and the latest four: 3 SEP 9 SEP.
  t.same(columnsOf(5, 0, 6)("codes", "special", "position", "segment", "tokenAge"), {
    codes: [0, 5, 0, 11, 0, 0],
    special: [1, 0, 2, 0, 2, 0],
    position: [0, 0, 0, 1, 1, 0],
    segment: [0, 0, 0, 1, 1, 0],
    tokenAge: [602, 602, 602, 609, 609, 0],
  });
});

t.test("a cut that would start with a SEP starts after it, each time the same (B8)", async (t) => {
  // Of CLS and the latest three, SEP 9 SEP, the first SEP ends a visit that is cut.
  const wanted = {
    codes: [0, 11, 0, 0],
    special: [1, 0, 2, 0],
    position: [0, 0, 0, 0],
    tokenAge: [609, 609, 609, 0],
  };
  const inputs = inputsOf(4);
  t.equal(inputs.lengthOf(0), 3);
  for (let epoch = 0; epoch < 2; epoch++) {
    const { feeds } = inputs.collate(Int32Array.of(0));
    const row = (name: string) => [...(feeds[name] ?? [])].slice(0, 4);
    for (const [name, values] of Object.entries(wanted)) t.same(row(name), values, name);
  }
});

t.test("a sample without codes is a CLS of its age now; an unknown age has a row", async (t) => {
  t.same(columnsOf(64, 1, 2)("special", "mask", "tokenAge"), {
    special: [1, 0],
    mask: [1, 0],
    tokenAge: [609, 0],
  });
  t.same(columnsOf(64, 2, 7)("tokenAge"), { tokenAge: [1, 1, 1, 1, 1, 1, 0] });
});

t.test("ages have the paper's 1,322 rows in months, and fewer in longer steps", async (t) => {
  t.equal(ageRows(1), 1322);
  t.equal(ageRows(12), 112);
  const old = { ...person, ageYears: 130 };
  const inputs = sentenceInputs(sourceOf([old], LABELS.binary), learnedTokenizer(), {
    maxLength: 64,
    monthsPerRow: 12,
    sums: false,
  });
  t.equal(inputs.collate(Int32Array.of(0)).feeds["tokenAge"]?.[0], 111);
});

t.test("what is known of the subject comes with the sums, and only then", (t) => {
  const rows = (sums: boolean) => {
    const inputs = sentenceInputs(source, learnedTokenizer(), {
      maxLength: 64,
      monthsPerRow: 12,
      sums,
    });
    const { age, sex, race } = inputs.collate(all).feeds;
    return { age: [...(age ?? [])], sex: [...(sex ?? [])], race: [...(race ?? [])] };
  };
  const years = (Math.fround(person.ageYears) - 60) / 20;
  t.same(rows(true), {
    age: [Math.fround(years), 1, Math.fround(years), 1, 0, 0],
    sex: [person, empty, unknown].map(({ sex }) => sex),
    race: [person, empty, unknown].map(({ race }) => race),
  });
  t.same(rows(false), { age: [], sex: [], race: [] });
  t.end();
});
