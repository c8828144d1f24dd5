import t from "tap";
import { MICROS_PER_DAY, parseInstant } from "../../core/time.ts";
import { chooseTask } from "../../harness/choose-task.ts";
import { loadLabels } from "../../harness/labels.ts";
import { comparePublished, countPublished } from "../../harness/published-labels.ts";
import { ehrshotLabels } from "../../tasks/ehrshot-rules.ts";
import { isPublished } from "../../tasks/published.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf } from "../support/small-run.ts";

const stay = (start: string, end: string) => ({
  start: parseInstant(start),
  end: parseInstant(end),
});
const at = (time: string) => parseInstant(time);
const rules = (changes: object) =>
  ehrshotLabels({
    stays: [],
    icuStarts: [],
    diagnoses: [[], [], [], [], [], []],
    lastEvent: at("2160-01-01 00:00:00"),
    ...changes,
  });
const show = (labels: readonly { time: number; value: boolean }[] = []) =>
  labels.map(({ time, value }) => [new Date(time / 1000).toISOString().slice(0, 16), value]);

t.test("long stays: asked at 23:59 of the day of admission, not of stays that end on it", (t) => {
  const stays = [
    stay("2150-01-01 10:00:00", "2150-01-01 23:00:00"),
    stay("2150-02-01 10:00:00", "2150-02-08 10:00:00"),
    stay("2150-03-01 10:00:00", "2150-03-08 09:59:00"),
  ];
  t.same(show(rules({ stays })["guo_los"]), [
    ["2150-02-01T23:59", true],
    ["2150-03-01T23:59", false],
  ]);
  t.end();
});

t.test("readmission: the oddity of the same day, the horizon, and the record's end", (t) => {
  const readmission = (stays: object[], lastEvent: string) =>
    show(rules({ stays, lastEvent: at(lastEvent) })["guo_readmission"]);
  const sameDay = [
    stay("2150-01-01 08:00:00", "2150-01-03 09:00:00"),
    stay("2150-01-03 15:00:00", "2150-01-05 09:00:00"),
  ];
  t.same(
    readmission(sameDay, "2150-03-01 00:00:00"),
    [
      ["2150-01-03T23:59", false],
      ["2150-01-05T23:59", false],
    ],
    "invisible to the label",
  );
  const nested = [
    stay("2150-01-01 08:00:00", "2150-01-09 09:00:00"),
    stay("2150-01-01 09:00:00", "2150-01-01 18:00:00"),
  ];
  t.same(
    readmission(nested, "2150-03-01 00:00:00"),
    [["2150-01-09T23:59", false]],
    "an earlier stay began that day",
  );
  const late = [
    stay("2150-01-01 08:00:00", "2150-01-03 09:00:00"),
    stay("2150-02-02 23:59:59", "2150-02-05 09:00:00"),
  ];
  t.same(
    readmission(late, "2150-03-01 00:00:00"),
    [["2150-01-03T23:59", true]],
    "30 days, and the second has no 30 days of record",
  );
  t.same(readmission(late.slice(0, 1), "2150-02-02 23:59:58"), []);
  t.end();
});

t.test("icu and new diagnoses", (t) => {
  const stays = [
    stay("2150-01-01 10:00:00", "2150-01-05 12:00:00"),
    stay("2150-02-01 10:00:00", "2150-02-05 12:00:00"),
  ];
  const icuStarts = [at("2150-01-03 00:00:00"), at("2150-02-01 12:00:00")];
  t.same(show(rules({ stays, icuStarts })["guo_icu"]), [["2150-01-01T23:59", true]]);
  const first = at("2150-02-06 23:59:59");
  const diagnoses = [
    [first, first + 2 * MICROS_PER_DAY],
    [at("2150-01-05 23:00:00")],
    [at("2150-01-06 12:00:00")],
    [],
    [],
    [],
  ];
  const labels = rules({ stays, diagnoses });
  t.same(show(labels["new_hypertension"]), [
    ["2150-01-05T23:59", true],
    ["2150-02-05T23:59", true],
  ]);
  t.same(show(labels["new_hyperlipidemia"]), [], "known by then");
  t.same(
    show(labels["new_pancan"]),
    [["2150-01-05T23:59", false]],
    "less than a day is passed over",
  );
  t.end();
});

const fixture = demoRoot("ehrshot-fixture/original");
const skip = fixture === undefined && "../shared/data/ehrshot-fixture is not here";

t.test("our computation gives the fixture's label files row for row", { skip }, async (t) => {
  const store = await storeOf("ehrshot", fixture ?? "", t.testdir());
  t.teardown(() => store.close());
  const compared = await comparePublished(store);
  t.equal(compared.length, 9);
  for (const row of compared) {
    const { task, published, equal, only_computed } = row;
    t.same([equal, only_computed], [published, 0], task);
  }
  const los = (await countPublished(store)).find((row) => row.task === "guo_los");
  t.same(
    los?.splits.map((s) => s.found),
    [
      [24, 16, 75, 25],
      [40, 19, 92, 29],
      [36, 20, 95, 38],
    ],
  );
  const { task } = await chooseTask({ task: "published-guo_los", "task-option": [] });
  t.ok((await loadLabels(store, task, {})).size > 250);
});

t.test(
  "all layouts give the same published labels; one without ends of stays says so",
  { skip },
  async (t) => {
    const counts: unknown[] = [];
    for (const layout of ["original", "meds"]) {
      const store = await storeOf(
        "ehrshot",
        demoRoot(`ehrshot-fixture/${layout}`) ?? "",
        t.testdir(),
      );
      t.teardown(() => store.close());
      counts.push(await countPublished(store));
      if (layout === "meds") await t.rejects(comparePublished(store), /no ends of hospital stays/);
    }
    t.same(counts[0], counts[1]);
  },
);

t.test("a source without labels is refused, and so is a name that is none", async (t) => {
  t.equal(isPublished("guo_los"), true);
  await t.rejects(chooseTask({ task: "published-nothing", "task-option": [] }), /unknown task/);
});
