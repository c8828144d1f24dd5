/** Futures whose outcome is weighed: the same expectation as counting drawn ones, with less noise. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import type { Outcome } from "../../../core/task.ts";
import { Future, OVER } from "../../../ehr-models/ethos/future.ts";
import { Intervals } from "../../../ehr-models/ethos/intervals.ts";
import { singleTokens } from "../../../ehr-models/ethos/outcome.ts";
import { flagsOf, WeightedFuture } from "../../../ehr-models/ethos/weighted-future.ts";
import {
  ADMISSION,
  certain,
  DIES,
  DRUG,
  gap,
  HOME,
  rulesOf,
  V,
} from "../../support/planted-futures.ts";
import { DIES_NEXT, READMITTED } from "../../support/planted-records.ts";

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
