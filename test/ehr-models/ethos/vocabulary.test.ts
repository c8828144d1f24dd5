import t from "tap";
import { Random } from "../../../core/random.ts";
import { piecesOf } from "../../../ehr-models/ethos/code-tokens.ts";
import { HALF_YEAR, INTERVAL_BOUNDS, Intervals } from "../../../ehr-models/ethos/intervals.ts";
import { FACTS, type Standing } from "../../../ehr-models/ethos/standing.ts";
import { eventsOf } from "../../../ehr-models/ethos/timeline.ts";
import { LEADING, type Vocabulary } from "../../../ehr-models/ethos/vocabulary.ts";
import {
  cutWindows,
  type Subject,
  targetsOf,
  windowSource,
} from "../../../ehr-models/ethos/windows.ts";
import {
  historyAt,
  PLANTED_CODES,
  plantedSubjects,
  plantedVocabulary,
  rowOf,
  whole,
  wholeRecord,
} from "../../support/planted-records.ts";

const COURSE = { again: [0.7, 0.7], soon: 0.5, dies: [0.5, 0.5] } as const;
const SUBJECTS = plantedSubjects(60, COURSE, 3);
const TIMELINES = whole(SUBJECTS);

const vocabularyWith = (more: Parameters<typeof plantedVocabulary>[1] = {}) =>
  plantedVocabulary(TIMELINES, more);

const nothingStands = (n: number): Standing => ({
  upTo: new Int32Array(n + 1),
  lastFrom: new Int32Array(n + 1),
  lastTo: new Int32Array(n + 1),
  facts: new Float32Array((n + 1) * FACTS),
});

/** Tokens in words. */
function words(v: Vocabulary, tokens: Iterable<number>): string[] {
  const codeOf = new Map<number, string>();
  for (const [row, list] of v.codeTokens.entries())
    if (list.length === 1) codeOf.set(list[0] as number, PLANTED_CODES.code[row] ?? "");
  return [...tokens].map((token) => {
    if (token === v.end) return "END";
    if (v.intervalOf(token) >= 0) return `gap${v.intervalOf(token)}`;
    if (token >= v.firstGenerated && token < v.firstInterval)
      return `Q${token - v.firstGenerated + 1}`;
    return codeOf.get(token) ?? v.codeNames[token - v.firstCode] ?? `#${token}`;
  });
}

t.test(
  "gaps become intervals, from half a year on repeated, and nothing below five minutes",
  (t) => {
    const v2 = INTERVAL_BOUNDS["v2"] ?? [];
    const intervals = Intervals.fit(v2, []);
    t.equal(INTERVAL_BOUNDS["v1"]?.length, 13);
    t.equal(intervals.count, 19);
    t.equal(intervals.of(4 / 1440), undefined);
    t.same(intervals.of(5.1 / 1440), { interval: 0, times: 1 });
    t.same(intervals.of(3), { interval: 11, times: 1 });
    t.same(intervals.of(HALF_YEAR), { interval: 18, times: 1 });
    t.same(intervals.of(269), { interval: 18, times: 1 });
    t.same(intervals.of(2 * 365), { interval: 18, times: 4 });
    t.equal(
      intervals.draw(11, 0.3),
      3,
      "without training gaps the middle of the interval, not half its width",
    );
    t.end();
  },
);

t.test("drawn durations have the distribution of the training gaps (E8)", (t) => {
  const random = Random.fromSeed(1);
  const gaps = Array.from({ length: 3000 }, () => Math.exp(3 * random.uniform()));
  const intervals = Intervals.fit(INTERVAL_BOUNDS["v2"] ?? [], gaps);
  let sum = 0;
  const drawn: number[] = [];
  for (const gap of gaps) {
    const interval = intervals.of(gap)?.interval ?? 0;
    const days = intervals.draw(interval, random.uniform());
    t.equal(intervals.of(days)?.interval, interval);
    drawn.push(days);
    sum += days - gap;
  }
  t.ok(Math.abs(sum / gaps.length) < 0.05, `mean differs by ${sum / gaps.length} days`);
  const above = (list: number[]) => list.filter((x) => x > 15).length / list.length;
  t.ok(Math.abs(above(drawn) - above(gaps)) < 0.02, "inside an interval too: 12 to 20 days");
  t.end();
});

