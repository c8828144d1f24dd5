/** Protocol `paper`: what each flaw of cohort and labels does, alone, on timelines written by hand. */
import t from "tap";
import { type Flaw, NO_FLAWS } from "../../core/protocol.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { loadLabels } from "../../harness/labels.ts";
import { flawsOf, labelsUnder } from "../../harness/protocol.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { type HandTimelines, handStore } from "../support/hand-store.ts";
import { readable } from "../support/labels-of.ts";
import { storeOf, twinStore } from "../support/small-run.ts";

const withPaper = tasks.all.filter((task) => task.paper !== undefined);

async function under(task: TaskDefinition, timelines: HandTimelines, ...flaws: Flaw[]) {
  const store = await handStore(timelines);
  const labels = labelsUnder(task, new Set(flaws));
  try {
    return readable(await loadLabels(store, { ...task, labels }, {}));
  } finally {
    store.close();
  }
}

const DAYS: HandTimelines = {
  subjects: [{ id: 1 }, { id: 2, birth: "2140-01-01" }, { id: 3 }],
  visits: [
    { subject: 1, id: 12, start: "2150-01-01 10:00", end: "2150-01-21 10:00" },
    { subject: 1, id: 11, start: "2150-01-22 10:00", end: "2150-01-25 10:00" },
    { subject: 1, id: 13, start: "2150-02-07 09:00", end: "2150-02-08 10:00", died: true },
    { subject: 2, id: 21, start: "2150-01-01 10:00", end: "2150-01-03 10:00" },
    { subject: 3, id: 31, start: "2150-01-01 10:00", end: "2150-01-03 10:00" },
  ],
  icuStays: [12, 11, 13, 31].map((visit) => ({
    subject: Math.floor(visit / 10),
    visit,
    id: visit,
    start: "2150-01-01 12:00",
    end: "2150-01-02 12:00",
  })),
  events: [
    ...[12, 13].flatMap((visit) => [
      {
        subject: 1,
        visit,
        time: "2150-02-08 10:00",
        code: "ICD9CM/410.71",
        kind: "diagnosis" as const,
      },
      {
        subject: 1,
        visit,
        time: "2150-02-08 10:00",
        code: "ICD9Proc/38.93",
        kind: "procedure" as const,
      },
      {
        subject: 1,
        visit,
        time: "2150-02-08 10:00",
        code: "ATC/C07AB02",
        kind: "drug" as const,
        text: "Metoprolol",
      },
    ]),
    { subject: 1, visit: 12, time: "2150-01-21 10:00", code: "ICD9CM/410.72", kind: "diagnosis" },
    {
      subject: 3,
      visit: 31,
      time: "2150-01-03 10:00",
      code: "DRUG/saline",
      kind: "drug",
      text: "Saline",
    },
  ],
};

t.test("readmission: each flaw alone on the same timelines", async (t) => {
  const task = tasks.get("readmission");
  const at = (...flaws: Flaw[]) => under(task, DAYS, ...flaws);
  const ids = async (...flaws: Flaw[]) =>
    (await at(...flaws)).map(([visit, , value]) => [visit, value[0] ?? -1]);
  t.same(await ids(), [
    [12, 0],
    [11, 0],
    [31, -1],
  ]);
  t.same(
    await ids("admission-to-admission"),
    [
      [12, -1],
      [11, 0],
      [31, -1],
    ],
    "21 days, and 15 days 23 hours",
  );
  t.same(await ids("returning-patients-only"), [
    [12, 0],
    [11, 0],
  ]);
  t.same(await ids("first-sample-only"), [
    [12, 0],
    [31, -1],
  ]);
  t.same(await ids("no-exclusions"), [
    [12, 0],
    [11, 0],
    [13, -1],
    [21, -1],
    [31, -1],
  ]);
  t.same(await ids("filtered-visits"), [[12, -1]], "the next visit that is left is 17 days later");
});

t.test("mortality: the next kept visit, and whether there is a death at all", async (t) => {
  const task = tasks.get("mortality");
  const ids = async (...flaws: Flaw[]) =>
    (await under(task, DAYS, ...flaws)).map(([visit, , v]) => [visit, v[0] ?? -1]);
  t.same(await ids(), [
    [12, -1],
    [11, 0],
  ]);
  t.same(await ids("filtered-visits"), [[12, 0]]);
  const dead = { ...DAYS, subjects: [{ id: 1, death: "2150-03-01" }, { id: 2 }, { id: 3 }] };
  const all = await under(task, dead, "ever-died");
  t.same(
    all.map(([visit, , v]) => [visit, v[0] ?? -1]),
    [
      [13, 0],
      [21, -1],
      [31, -1],
    ],
  );
});

