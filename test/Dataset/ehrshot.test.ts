/** EHRSHOT's three layouts: the fixture against its own files, read a second time in plain loops, and against each other. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import t, { type Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { demoRoot } from "../support/demo-data.ts";
import { rowsOf, storeOf } from "./made-up-mimic.ts";

const fixture = demoRoot("ehrshot-fixture");
const skip = fixture === undefined ? "the EHRSHOT-shaped fixture is not there" : false;
const root = fixture ?? "";

async function open(t: Test, layout: string): Promise<EventStore> {
  const store = await storeOf("ehrshot", join(root, layout), {
    cacheDir: join(t.testdirName, layout),
  });
  t.teardown(() => store.close());
  return store;
}

const readCsv = (path: string) =>
  parse(readFileSync(join(root, path)), { columns: true }) as Record<string, string>[];

/** Events as sorted text, without what only some layouts know. */
async function events(store: EventStore, columns: string, where: string): Promise<string[]> {
  const rows = await rowsOf(
    store,
    `SELECT concat_ws(' | ', subject_id, coalesce(strftime(time, '%Y-%m-%d %H:%M'), 'static'), ${columns}) AS line
     FROM events JOIN codes USING (code) WHERE ${where} ORDER BY line`,
  );
  return rows.map((row) => String(row["line"]));
}

const VALUES =
  "code, kind, coalesce(numeric_value, -1), coalesce(text_value, ''), coalesce(unit, '')";
const labelsOf = (store: EventStore) =>
  rowsOf(
    store,
    `SELECT task, subject_id, strftime(prediction_time, '%Y-%m-%d %H:%M:%S') AS time, value FROM published_labels
     ORDER BY ALL`,
  );

t.test("the original release: every row, split and label", { skip }, async (t) => {
  const store = await open(t, "original");
  const raw = readCsv("original/data/ehrshot.csv");
  const expected: string[] = [];
  const kinds: Readonly<Record<string, string>> = {
    condition_occurrence: "diagnosis",
    procedure_occurrence: "procedure",
    drug_exposure: "drug",
    measurement: "other",
    visit_occurrence: "visit",
    person: "demographic",
  };
  for (const row of raw) {
    const code = row["code"] ?? "";
    if (row["omop_table"] === "death" || row["omop_table"] === "visit_detail") continue;
    if (/^(Visit\/IP|SNOMED\/3950001|Gender\/.|Race\/.)$/.test(code)) continue;
    const time = row["start"]?.slice(0, 16);
    const kind = kinds[row["omop_table"] ?? ""];
    const visit = (row["visit_id"] ?? "").replace(".0", "");
    expected.push(
      [row["patient_id"], time, code, kind, visit, row["value"] || "none", row["unit"]].join(" | "),
    );
  }
  const found = await events(
    store,
    `code, kind, coalesce(CAST(visit_id AS VARCHAR), ''),
     coalesce(CAST(CAST(numeric_value AS DOUBLE) AS VARCHAR), text_value, 'none'), coalesce(unit, '')`,
    "NOT regexp_matches(code, '^(HOSPITAL_|ICU_|MEDS_|Gender|Race)')",
  );
  t.same(found.sort(), expected.sort());

  const stays = await rowsOf(
    store,
    `SELECT concat_ws(' | ', subject_id, visit_id, strftime(start_time, '%Y-%m-%d %H:%M:%S'),
       coalesce(strftime(end_time, '%Y-%m-%d %H:%M:%S'), ''), admission_type) AS line FROM visits`,
  );
  const visits = raw.filter((row) => row["omop_table"] === "visit_occurrence");
  t.same(
    stays.map((row) => row["line"]).sort(),
    visits
      .map((r) =>
        [
          r["patient_id"],
          r["visit_id"]?.slice(0, -2),
          r["start"],
          r["end"],
          r["code"]?.slice(6),
        ].join(" | "),
      )
      .sort(),
  );
  const inIcu = raw.filter((row) => row["omop_table"] === "visit_detail");
  t.equal(store.info.icu_stays, inIcu.length);
  t.match(store.info, { layout: "original", splits: "source", source: "demo", rows_dropped: [] });
});

t.test("canonical splits and published labels, as the files have them", { skip }, async (t) => {
  const summary = JSON.parse(readFileSync(join(root, "summary.json"), "utf8")) as {
    labels: Record<string, Record<string, { labels: number; positive_labels: number }>>;
  };
  const names: Readonly<Record<string, string>> = {
    train: "train",
    val: "tuning",
    test: "held_out",
  };
  const files = readdirSync(join(root, "original/benchmark")).flatMap((task) =>
    readCsv(`original/benchmark/${task}/labeled_patients.csv`).map((row) => ({
      task,
      subject_id: Number(row["patient_id"]),
      time: row["prediction_time"],
      value: row["value"] === "True" ? 1 : 0,
    })),
  );
  const key = (row: Record<string, unknown>) => Object.values(row).join(" ");
  for (const layout of ["original", "meds"]) {
    const store = await open(t, layout);
    t.same(
      (await rowsOf(store, "SELECT subject_id, split FROM splits ORDER BY subject_id")).map(key),
      readCsv("original/splits/person_id_map.csv")
        .map((row) => `${row["omop_person_id"]} ${names[row["split"] ?? ""]}`)
        .sort(),
      layout,
    );
    t.same((await labelsOf(store)).map(key).sort(), files.map(key).sort(), layout);
    const counts = await rowsOf(
      store,
      `SELECT task, split, count(*) AS labels, sum(value) AS positive FROM published_labels JOIN splits USING (subject_id)
       GROUP BY ALL`,
    );
    for (const [task, splits] of Object.entries(summary.labels)) {
      for (const [split, { labels, positive_labels }] of Object.entries(splits)) {
        const row = counts.find((c) => c["task"] === task && c["split"] === names[split]);
        t.match(row, { labels, positive: positive_labels }, `${layout} ${task} ${split}`);
      }
      t.equal(store.info.published_labels?.[task], files.filter((f) => f.task === task).length);
    }
  }
});

t.test("the layouts agree in all that both of them know", { skip }, async (t) => {
  const original = await open(t, "original");
  const meds = await open(t, "meds");
  const medtok = await open(t, "medtok");
  t.equal(meds.info.layout, "meds");
  t.equal(medtok.info.layout, "medtok");

  const ends = "NOT regexp_matches(code, '^(HOSPITAL|ICU)_DISCHARGE')"; // the MEDS release has no ends
  t.same(await events(original, VALUES, ends), await events(meds, VALUES, "true"));
  const people = "SELECT * FROM subjects ORDER BY subject_id";
  t.same(await rowsOf(original, people), await rowsOf(meds, people));
  t.same(await rowsOf(original, people), await rowsOf(medtok, people));

  const tables = "kind <> 'other' AND NOT starts_with(code, 'ICU_')"; // no measurements, no ICU stays
  const withVisits = `${VALUES}, coalesce(visit_id, 0)`;
  t.same(await events(original, withVisits, tables), await events(medtok, withVisits, "true"));
  const stays = "SELECT * FROM visits ORDER BY subject_id, visit_id";
  t.same(await rowsOf(original, stays), await rowsOf(medtok, stays));
  const starts = `SELECT subject_id, visit_type, start_time, admission_type FROM visits ORDER BY ALL`;
  t.same(await rowsOf(original, starts), await rowsOf(meds, starts));
  t.equal(
    (await rowsOf(meds, "SELECT * FROM visits WHERE end_time IS NOT NULL OR visit_id > 0")).length,
    0,
  );
  t.equal(medtok.info.splits, undefined, "without a split file, splits are by a hash of the id");
});
