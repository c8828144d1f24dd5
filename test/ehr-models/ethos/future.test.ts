import t from "tap";
import { Random } from "../../../core/random.ts";
import type { Outcome } from "../../../core/task.ts";
import {
  AGAIN,
  Future,
  type FutureRules,
  keepLargest,
  OVER,
} from "../../../ehr-models/ethos/future.ts";
import { Intervals } from "../../../ehr-models/ethos/intervals.ts";
import { CodeReader, codeTree, singleTokens } from "../../../ehr-models/ethos/outcome.ts";
import { flagsOf, WeightedFuture } from "../../../ehr-models/ethos/weighted-future.ts";
import {
  DIES_NEXT,
  PLANTED_CODES,
  plantedSubjects,
  plantedTokenizer,
  plantedVocabulary,
  READMITTED,
  rowOf,
  whole,
} from "../../support/planted-records.ts";

const COURSE = { again: [0.9, 0.9], soon: 0.5, dies: [0.5, 0.5] } as const;
const TIMELINES = whole(plantedSubjects(60, COURSE, 3));
const vocabularyOf = (spelling: "unit" | "pieces") => plantedVocabulary(TIMELINES, { spelling });
const V = vocabularyOf("unit");

function rulesOf(outcome: Outcome, more: Partial<FutureRules> = {}): FutureRules {
  const vocabulary = more.vocabulary ?? V;
  return {
    vocabulary,
    tree: codeTree(vocabulary, PLANTED_CODES, outcome),
    allClasses: 2 ** outcome.classes.length - 1,
    hasGiven: outcome.given !== undefined,
    withinDays: outcome.withinDays ?? Number.POSITIVE_INFINITY,
    topK: 0,
    newTokens: 20,
    redraws: 2,
    ...more,
  };
}

const token = (code: string) => V.codeTokens[rowOf(code)]?.[0] ?? -1;
const gap = (days: number) => V.firstInterval + (V.intervals.of(days)?.interval ?? 0);
const [ADMISSION, HOME, DIES, DEATH, DRUG] = [
  "HOSPITAL_ADMISSION/URGENT",
  "HOSPITAL_DISCHARGE/HOME",
  "HOSPITAL_DISCHARGE/DIED",
  "MEDS_DEATH",
  "ATC/B01AB01",
].map(token) as [number, number, number, number, number];

/** All probability on one token. */
function certain(which: number, size = V.size): Float32Array {
  return new Float32Array(size).fill(1, which, which + 1);
}

/** Feeds a future tokens until it is over; what it returned. */
function play(rules: FutureRules, tokens: readonly number[], elapsed = 0) {
  const future = new Future(rules, elapsed, Random.fromSeed(1));
  const said = tokens.map((which) => future.next(certain(which, rules.vocabulary.size), 0));
  return { future, said, answer: future.isAnswered ? future.classes : undefined };
}

t.test("the first of outcome and end of the wait decides, after what is given has come", (t) => {
  const rules = rulesOf(DIES_NEXT);
  t.equal(play(rules, [ADMISSION, DRUG, DIES]).answer, 1);
  t.equal(play(rules, [ADMISSION, HOME]).answer, 0);
  t.equal(play(rules, [ADMISSION, HOME, DIES]).answer, 0, "a later death does not count");
  t.equal(play(rules, [HOME, ADMISSION, DIES]).answer, 1, "nothing counts before the admission");
  t.same(play(rules, [ADMISSION, DRUG, DIES, DRUG]).said, [ADMISSION, DRUG, OVER, OVER]);
  t.end();
});

t.test(
  "a future without what is given is drawn again, so many times, and then gives no answer",
  (t) => {
    const rules = rulesOf(DIES_NEXT);
    const { said, answer } = play(rules, [V.end, DRUG, DEATH, V.end, DRUG]);
    t.same(said, [AGAIN, DRUG, AGAIN, OVER, OVER]);
    t.equal(answer, undefined);
    t.equal(play(rules, [V.end, ADMISSION, DIES]).answer, 1, "the second draw counts");
    t.end();
  },
);