t.test("acute myocardial infarction: prevalent cases count, and codes are missing", async (t) => {
  const task = tasks.get("new-acute-mi");
  const ids = async (...flaws: Flaw[]) =>
    (await under(task, DAYS, ...flaws)).map(([visit, , v]) => [visit, v[0] ?? -1]);
  t.same(await ids(), [[31, -1]]);
  t.same(
    await ids("prevalent-cases"),
    [
      [12, -1],
      [11, 0],
      [31, -1],
    ],
    "not new, and only in the very next visit",
  );
  const events = [
    {
      subject: 1,
      visit: 11,
      time: "2150-01-25 10:00",
      code: "ICD9CM/410.72",
      kind: "diagnosis" as const,
    },
    {
      subject: 3,
      visit: 31,
      time: "2150-01-03 10:00",
      code: "ICD10CM/I21.4",
      kind: "diagnosis" as const,
    },
  ];
  const other = { ...DAYS, events };
  const count = async (...flaws: Flaw[]) =>
    (await under(task, other, ...flaws)).map(([v, , p]) => [v, p[0] ?? -1]);
  t.same(await count(), [[12, 0]]);
  t.same(
    await count("partial-code-list"),
    [
      [12, -1],
      [11, -1],
    ],
    "410.72 is not listed, I21.4 is",
  );
});

t.test("phenotype and drugs: order of labels, and cohorts chosen by the label", async (t) => {
  const phenotype = tasks.get("phenotype");
  const ids = async (...flaws: Flaw[]) =>
    (await under(phenotype, DAYS, ...flaws)).map(([visit, , v]) => [visit, v]);
  t.same(
    await ids(),
    [
      [11, []],
      [12, [2]],
      [13, [2]],
      [31, []],
    ].sort(),
  );
  t.same(
    await ids("phenotypes-out-of-order"),
    [
      [11, [2]],
      [12, []],
      [13, [2]],
      [31, []],
    ].sort(),
  );
  t.same(await ids("cohort-by-label"), []);
  const drugrec = tasks.get("drugrec");
  const drugs = async (...flaws: Flaw[]) =>
    (await under(drugrec, DAYS, ...flaws)).map(([visit]) => visit);
  t.same(await drugs(), [12, 13, 31]);
  t.same(await drugs("cohort-by-label"), [12, 13]);
});

t.test("without flaws the labels are the task's own, with each they are sound", async (t) => {
  const store = await twinStore("mimic4", 150, t.testdir());
  t.teardown(() => store.close());
  for (const task of withPaper) {
    const { paper } = task;
    if (paper === undefined) continue;
    t.equal(paper.labels({}, NO_FLAWS), task.labels({}), `${task.name} without flaws`);
    const strict = readable(await loadLabels(store, task, {}));
    for (const flaw of flawsOf(task, "mimic4").filter((name) => paper.flaws.includes(name))) {
      const flaws = new Set([flaw]);
      const labels = await loadLabels(store, { ...task, labels: labelsUnder(task, flaws) }, {});
      const steps = await paper.cohort(store, {}, flaws);
      t.equal(
        steps.at(-1)?.samples,
        labels.size,
        `${task.name} ${flaw}: the flow ends at the samples`,
      );
      if (flaw.endsWith("-in-input"))
        t.same(readable(labels), strict, "what is visible changes no label");
    }
  }
});

const root = demoRoot("mimic-iv-demo-2.2");
t.test(
  "the published contrast: 22 of 175 pairs, admission to admission",
  { skip: root === undefined && "../shared/data is not here" },
  async (t) => {
    const store = await storeOf("mimic4", root ?? "", t.testdir());
    t.teardown(() => store.close());
    const task = tasks.get("readmission");
    const labels = labelsUnder(
      task,
      new Set<Flaw>(["admission-to-admission", "returning-patients-only"]),
    );
    const found = await loadLabels(store, { ...task, labels }, {});
    t.equal(found.size, 175);
    t.equal(
      found.value.reduce((sum, v) => sum + v, 0),
      22,
    );
  },
);
