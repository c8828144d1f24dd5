import t from "tap";
import { MICROS_PER_DAY } from "../../core/time.ts";
import { SampleSet, type SplitSource } from "../../harness/samples.ts";
import {
  everything,
  hideNothing,
  KINDS,
  labelsAtDischarge,
  type PlainData,
  type PlainEvent,
  randomData,
  toTimelines,
} from "../support/random-timelines.ts";

function sampleSet(data: PlainData, history = hideNothing): SampleSet {
  return new SampleSet(labelsAtDischarge(data), toTimelines(data), history);
}

/** Everything a model can read, as plain values. */
function dump(source: SplitSource) {
  return Array.from({ length: source.size }, (_, i) => {
    const h = source.read(i);
    return {
      code: [...h.code],
      kind: [...h.kind],
      visit: [...h.visit],
      daysBefore: [...h.daysBefore],
      visitStart: [...h.visitStart],
      visitEnd: [...h.visitEnd],
      age: source.ageYears[i],
      sex: source.sex[i],
      race: source.race[i],
      label: [...source.label(i)],
      length: source.lengthOf(i),
    };
  });
}

t.test("the cut equals a plain filter of the events", async (t) => {
  const data = randomData(1, 12);
  const set = sampleSet(data, { hideIndexVisit: ["drug"] });
  const drug = KINDS.indexOf("drug");
  const source = set.source("train", everything);
  let position = 0;
  data.visits.forEach((index, v) => {
    if (index.subject % 3 !== 0) return;
    const visible = (data.events[index.subject] ?? []).filter((e: PlainEvent) => {
      const visit = data.visits[e.visit];
      const begun = visit === undefined || visit.start <= index.end;
      return e.time <= index.end && begun && !(e.visit === v && e.kind === drug);
    });
    const history = source.read(position++);
    t.same(
      [...history.code],
      visible.map((e) => e.code),
    );
    t.same(
      [...history.kind],
      visible.map((e) => e.kind),
    );
    const days = visible.map((e) => Math.fround((index.end - e.time) / MICROS_PER_DAY));
    t.same([...history.daysBefore], days);
  });
  t.equal(position, source.size);
});

t.test("the prediction time itself is visible, a microsecond later is not", async (t) => {
  const now = 2 * MICROS_PER_DAY;
  const source = sampleSet({
    visits: [{ id: 1, subject: 0, start: 0, end: now }],
    events: [
      [
        { time: now, code: 1, kind: 1, visit: 0 },
        { time: now + 1, code: 2, kind: 1, visit: 0 },
      ],
    ],
  }).source("train", everything);
  t.same([...source.read(0).code], [1]);
});

t.test("rewriting everything after the prediction time changes no input (TE7, H10)", async (t) => {
  for (const repeats of ["every", "once-per-visit"] as const) {
    const data = randomData(2, 9);
    const before = dump(sampleSet(data).source("train", { maxCodes: 20, repeats }));
    // Only each subject's first visit keeps its label; all later events and visits are rewritten.
    const first = data.visits.filter(
      (v, i) => data.visits.findIndex((w) => w.subject === v.subject) === i,
    );
    const horizon = new Map(first.map((v) => [v.subject, v.end]));
    const rewritten: PlainData = {
      visits: data.visits.map((v) => {
        const now = horizon.get(v.subject) ?? 0;
        return v.start > now
          ? { ...v, start: v.start + 7 * MICROS_PER_DAY, end: v.end + 99 * MICROS_PER_DAY }
          : v;
      }),
      events: data.events.map((list, s) => {
        const now = horizon.get(s) ?? 0;
        const past = list.filter((e) => e.time <= now);
        const future = list.filter((e) => e.time > now);
        return [
          ...past,
          ...future.map((e) => ({ ...e, code: 0, kind: 1, time: e.time + 1, visit: -1 })),
        ];
      }),
    };
    const after = dump(sampleSet(rewritten).source("train", { maxCodes: 20, repeats }));
    const firstSamples = before.map((_, i) => i).filter((i) => i % 4 === 0);
    t.ok(firstSamples.length >= 3);
    for (const i of firstSamples) t.same(after[i], before[i], `sample ${i}, ${repeats}`);
    t.notSame(after, before, "later samples did change, so the test can fail");
  }
});

t.test("an order stamped before its stay began does not betray the stay", async (t) => {
  const day = MICROS_PER_DAY;
  const data: PlainData = {
    visits: [
      { id: 1, subject: 0, start: 0, end: 2 * day },
      { id: 2, subject: 0, start: 3 * day, end: 5 * day },
    ],
    events: [
      [
        { time: 1 * day, code: 1, kind: 1, visit: 0 },
        { time: 1.5 * day, code: 2, kind: 3, visit: 1 },
      ],
    ],
  };
  const source = sampleSet(data).source("train", everything);
  t.same([...source.read(0).code], [1]);
  t.same([...source.read(1).code], [1, 2]);
});