t.test("nothing comes after death, and death is no readmission (E5)", (t) => {
  const rules = rulesOf(READMITTED);
  const { said, answer } = play(rules, [gap(2), DEATH, ADMISSION]);
  t.same(said, [gap(2), OVER, OVER]);
  t.equal(answer, 0);
  t.equal(play(rules, [V.end, ADMISSION]).answer, 0, "nor is the end of the record");
  t.end();
});

t.test("the horizon counts from the prediction, in drawn durations (E9)", (t) => {
  const rules = rulesOf(READMITTED);
  t.equal(play(rules, [gap(3), ADMISSION]).answer, 1);
  t.equal(play(rules, [gap(25), ADMISSION]).answer, 0);
  t.equal(play(rules, [gap(3), DRUG, gap(3), DRUG, gap(3), ADMISSION]).answer, 1);
  t.equal(
    play(rules, [gap(25)], 12).answer,
    undefined,
    "25 days after an event 12 days ago: 13 more",
  );
  t.equal(play(rules, [gap(25), ADMISSION], 12).answer, 1);
  t.end();
});

t.test("after silence the first token is an interval that reaches beyond it", (t) => {
  const rules = rulesOf(READMITTED);
  const flat = new Float32Array(V.size).fill(1 / V.size);
  const drawn = new Set<number>();
  for (let seed = 0; seed < 200; seed++)
    drawn.add(new Future(rules, 10, Random.fromSeed(seed)).next(flat, 0));
  for (const which of drawn) {
    if (which < 0) continue; // over: beyond the horizon
    const interval = V.intervalOf(which);
    t.ok(V.intervals.shareLonger(interval, 10) > 0, `interval ${interval}`);
  }
  t.end();
});

t.test("padding, sexes, races and unknown ages are never drawn (E10)", (t) => {
  t.ok(V.firstGenerated > 0);
  const flat = new Float32Array(V.size).fill(1 / V.size);
  const rules = rulesOf(READMITTED);
  for (let seed = 0; seed < 300; seed++) {
    const which = new Future(rules, 0, Random.fromSeed(seed)).next(flat, 0);
    if (which !== OVER && which < V.firstGenerated) t.fail(`token ${which}`);
  }
  t.end();
});

t.test("a future that is cut off undecided gives no answer", (t) => {
  const rules = rulesOf(READMITTED, { newTokens: 3 });
  const { said, answer } = play(rules, [DRUG, DRUG, DRUG, ADMISSION]);
  t.same(said, [DRUG, DRUG, OVER, OVER]);
  t.equal(answer, undefined);
  t.end();
});

t.test(
  "a code of several tokens has happened when all of them came in a row, and no longer code is meant (E13)",
  (t) => {
    const v = vocabularyOf("pieces");
    const outcome: Outcome = {
      classes: [["ICD10CM/A00"], ["ICD10CM/A00.1"], ["ATC/B01AB01"]],
      until: [],
      withinDays: null,
    };
    const tree = codeTree(v, PLANTED_CODES, outcome);
    const codesIn = (tokens: readonly number[]) => {
      const reader = new CodeReader(tree);
      return tokens.flatMap((which) => reader.read(which).map((m) => m.classes));
    };
    const [a, b] = v.codeTokens[rowOf("ICD10CM/A00.1")] ?? [];
    const [x, y, z] = v.codeTokens[rowOf("ATC/B01AB01")] ?? [];
    if (a === undefined || b === undefined || x === undefined || y === undefined || z === undefined)
      throw new Error("codes are not in parts");
    t.same(codesIn([x, y, z]), [4]);
    t.same(codesIn([x, z]), [], "a part is missing");
    t.same(codesIn([x, y]), [], "the beginning alone is no event");
    t.same(codesIn([x, v.firstInterval, y, z]), [], "nothing may come between");
    t.same(codesIn([x, x, y, z]), [4], "a beginning that broke off is forgotten");
    t.same(codesIn([a, b]), [2], "the longer code, and not the shorter too");
    t.same(codesIn([a, v.end]), [1], "the shorter code, once it is clear that it ended");
    t.same(codesIn([a, x, y, z]), [1, 4]);
    t.end();
  },
);