t.test("of an interval that has begun only the longer gaps are left", (t) => {
  const gaps = [12.5, 13, 14, 16, 18, 19];
  const intervals = Intervals.fit(INTERVAL_BOUNDS["v2"] ?? [], gaps);
  const interval = intervals.of(13)?.interval ?? 0;
  t.equal(intervals.shareLonger(interval, 0), 1);
  t.equal(intervals.shareLonger(interval, 15), 0.5);
  t.equal(intervals.shareLonger(interval, 19), 0);
  for (const u of [0, 0.4, 0.99]) t.ok(intervals.draw(interval, u, 15) > 15);
  t.end();
});

t.test("a record is written in order, with gaps, the stay's decile, and death at the end", (t) => {
  const v = vocabularyWith();
  const dead = SUBJECTS.find(({ isDead, isSoon }) => isDead && isSoon);
  if (dead === undefined) throw new Error("nobody died");
  const events = eventsOf(wholeRecord(dead.record).history, v.roles, Number.NaN);
  const { tokens } = v.encodeWhole(events);
  t.same(words(v, tokens), [
    ...["HOSPITAL_ADMISSION/URGENT", "gap8", "ATC/B01AB01", "gap10"],
    ...["HOSPITAL_DISCHARGE/HOME", "Q1", dead.isIll ? "ICD10CM/I50.9" : "ICD10CM/A00.1"],
    ...["gap11", "HOSPITAL_ADMISSION/URGENT", "gap10", "ATC/C07AB02", "gap11"],
    ...["HOSPITAL_DISCHARGE/DIED", "Q2", "ICD10CM/A00", "MEDS_DEATH"],
  ]);
  const alive = SUBJECTS.find(({ isAgain }) => !isAgain);
  const rest = v.encodeWhole(eventsOf(wholeRecord((alive ?? dead).record).history, v.roles, 0));
  t.equal(words(v, rest.tokens).at(-1), "END");
  t.end();
});

t.test(
  "a history ends where it ends: no end token, and the silence since its last event is kept",
  (t) => {
    const v = vocabularyWith();
    const [one] = SUBJECTS;
    if (one === undefined) throw new Error("nobody");
    const at = (days: number) =>
      v.encodeHistory(
        eventsOf(
          historyAt(
            { ...one.record, events: one.record.events.slice(0, 5) },
            one.firstDischarge + days,
          ),
          v.roles,
          0,
        ),
      );
    t.equal(words(v, at(0).tokens).at(-3), "HOSPITAL_DISCHARGE/HOME");
    t.equal(at(0).elapsed, 0);
    t.ok(Math.abs(at(9).elapsed - 9) < 1e-3);
    t.same(
      words(v, at(400).tokens).slice(-3),
      [one.isIll ? "ICD10CM/I50.9" : "ICD10CM/A00.1", "gap18", "gap18"],
      "half years of silence are written",
    );
    t.equal(at(400).elapsed, 0);
    t.end();
  },
);

t.test(
  "age is two tokens, of the window's start, and unknown ages have a token of their own (E4)",
  (t) => {
    const v = vocabularyWith();
    const named = (days: number) => words(v, v.leading(2, 1, days).subarray(2));
    t.same(named(57.4 * 365.2425), ["Q6", "Q8"]);
    t.same(named(3 * 365.2425 + 1), ["Q1", "Q4"]);
    t.same(named(104 * 365.2425), ["Q10", "Q10"]);
    const [tens, units] = v.leading(0, 0, Number.NaN).subarray(2);
    t.equal(tens, units);
    t.ok((tens ?? 99) < v.firstGenerated, "and cannot be generated");
    t.notSame(v.leading(1, 0, 0), v.leading(2, 0, 0));
    t.end();
  },
);

