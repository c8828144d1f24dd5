import t from "tap";
import { Random } from "../../core/random.ts";
import type { History } from "../../core/samples.ts";
import { bagInputs, profileWidth } from "../../ehr-models/bag-inputs.ts";
import {
  type BatchSource,
  PART_BYTES,
  paddedLength,
  sequenceLength,
  shuffledBatches,
  splitBatch,
} from "../../ehr-models/batch-source.ts";
import { sequenceInputs, splitInterval } from "../../ehr-models/inputs.ts";
import { LABELS, learnedTokenizer, type MadeSample, sourceOf } from "../support/samples.ts";

/** Two visits: days 400-390 before the prediction, and 10 days before, not over. */
const history: History = {
  length: 4,
  code: Int32Array.of(7, 3, 3, 9),
  kind: Uint8Array.of(1, 3, 3, 1),
  visit: Int32Array.of(0, 0, 1, 1),
  daysBefore: Float32Array.of(399, 390.5, 10, 2),
  visitCount: 2,
  visitStart: Float32Array.of(400, 10),
  visitEnd: Float32Array.of(389.5, Number.NaN),
};
const person: MadeSample = { history, label: Uint8Array.of(1), ageYears: 50, sex: 2, race: 3 };
const short: MadeSample = {
  ...person,
  history: { ...history, length: 1, visitCount: 1 },
  ageYears: Number.NaN,
  sex: 0,
  race: 0,
};
const source = sourceOf([person, short], LABELS.binary);
const tokenizer = learnedTokenizer();
const both = Int32Array.of(0, 1);

/** Positions of the second sample begin here: two samples are padded to 1,024 positions in all. */
const NEXT = 512;

t.test("codes are units, oldest first, and the rest is padding", async (t) => {
  const inputs = sequenceInputs(source, tokenizer, ["codes", "mask", "visit", "ctype"]);
  const { feeds, dims } = inputs.collate(both);
  t.same(dims, { B: 2, L: NEXT });
  t.same(feeds["codes"]?.slice(0, 6), Int32Array.of(9, 5, 5, 11, 0, 0));
  t.same(feeds["codes"]?.slice(NEXT, NEXT + 3), Int32Array.of(9, 0, 0));
  t.equal(feeds["codes"]?.length, 2 * NEXT);
  t.same(feeds["mask"]?.slice(0, 6), Float32Array.of(1, 1, 1, 1, 0, 0));
  t.same(feeds["mask"]?.slice(NEXT, NEXT + 3), Float32Array.of(1, 0, 0));
  t.same(feeds["visit"]?.slice(0, 5), Int32Array.of(0, 0, 1, 1, 0));
  t.same(feeds["ctype"]?.slice(0, 5), Int32Array.of(1, 3, 3, 1, 0));
  t.same(Object.keys(feeds).sort(), Object.keys(inputs.specs).sort(), "only what was asked for");
});

t.test("many samples are padded to the longest only, few to 1,024 positions (T4)", async (t) => {
  t.equal(sequenceLength(64, 100), 104);
  t.equal(sequenceLength(64, 3), 16);
  t.equal(sequenceLength(1, 3), 1024);
  t.ok(sequenceLength(3, 3) * 3 >= 1024);
});

t.test(
  "order counts visits back from the last, and time counts days back from the prediction",
  async (t) => {
    const { feeds } = sequenceInputs(source, tokenizer, ["visitsBefore", "daysBefore"]).collate(
      both,
    );
    t.same(feeds["visitsBefore"]?.slice(0, 4), Float32Array.of(1, 1, 0, 0));
    t.same(feeds["visitsBefore"]?.[NEXT], 0);
    t.same(feeds["daysBefore"]?.slice(0, 4), Float32Array.of(399, 390.5, 10, 2));
  },
);

t.test("the length of a visit that is not over is blank (T5, H10)", async (t) => {
  const { feeds } = sequenceInputs(source, tokenizer, ["withinYears", "withinCycles"]).collate(
    both,
  );
  t.same(feeds["withinYears"]?.slice(0, 4), Int32Array.of(0, 0, 0, 0));
  const cycles = [...(feeds["withinCycles"] ?? [])].slice(0, 8).map((x) => Math.fround(Number(x)));
  const stay = [Math.fround(10 / 365), 0.5];
  t.same(cycles, [...stay, ...stay, 0, 0, 0, 0]);
});

