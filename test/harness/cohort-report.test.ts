import t from "tap";
import { maskCount, showCount } from "../../core/privacy.ts";
import { cohortPage } from "../../harness/cohort-page.ts";
import { cohortReport, maskReport } from "../../harness/cohort-report.ts";
import { cohortText } from "../../harness/cohort-text.ts";
import { tasks } from "../../tasks/index.ts";
import { type HandTimelines, handStore } from "../support/hand-store.ts";
import { twinStore } from "../support/small-run.ts";

const TIMELINES: HandTimelines = {
  subjects: [
    { id: 1, birth: "2100-06-01" },
    { id: 2, birth: "2055-01-01", split: "held_out" },
    { id: 3, birth: "2140-01-01" },
  ],
  visits: [
    { subject: 1, id: 11, start: "2150-01-01 10:00", end: "2150-01-05 10:00" },
    { subject: 1, id: 12, start: "2150-01-10 10:00", end: "2150-01-15 10:00", died: true },
    { subject: 2, id: 21, start: "2150-01-01 10:00", end: "2150-01-05 10:00" },
    { subject: 3, id: 31, start: "2150-01-01 10:00", end: "2150-01-05 10:00" },
  ],
  events: Array.from({ length: 12 }, (_, i) => ({
    subject: 1,
    visit: 11,
    time: "2150-01-02 10:00",
    code: `ICD10CM/A0${i % 10}`,
    kind: "diagnosis" as const,
  })),
};

t.test("counts the way from all subjects to the samples, and who they are", async (t) => {
  const store = await handStore(TIMELINES);
  t.teardown(() => store.close());
  const report = await cohortReport(store, tasks.get("readmission"), { windowDays: 15 });
  t.same([report.subjects, report.visits], [3, 4]);
  t.same(
    report.flow.map((s) => [s.step, s.samples, s.excluded]),
    [
      ["all visits", 4, 0],
      ["inpatient visits", 4, 0],
      ["discharge after admission", 4, 0],
      ["aged 18 or over at admission", 3, 1],
      ["discharged alive", 2, 1],
    ],
  );
  t.same(
    report.splits.map((s) => [
      s.split,
      s.subjects,
      s.samples,
      s.classes[0]?.positives,
      s.classes[0]?.prevalence,
    ]),
    [
      ["train", 1, 1, 1, 1],
      ["tuning", 0, 0, 0, null],
      ["held_out", 1, 1, 0, 0],
    ],
  );
  t.same(report.splits[0]?.history, { median: 12, p10: 12, p90: 12 });
  const filled = (bins: typeof report.age) =>
    bins.filter((b) => b.samples !== 0).map((b) => [b.bin, b.samples]);
  t.same(filled(report.history_length), [
    ["0", 1],
    ["10 to 19", 1],
  ]);
  t.same(filled(report.age), [
    ["40 to 49", 1],
    ["90 or more", 1],
  ]);
  t.same(filled(report.sex), [["unknown", 2]]);
  t.match(cohortText(report), /discharged alive +2 +1/);
});

/** Every number of people that a report tells. */
function told(report: ReturnType<typeof maskReport>): number[] {
  const cells = [
    ...[report.subjects, report.visits],
    ...report.flow.map((s) => s.samples),
    ...report.splits.flatMap((s) => [s.subjects, s.samples, ...s.classes.map((c) => c.positives)]),
    ...[report.history_length, report.age, report.sex].flatMap((bins) =>
      bins.map((b) => b.samples),
    ),
  ];
  return cells.filter((cell) => typeof cell === "number");
}

t.test("of a real source no count below 10 is told, nor does one follow", async (t) => {
  const store = await twinStore("mimic4", 150, t.testdir());
  t.teardown(() => store.close());
  for (const name of ["mortality", "los", "phenotype"]) {
    const task = tasks.get(name);
    const open = await cohortReport(store, task, {});
    t.same(maskReport(open, false), open, "made-up subjects are not masked");
    t.ok(
      told(open).some((n) => n < 10),
      `${name}: there is something to mask`,
    );
    const masked = maskReport({ ...open, source: "real" }, task.labelSpec.kind === "multiclass");
    t.same(
      told(masked).filter((n) => n < 10),
      [],
      name,
    );
    t.ok(told(masked).length > 3, "and not all is masked");
    const left = masked.flow.map((s) => s.excluded).filter((n) => typeof n === "number");
    t.same(
      left.filter((n) => n > 0 && n < 10),
      [],
      "nor who was left out",
    );
    const total = masked.flow.at(-1)?.samples;
    for (const bins of [masked.age, masked.sex, masked.history_length]) {
      const cells = bins.map((b) => b.samples);
      const shown = cells.reduce<number>((sum, n) => sum + (typeof n === "number" ? n : 0), 0);
      const hidden = cells.filter((n) => n === "masked").length;
      if (typeof total === "number" && hidden > 0)
        t.ok(total - shown >= 10, "the hidden bins sum to 10 or more");
    }
    t.match(cohortPage(masked), /Counts below 10/);
  }
});

t.test("the page needs nothing from outside and escapes what it shows", async (t) => {
  const store = await handStore(TIMELINES);
  t.teardown(() => store.close());
  const report = await cohortReport(store, tasks.get("readmission"), {});
  const page = cohortPage({ ...report, question: `<script>alert("&")</script>` });
  t.notMatch(page, /<script|<link|<img|https?:|url\((?!#)|@import/);
  t.match(page, /&lt;script&gt;alert\(&quot;&amp;&quot;\)/);
  t.match(page, /<svg[^>]*aria-label="Flow/);
  t.match(page, /left out: 1/);
  t.match(page, /<svg[^>]*aria-label="sex: \w+: \d/, "what bars show is told in words");
  t.match(page, /<caption>[\s\S]*<th scope="col">[\s\S]*<th scope="row">train</);
  t.match(page, /says nothing about real patients/);
});

t.test("one rule for small counts: below 10, nobody included", (t) => {
  t.same(
    [0, 9, 10].map((n) => maskCount(n, "real")),
    [null, null, 10],
  );
  t.same(
    [0, 9, 10].map((n) => maskCount(n, "demo")),
    [0, 9, 10],
  );
  t.equal(showCount(null), "<10");
  t.end();
});