t.test("a stay that is not over at the prediction time has no visible end", async (t) => {
  const day = MICROS_PER_DAY;
  const data: PlainData = {
    visits: [
      { id: 1, subject: 0, start: 0, end: 2 * day },
      { id: 2, subject: 0, start: 1 * day, end: 9 * day },
    ],
    events: [
      [
        { time: 0.5 * day, code: 1, kind: 1, visit: 0 },
        { time: 1.5 * day, code: 2, kind: 3, visit: 1 },
      ],
    ],
  };
  const history = sampleSet(data).source("train", everything).read(0);
  t.same([...history.visitStart], [2, 1]);
  t.same([...history.visitEnd], [0, Number.NaN]);
});

t.test("the most recent codes are kept, and what was cut is counted (H20)", async (t) => {
  const data = randomData(3, 6);
  const set = sampleSet(data);
  const full = set.source("train", everything);
  const cut = set.source("train", { maxCodes: 5, repeats: "every" });
  let samples = 0;
  let codes = 0;
  for (let i = 0; i < full.size; i++) {
    const whole = [...full.read(i).code];
    t.same([...cut.read(i).code], whole.slice(-5));
    t.equal(cut.lengthOf(i), Math.min(5, whole.length));
    if (whole.length > 5) samples++;
    codes += Math.max(0, whole.length - 5);
  }
  t.same(cut.truncation, { samples, codes });
  t.same(full.truncation, { samples: 0, codes: 0 });
  t.ok(codes > 0);
});

t.test("once-per-visit keeps the first occurrence of a code in each visit", async (t) => {
  const data = randomData(4, 6);
  const set = sampleSet(data);
  const every = set.source("train", everything);
  const once = set.source("train", { ...everything, repeats: "once-per-visit" });
  for (let i = 0; i < every.size; i++) {
    const h = every.read(i);
    const whole = Array.from({ length: h.length }, (_, j) => `${h.code[j]} ${h.daysBefore[j]}`);
    const kept = once.read(i);
    const left = Array.from(
      { length: kept.length },
      (_, j) => `${kept.code[j]} ${kept.daysBefore[j]}`,
    );
    t.ok(left.every((item) => whole.includes(item)));
    t.ok(left.length <= whole.length);
  }
});

t.test("demographics come from one vocabulary, made on training subjects (H14)", async (t) => {
  const data = randomData(5, 7);
  const set = sampleSet(data);
  const train = set.source("train", everything);
  const held = set.source("held_out", everything);
  // Training subjects are 0, 3 and 6 with the races WHITE, BLACK and null; held out 2 and 5 with null and ASIAN.
  t.equal(train.raceCount, 3);
  const raceOf = (source: SplitSource) => [...new Set(source.race)].sort();
  t.same(raceOf(train), [0, 1, 2]);
  t.same(raceOf(held), [0], "a race that no training subject has is unknown");
  t.equal(train.sex[0], 1);
  t.equal(held.sex[0], 0);
  t.ok(train.ageYears.every((age) => age > 15 && age <= 90));
});

t.test("a subject's samples all lie in one split, and every sample in some split", async (t) => {
  const data = randomData(6, 10);
  const set = sampleSet(data);
  const parts = (["train", "tuning", "held_out"] as const).map((s) => [...set.samplesOf(s)]);
  t.same(
    parts.flat().sort((a, b) => a - b),
    data.visits.map((_, i) => i),
  );
  const subjects = parts.map((part) => new Set(part.map((i) => data.visits[i]?.subject)));
  for (const subject of data.visits.map((v) => v.subject)) {
    t.equal(subjects.filter((s) => s.has(subject)).length, 1);
  }
});

t.test("training subjects per code are counted over visible histories only", async (t) => {
  const data = randomData(7, 9);
  const set = sampleSet(data);
  const counts = set.trainSubjectsPerCode(12);
  const naive = new Array<number>(12).fill(0);
  for (let s = 0; s < 9; s += 3) {
    const seen = new Set<number>();
    data.visits.forEach((v) => {
      if (v.subject !== s) return;
      for (const e of data.events[s] ?? []) {
        const visit = data.visits[e.visit];
        if (e.time <= v.end && (visit === undefined || visit.start <= v.end)) seen.add(e.code);
      }
    });
    for (const code of seen) naive[code] = (naive[code] ?? 0) + 1;
  }
  t.same([...counts], naive);
});
