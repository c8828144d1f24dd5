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
import { CodeReader, codeTree } from "../../../ehr-models/ethos/outcome.ts";
import {
  ADMISSION,
  certain,
  DEATH,
  DIES,
  DRUG,
  gap,
  HOME,
  rulesOf,
  TIMELINES,
  token,
  V,
  vocabularyOf,
} from "../../support/planted-futures.ts";
import {
  DIES_NEXT,
  PLANTED_CODES,
  plantedTokenizer,
  plantedVocabulary,
  READMITTED,
  rowOf,
} from "../../support/planted-records.ts";

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