t.test(
  "the gap before the first visit is the age, before others the time since the last discharge",
  async (t) => {
    const { feeds } = sequenceInputs(source, tokenizer, ["betweenYears", "betweenCycles"]).collate(
      both,
    );
    // 50 · 365 - 400 days = 48 years and 330 days; 389.5 - 10 = 1 year and 14.5 days.
    t.same(feeds["betweenYears"]?.slice(0, 4), Int32Array.of(48, 48, 1, 1));
    t.same(feeds["betweenCycles"]?.slice(4, 6), Float32Array.of(14 / 365, 0.5));
    t.same(feeds["betweenYears"]?.[NEXT], 0, "an unknown age is an unknown gap");
  },
);

t.test("intervals are whole years of 365 days, days and hours, and never negative", async (t) => {
  t.same(splitInterval(-3), { years: 0, day: 0, hour: 0 });
  t.same(splitInterval(Number.NaN), { years: 0, day: 0, hour: 0 });
  t.same(splitInterval(365 * 2 + 73 + 0.25), { years: 2, day: 0.2, hour: 0.25 });
  t.equal(splitInterval(365 * 500).years, 127);
});

t.test("sex, race and age stand beside the codes", async (t) => {
  const { feeds } = sequenceInputs(source, tokenizer, ["sex", "race", "age"]).collate(both);
  t.same(feeds["sex"], Int32Array.of(2, 0));
  t.same(feeds["race"], Int32Array.of(3, 0));
  t.same(feeds["age"], Float32Array.of(-0.5, 1, 0, 0));
});

t.test("utilisation tells of visits, the gap before the last and its length", async (t) => {
  const over = {
    ...history,
    visitStart: Float32Array.of(400, 40, 10),
    visitEnd: Float32Array.of(389, 35, 3),
    visitCount: 3,
  };
  const ended: MadeSample = { ...person, history: over };
  const overlapping: MadeSample = {
    ...person,
    history: { ...over, visitEnd: Float32Array.of(389, 5, 3) },
  };
  const none: MadeSample = { ...person, history: { ...history, length: 0, visitCount: 0 } };
  const samples = sourceOf([person, short, ended, overlapping, none], LABELS.binary);
  const { feeds } = sequenceInputs(samples, tokenizer, ["utilisation"]).collate(
    Int32Array.of(0, 1, 2, 3, 4),
  );
  const rows = feeds["utilisation"] as Float32Array;
  const near = (b: number, wanted: readonly number[], what: string) => {
    for (const [i, x] of wanted.entries())
      t.ok(Math.abs((rows[4 * b + i] as number) - x) < 1e-6, `${what}, number ${i}`);
  };
  near(0, [Math.log(2), 30 / (30 + 379.5), 0, 0], "a last visit that is not over shows no length");
  near(1, [0, 0, Math.log(1 + 10.5), 1], "one visit has none before it");
  near(2, [Math.log(3), 30 / (30 + 25), Math.log(1 + 7), 1], "25 days between, seven days long");
  near(3, [Math.log(3), 1, Math.log(1 + 7), 1], "a visit that began before the other ended");
  near(4, [0, 0, 0, 0], "no visit");
});

t.test(
  "a bag holds each unit once, with 1 in all, the last year and the last visit where it is there",
  async (t) => {
    const { feeds, dims } = bagInputs(source, tokenizer).collate(both);
    t.same(dims, { B: 2, L: 8 });
    t.same(feeds["units"]?.slice(0, 4), Int32Array.of(5, 9, 11, 0));
    const present = [...(feeds["present"] ?? [])];
    t.same(present.slice(0, 4), [1, 1, 1, 0], "all");
    t.same(present.slice(8, 12), [1, 0, 1, 0], "last year");
    t.same(present.slice(16, 20), [1, 0, 1, 0], "last visit");
    t.same(present.slice(24, 26), [1, 0], "the other sample has one code");
  },
);

