import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { customTask, parseCustomTask } from "../../tasks/custom.ts";
import { newHypertension } from "../../tasks/new-hypertension.ts";
import type { HandTimelines } from "../support/hand-store.ts";
import { labelsOf } from "../support/labels-of.ts";

const MINIMAL = {
  name: "new-hypertension-by-file",
  description: "At discharge: will hypertension be diagnosed for the first time within a year?",
  outcome: { ICD9CM: ["401"], icd10: ["I10"], snomed: ["59621000"] },
  horizonDays: 365,
};
const read = (changes: object) =>
  parseCustomTask("t.json", JSON.stringify({ ...MINIMAL, ...changes }));
const make = (changes: object) => customTask("t.json", read(changes), ["mimic4"]);

const TIMELINES: HandTimelines = {
  subjects: [{ id: 1 }, { id: 2, birth: "2135-01-01" }, { id: 3, death: "2150-01-05 12:00" }],
  visits: [1, 2, 3].flatMap((subject) => [
    { subject, id: subject * 10, start: "2150-01-01 10:00", end: "2150-01-05 12:00" },
    {
      subject,
      id: subject * 10 + 1,
      start: "2150-06-01 10:00",
      end: "2150-06-05 12:00",
      died: true,
    },
  ]),
  events: [
    { subject: 1, visit: 11, time: "2150-06-05 12:00", code: "ICD10CM/I10", kind: "diagnosis" },
    { subject: 2, visit: 20, time: "2150-01-03 12:00", code: "ICD9CM/401.9", kind: "diagnosis" },
    { subject: 2, visit: 21, time: "2150-06-02 12:00", code: "ICD9CM/401.9", kind: "diagnosis" },
    { subject: 1, visit: 10, time: "2150-01-02 12:00", code: "ATC/C07AB02", kind: "drug" },
    { subject: 1, time: "2150-06-05 12:00", code: "MEDS_DEATH", kind: "other" },
  ],
};

t.test("a definition of a task of the benchmark gives its labels", async (t) => {
  const own = await labelsOf(newHypertension, TIMELINES);
  t.same(await labelsOf(make({}), TIMELINES), own);
  t.same(own, [[10, "2150-01-05 12:00:00", [0]]]);
});

t.test("prediction point, horizon, age, repeats and exclusions are kept to", async (t) => {
  const at = (prediction: object, more = {}) => labelsOf(make({ prediction, ...more }), TIMELINES);
  t.same(await at({ at: "admission" }, { firstOccurrence: false, minimumAge: 0 }), [
    [10, "2150-01-01 10:00:00", [0]],
    [11, "2150-06-01 10:00:00", [0]],
    [20, "2150-01-01 10:00:00", [0]],
    [21, "2150-06-01 10:00:00", [0]],
    [30, "2150-01-01 10:00:00", []],
  ]);
  t.same(await at({ at: "admission", plusHours: 48 }, { horizonDays: 10, minimumAge: 0 }), [
    [10, "2150-01-03 10:00:00", []],
    [11, "2150-06-03 10:00:00", [0]],
    [20, "2150-01-03 10:00:00", [0]],
    [30, "2150-01-03 10:00:00", []],
  ]);
  t.same(await at({ at: "admission", plusHours: 98 }), [], "no longer in hospital");
  t.same(await at({ at: "end-of-admission-day" }), [
    [10, "2150-01-01 23:59:59", [0]],
    [11, "2150-06-01 23:59:59", [0]],
    [30, "2150-01-01 23:59:59", []],
  ]);
  t.same(await at({ at: "end-of-discharge-day" }), [[10, "2150-01-05 23:59:59", [0]]]);
  const noMetoprolol = { exclude: { codes: { atc: ["C07AB"] } } };
  t.same(await at({ at: "discharge" }, noMetoprolol), []);
  t.same((await at({ at: "admission" }, noMetoprolol))[0], [10, "2150-01-01 10:00:00", [0]]);
});

t.test("an event such as death can be the outcome", async (t) => {
  const death = make({ outcome: { event: ["MEDS_DEATH"] }, horizonDays: 200 });
  t.same(await labelsOf(death, TIMELINES), [[10, "2150-01-05 12:00:00", [0]]]);
  t.same(death.outcome?.({}), {
    classes: [["MEDS_DEATH"]],
    until: ["MEDS_DEATH"],
    withinDays: 200,
  });
});

t.test("the hash is that of what the definition says, not of how it is written", (t) => {
  const hash = make({}).definitionHash;
  t.match(hash, /^[0-9a-f]{16}$/);
  t.equal(make({ minimumAge: 18 }).definitionHash, hash, "a default said aloud");
  t.not(make({ minimumAge: 21 }).definitionHash, hash);
  t.end();
});

t.test("says what is wrong, where, and how to mend it", (t) => {
  const fails = (changes: object, what: RegExp, where: string) => {
    try {
      make(changes);
      t.fail(`accepted ${JSON.stringify(changes)}`);
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      t.match(error.message, what);
      t.equal(error.where, where);
      t.not(error.fix, "");
      t.equal(error.exitCode, 2);
    }
  };
  fails({ horizonDays: -1 }, /not a task definition/, "t.json, horizonDays");
  fails({ horizon: 3 }, /horizon/, "t.json");
  fails({ name: "My Task" }, /lower-case/, "t.json, name");
  fails({ outcome: {} }, /at least one vocabulary/, "t.json, outcome");
  fails({ outcome: { icd11: ["BA00"] } }, /"icd11" is no vocabulary/, "t.json, outcome.icd11[0]");
  fails({ outcome: { ICD9CM: ["401", "38"] } }, /"38"/, "t.json, outcome.ICD9CM[1]");
  fails(
    { outcome: { ICD9CM: ["I10"] } },
    /"I10" is not the beginning/,
    "t.json, outcome.ICD9CM[0]",
  );
  fails({ exclude: { codes: { ATC: ["J1"] } } }, /"J1"/, "t.json, exclude.codes.ATC[0]");
  fails({ prediction: { at: "noon" } }, /not a task definition/, "t.json, prediction.at");
  t.throws(() => parseCustomTask("t.json", "{"), /not JSON/);
  t.end();
});