t.test("codes the tokenizer cannot tell apart from others are no event", (t) => {
  const tokenizer = { ...plantedTokenizer(), unit: plantedTokenizer().unit.fill(1, 0, 2) };
  const v = plantedVocabulary(TIMELINES, { tokenizer });
  const outcome: Outcome = { classes: [["ATC/B01AB01"]], until: [], withinDays: 9 };
  const reader = new CodeReader(codeTree(v, PLANTED_CODES, outcome));
  const unknown = v.codeTokens[rowOf("ATC/B01AB01")]?.[0] ?? 0;
  t.same(reader.read(unknown), []);
  t.end();
});

t.test("several classes are followed at once, until death or the horizon", (t) => {
  const outcome: Outcome = {
    classes: [["ATC/B01AB01"], ["ATC/C07AB02"]],
    until: [],
    withinDays: 183,
  };
  const rules = rulesOf(outcome);
  const other = token("ATC/C07AB02");
  t.equal(play(rules, [other, gap(2), DEATH]).answer, 2);
  t.same(play(rules, [other, DRUG, HOME]).said, [other, OVER, OVER], "both have come");
  t.end();
});

t.test("only the likeliest tokens are drawn when that is asked for", (t) => {
  const p = Float32Array.of(0.1, 0.4, 0.2, 0.3);
  t.same(
    [...keepLargest(p, 0, 4, 2)].map((x) => Math.round(10 * x)),
    [0, 4, 0, 3],
  );
  t.same(keepLargest(p, 0, 4, 0), p);
  t.end();
});

t.test(
  "weighing agrees with drawing on a chain whose answer is known, and varies less",
  async (t) => {
    // At every step: drug 0.5, admission 0.2, home 0.15, died 0.1, end 0.05.
    const p = new Float32Array(V.size);
    p[DRUG] = 0.5;
    p[ADMISSION] = 0.2;
    p[HOME] = 0.15;
    p[DIES] = 0.1;
    p[V.end] = 0.05;
    // Given an admission, the outcome is the first of died, home and end: 0.1 / 0.3.
    const truth = 1 / 3;
    const rules = rulesOf(DIES_NEXT, { newTokens: 60, redraws: 50 });
    const singles = singleTokens(rules.tree);
    if (singles === undefined) throw new Error("codes of one token");
    const flags = flagsOf(singles, rules);
    const N = 3000;
    let [positive, answered, mass, weight, squares] = [0, 0, 0, 0, 0];
    for (let i = 0; i < N; i++) {
      const drawn = new Future(rules, 0, Random.fromSeed(i));
      while (drawn.next(p, 0) !== OVER);
      positive += drawn.classes;
      answered += drawn.isAnswered ? 1 : 0;
      const weighed = new WeightedFuture(rules, flags, 0, Random.fromSeed(i));
      while (weighed.next(p, 0) !== OVER);
      mass += weighed.positive;
      weight += weighed.weight;
      squares += (weighed.positive - truth * weighed.weight) ** 2;
    }
    t.equal(answered, N);
    const error = Math.sqrt((truth * (1 - truth)) / N);
    t.ok(Math.abs(positive / N - truth) < 4 * error, `drawn ${positive / N}`);
    t.ok(Math.abs(mass / weight - truth) < 0.01, `weighed ${mass / weight}`);
    const deviation = Math.sqrt(squares / N) / (weight / N);
    t.ok(deviation < 0.5 * Math.sqrt(truth * (1 - truth)), `deviation ${deviation} of one future`);
  },
);