t.test("a profile holds age, sex, utilisation and race", async (t) => {
  const F = profileWidth(source.raceCount);
  const { feeds } = bagInputs(source, tokenizer).collate(both);
  const profile = feeds["profile"]?.slice(0, F) as Float32Array;
  t.same(profile.slice(0, 3), Float32Array.of(-0.5, 0.25, 0));
  t.same([...profile.slice(3, 13)].indexOf(1), 5, "the sixth ten years");
  t.same(profile.slice(13, 16), Float32Array.of(0, 0, 1));
  t.same(
    profile.slice(16, 20),
    Float32Array.of(Math.log1p(2), Math.log1p(4), Math.log1p(3), Math.log1p(10)),
  );
  t.same(profile.slice(20), Float32Array.of(0, 0, 0, 1));
  t.same(feeds["profile"]?.[F + 2], 1, "an unknown age says so");
});

/** A source of given lengths whose arrays nobody reads. */
function lengths(all: readonly number[]): BatchSource {
  return {
    size: all.length,
    specs: {},
    lengthOf: (sample) => all[sample] ?? 0,
    collate: () => ({ feeds: {}, dims: {} }),
  };
}

t.test(
  "an epoch's batches hold every sample once, of like length, in an order from the seed (T4)",
  async (t) => {
    const random = Random.fromSeed(1).derive("lengths");
    const made = lengths(Array.from({ length: 1000 }, () => 1 + random.below(500)));
    const draw = (epoch: number) => shuffledBatches(made, 32, Random.fromSeed(2).derive(epoch));
    const batches = draw(1);
    const seen = batches.flatMap((batch) => [...batch]).sort((a, b) => a - b);
    t.same(
      seen,
      Array.from({ length: 1000 }, (_, i) => i),
    );
    t.equal(batches.length, 32);
    let padded = 0;
    let real = 0;
    for (const batch of batches) {
      const each = [...batch].map(made.lengthOf);
      padded += Math.max(...each) * batch.length;
      real += each.reduce((a, b) => a + b, 0);
    }
    t.ok(padded < 1.1 * real, `${padded} positions for ${real} codes`);
    t.same(draw(1), batches);
    t.notSame(draw(2), batches);
  },
);

t.test("a batch is cut into parts within the limits", async (t) => {
  const made = lengths([500, 500, 500, 400, 100, 50, 20, 10]);
  const batch = Int32Array.from({ length: 8 }, (_, i) => i);
  const limits = { tokens: 1100, bytesOfSample: () => 0 };
  const parts = splitBatch(batch, made, limits);
  t.same(
    parts.flatMap((part) => [...part]),
    [...batch],
  );
  for (const part of parts)
    t.ok(part.length * paddedLength(made.lengthOf(part[0] as number)) <= 1100);
  const byBytes = splitBatch(batch, made, { tokens: 1e9, bytesOfSample: () => PART_BYTES / 2 });
  t.ok(byBytes.every((part) => part.length <= 2));
  const cached = { tokens: 1e9, bytesOfSample: (length: number) => 8 * length ** 2 };
  const sizes = splitBatch(batch, made, cached).map((part) => part.length);
  t.same(sizes, [2, 2, 4], "two samples of 500 keep 1,000 positions, though 2 MiB hold but one");
  t.equal(splitBatch(batch, made, { ...cached, recurrent: true }).length, 1);
  const many = lengths(new Array<number>(100).fill(500));
  const wide = { tokens: 1e9, bytesOfSample: () => PART_BYTES / 64, recurrent: true };
  const recurrences = splitBatch(Int32Array.from(Array(100).keys()), many, wide);
  t.same(
    recurrences.map((part) => part.length),
    [25, 25, 25, 25],
    "32 at most where 2 MiB hold four, and as even as can be",
  );
  const tight = splitBatch(batch, made, { tokens: 1, bytesOfSample: () => 1e12 });
  t.equal(tight.length, 8, "a single sample is never cut");
});

t.test("the occurrences of a code sum to one, however often it was written", async (t) => {
  const { feeds, dims } = sequenceInputs(source, tokenizer, ["codes", "share"]).collate(both);
  const L = dims["L"] as number;
  for (let b = 0; b < both.length; b++) {
    const units = [...(feeds["codes"] as Int32Array).subarray(b * L, (b + 1) * L)];
    const shares = (feeds["share"] as Float32Array).subarray(b * L, (b + 1) * L);
    for (const unit of new Set(units)) {
      const n = units.filter((u) => u === unit).length;
      const total = shares.reduce((sum, share, i) => (units[i] === unit ? sum + share : sum), 0);
      t.ok(Math.abs(total - (unit === 0 ? 0 : 1)) < 1e-5, `unit ${unit}, ${n} times`);
    }
  }
});