t.test("codes of too few training subjects are unknown, those of stays never are", (t) => {
  const v = vocabularyWith({ leastSubjects: 1000 });
  t.equal(v.isUnknown[rowOf("ATC/B01AB01")], 1);
  t.equal(v.isUnknown[rowOf("HOSPITAL_DISCHARGE/DIED")], 0);
  t.equal(
    v.codeNames[(v.codeTokens[rowOf("ICD10CM/A00")]?.[0] ?? 0) - v.firstCode],
    "unknown/diagnosis",
  );
  t.equal(vocabularyWith().isUnknown[rowOf("ICD10PCS/02HV33Z")], 1, "nobody has it");
  t.end();
});

t.test("ETHOS's spelling cuts codes into parts", (t) => {
  t.same(piecesOf("ATC/B01AB01"), ["ATC/1/B01", "ATC/2/A", "ATC/3/B01"]);
  t.same(piecesOf("ICD10CM/S72.009A"), ["ICD10CM/1/S72", "ICD10CM/2/009", "ICD10CM/3/A"]);
  t.same(piecesOf("ICD10CM/I10"), ["ICD10CM/1/I10"]);
  t.equal(piecesOf("ICD10PCS/02HV33Z").length, 7);
  t.same(piecesOf("DRUG/some drug"), ["DRUG/some drug"]);
  const v = vocabularyWith({ spelling: "pieces" });
  t.equal(v.codeTokens[rowOf("ICD10CM/A00.1")]?.length, 2);
  t.equal(v.codeTokens[rowOf("ICD10CM/A00.1")]?.[0], v.codeTokens[rowOf("ICD10CM/A00")]?.[0]);
  t.end();
});

t.test(
  "windows end with their subject and predict every token once, the leading ones never (E1, E2, E7)",
  (t) => {
    const v = vocabularyWith();
    const subjects: Subject[] = [23, 7, 1].map((n, s) => ({
      tokens: Int32Array.from({ length: n }, (_, i) => v.firstCode + ((s + i) % 5)),
      ageDays: Float64Array.from({ length: n + 1 }, (_, i) => 10000 + 400 * i),
      standing: nothingStands(n),
      sex: 1,
      race: s,
    }));
    const windows = cutWindows(subjects, 6, Random.fromSeed(4));
    const source = windowSource(windows, v);
    const predicted = subjects.map(({ tokens }) => new Uint8Array(tokens.length));
    for (const [i, window] of windows.entries()) {
      const { feeds, dims } = source.collate(Int32Array.of(i));
      const L = dims["L"] ?? 0;
      const ids = feeds["tokens.ids"] ?? [];
      const { subject, from, length } = window;
      t.same(ids.slice(0, LEADING), v.leading(1, subject.race, subject.ageDays[from] ?? 0));
      t.same(ids.slice(LEADING, LEADING + length), subject.tokens.slice(from, from + length));
      const mine = predicted[subjects.indexOf(subject)];
      let weight = 0;
      for (let p = 0; p < L; p++) {
        if (feeds["weight"]?.[p] !== 1) continue;
        weight += 1;
        const at = from + p - LEADING + 1;
        t.equal(
          feeds["targets"]?.[p],
          subject.tokens[at],
          "the target is the next token of the same subject",
        );
        t.ok(p >= LEADING - 1);
        if (mine !== undefined) mine[at] = (mine[at] ?? 0) + 1;
      }
      t.equal(weight, targetsOf(window));
      t.equal(feeds["positions.ids"]?.[LEADING + length - 1], LEADING + length - 1);
    }
    for (const counts of predicted)
      t.ok(
        counts.every((n) => n === 1),
        `each once: ${counts}`,
      );
    t.end();
  },
);

t.test("long timelines are cut elsewhere in another epoch", (t) => {
  const v = vocabularyWith();
  const tokens = new Int32Array(100).fill(v.firstCode);
  const encoded = { tokens, ageDays: new Float64Array(101), standing: nothingStands(100) };
  const subject = { ...encoded, sex: 0, race: 0 };
  const starts = (seed: number) =>
    cutWindows([subject], 20, Random.fromSeed(seed)).map(({ from }) => from);
  t.notSame(starts(1), starts(2));
  t.same(starts(1), starts(1));
  t.end();
});