t.test("weighing keeps the horizon", (t) => {
  const rules = rulesOf(READMITTED, { newTokens: 40 });
  const flags = flagsOf(singleTokens(rules.tree) ?? new Map(), rules);
  const first = new Float32Array(V.size);
  first[gap(3)] = 0.3;
  first[gap(25)] = 0.7;
  const then = certain(ADMISSION);
  let [mass, weight] = [0, 0];
  for (let i = 0; i < 2000; i++) {
    const future = new WeightedFuture(rules, flags, 0, Random.fromSeed(i));
    if (future.next(first, 0) !== OVER) while (future.next(then, 0) !== OVER);
    mass += future.positive;
    weight += future.weight;
  }
  t.ok(Math.abs(mass / weight - 0.3) < 0.04, `${mass / weight}`);
  t.end();
});

/** Mean and variance of what N futures of a chain say. */
function answers(N: number, of: (random: Random) => number): { mean: number; variance: number } {
  const said = Array.from({ length: N }, (_, i) => of(Random.fromSeed(i)));
  const mean = said.reduce((sum, x) => sum + x, 0) / N;
  return { mean, variance: said.reduce((sum, x) => sum + (x - mean) ** 2, 0) / N };
}

t.test(
  "an interval in which time is up is weighed by how much of it is, and drawn in time",
  (t) => {
    // Gaps of 2 and of 20 to 60 days; the horizon of 30 days cuts the second.
    const long = Array.from({ length: 41 }, (_, i) => 20 + i);
    const intervals = Intervals.fit(V.intervals.bounds, [...Array(9).fill(2), ...long]);
    const vocabulary = Object.create(V, { intervals: { value: intervals } });
    const rules = rulesOf({ ...READMITTED, withinDays: 30 }, { newTokens: 40, vocabulary });
    const flags = flagsOf(singleTokens(rules.tree) ?? new Map(), rules);
    const p = new Float32Array(V.size);
    const tokens = [2, ...long].map(
      (days) => V.firstInterval + (intervals.of(days)?.interval ?? 0),
    );
    for (const which of tokens) p[which] = (p[which] as number) + 0.6 / tokens.length;
    p[ADMISSION] = 0.3;
    p[V.end] = 0.1;
    const N = 20_000;
    for (const elapsed of [0, 25]) {
      const drawn = answers(N, (random) => {
        const future = new Future(rules, elapsed, random);
        while (future.next(p, 0) !== OVER);
        return future.classes;
      });
      const weighed = answers(N, (random) => {
        const future = new WeightedFuture(rules, flags, elapsed, random);
        while (future.next(p, 0) !== OVER);
        return future.positive;
      });
      const error = Math.sqrt((drawn.variance + weighed.variance) / N);
      t.ok(Math.abs(weighed.mean - drawn.mean) < 4 * error, `${weighed.mean}, ${drawn.mean}`);
      t.ok(weighed.variance < 0.4 * drawn.variance, `${weighed.variance}, ${drawn.variance}`);
    }
    t.end();
  },
);

t.test(
  "how soon somebody comes back is told by one future, where that is all there is to draw",
  (t) => {
    const outcome: Outcome = { ...READMITTED, withinDays: 15 };
    const rules = rulesOf(outcome, { newTokens: 40 });
    const flags = flagsOf(singleTokens(rules.tree) ?? new Map(), rules);
    const first = new Float32Array(V.size);
    first[gap(3)] = 0.3;
    first[gap(25)] = 0.7;
    for (let i = 0; i < 20; i++) {
      const future = new WeightedFuture(rules, flags, 0, Random.fromSeed(i));
      t.not(future.next(first, 0), OVER);
      t.equal(future.next(certain(ADMISSION), 0), OVER);
      t.ok(Math.abs(future.positive - 0.3) < 1e-6 && future.weight === 1, `${future.positive}`);
    }
    t.end();
  },
);
