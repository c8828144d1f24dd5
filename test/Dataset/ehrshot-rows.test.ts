/** EHRSHOT's quirks on rows written by hand, and roots that cannot be read. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import type { EventStore } from "../../core/event-store.ts";
import { eventsOf, rowsOf, storeOf } from "./made-up-mimic.ts";

const HEADER = ",patient_id,start,end,code,value,unit,visit_id,omop_table";
const BORN = "1,1950-02-03 23:59:00,,SNOMED/3950001,,,,person";
const STAY = "1,2010-01-01 08:00:00,2010-01-05 12:00:00,Visit/IP,,,7.0,visit_occurrence";

interface Files {
  readonly rows: readonly string[];
  readonly splits?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function original(t: Test, { rows, splits = "train,1\n", labels = {} }: Files): string {
  const root = join(t.testdir({}), "root");
  const files: Record<string, string> = {
    "data/ehrshot.csv": `${[HEADER, ...rows.map((row, i) => `${i},${row}`)].join("\n")}\n`,
    "splits/person_id_map.csv": `split,omop_person_id\n${splits}`,
  };
  for (const [task, text] of Object.entries(labels)) {
    files[`benchmark/${task}/labeled_patients.csv`] = text;
  }
  return write(root, files);
}

function write(root: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

async function open(t: Test, files: Files): Promise<EventStore> {
  const store = await storeOf("ehrshot", original(t, files));
  t.teardown(() => store.close());
  return store;
}

async function refused(t: Test, root: string, what: RegExp, rest: object = {}): Promise<void> {
  const error = await storeOf("ehrshot", root).then(
    (store) => store.close(),
    (e: unknown) => e,
  );
  t.ok(error instanceof BenchError, String(error));
  t.match(error, { message: what, ...rest });
}

t.test("visits: types, no end, no id, an id twice, an end before the start", async (t) => {
  const store = await open(t, {
    rows: [
      BORN,
      STAY,
      "1,2010-01-02 08:00:00,,Visit/OP,,,8.0,visit_occurrence", // nested, without an end
      "1,2010-02-01 08:00:00,2010-02-01 08:00:00,Visit/ER,,,9.0,visit_occurrence", // no length
      "1,2010-03-01 08:00:00,2010-03-02 08:00:00,Visit/ERIP,,,,visit_occurrence",
      "1,2010-04-02 08:00:00,2010-04-01 08:00:00,Visit/IP,,,10.0,visit_occurrence",
      "1,2010-05-01 08:00:00,2010-05-02 08:00:00,Visit/OP,,,7.0,visit_occurrence",
      "1,2010-04-02 09:00:00,,SNOMED/1,,,10.0,condition_occurrence", // of a dropped visit
      "1,2010-01-01 09:00:00,,SNOMED/2,,,7.0,condition_occurrence",
      "1,2010-01-01 09:00:00,,SNOMED/2,,,7.0,condition_occurrence",
      "1,2010-06-01 09:00:00,,SNOMED/3,,,99.0,condition_occurrence", // of no known visit
    ],
  });
  t.same(
    await rowsOf(
      store,
      `SELECT visit_id, visit_type, CAST(start_time AS DATE) = DATE '2010-01-01' AS first, end_time IS NULL AS open
       FROM visits ORDER BY start_time`,
    ),
    [
      { visit_id: 7, visit_type: "inpatient", first: 1, open: 0 },
      { visit_id: 8, visit_type: "outpatient", first: 0, open: 1 },
      { visit_id: 9, visit_type: "emergency", first: 0, open: 0 },
      { visit_id: -1, visit_type: "inpatient", first: 0, open: 0 },
    ],
  );
  t.same(store.info.rows_dropped, [
    { table: "visits", reason: "end before start", rows: 1 },
    { table: "visits", reason: "visit id repeated", rows: 1 },
  ]);
  t.same(
    await rowsOf(
      store,
      "SELECT code, visit_id FROM events WHERE starts_with(code, 'SNOMED') ORDER BY code",
    ),
    [
      { code: "SNOMED/1", visit_id: Number.NaN },
      { code: "SNOMED/2", visit_id: 7 },
      { code: "SNOMED/2", visit_id: 7 },
      { code: "SNOMED/3", visit_id: Number.NaN },
    ],
    "rows stay when their visit does not",
  );
  t.same(await eventsOf(store, "starts_with(code, 'Visit/')"), [
    "2010-01-02 08:00:00 Visit/OP",
    "2010-02-01 08:00:00 Visit/ER",
    "2010-05-01 08:00:00 Visit/OP",
  ]);
  t.same(await eventsOf(store, "starts_with(code, 'HOSPITAL')"), [
    "2010-01-01 08:00:00 HOSPITAL_ADMISSION/IP",
    "2010-01-05 12:00:00 HOSPITAL_DISCHARGE/UNKNOWN",
    "2010-03-01 08:00:00 HOSPITAL_ADMISSION/ERIP",
    "2010-03-02 08:00:00 HOSPITAL_DISCHARGE/UNKNOWN",
  ]);
});

t.test("a death on the day of discharge is in hospital, one on the next day is not", async (t) => {
  for (const [death, died] of [
    ["2010-01-05 23:59:00,,Condition Type/OMOP4822053,,,,death", 1],
    ["2010-01-06 00:10:00,,Death Type/OMOP generated,,,,observation", 0],
    ["2009-12-31 23:59:00,,SNOMED/419620001,,,,condition_occurrence", 0],
  ] as const) {
    const store = await open(t, { rows: [BORN, STAY, `1,${death}`] });
    t.match(await rowsOf(store, "SELECT died FROM visits"), [{ died }], death);
    t.equal((await eventsOf(store, "code = 'MEDS_DEATH'")).length, 1);
    t.equal((await eventsOf(store, "code LIKE '%DIED'")).length, died);
    t.equal(
      (await rowsOf(store, "SELECT 1 AS one FROM codes WHERE code LIKE '%eath%/%'")).length,
      0,
    );
  }
});

t.test("values are numbers or text; units stay; ICU stays need no visit", async (t) => {
  const values = ["62.597999572753906", "POSITIVE", "nan", "1e400", "<5", "", '"a,b"'];
  const store = await open(t, {
    rows: [
      BORN,
      ...values.map((v, i) => `1,2010-01-01 0${i}:00:00,,LOINC/${i},${v},mg/dL,,measurement`),
      "1,2010-01-01 08:00:00,2010-01-01 08:00:00,CARE_SITE/7928450,,,5.0,visit_detail",
      "1,2010-01-02 08:00:00,2010-01-01 08:00:00,CARE_SITE/7928450,,,,visit_detail",
      "1,2010-01-01 08:00:00,,CARE_SITE/1,,,,visit_detail",
    ],
  });
  t.same(
    await rowsOf(
      store,
      "SELECT round(numeric_value, 3) AS number, text_value AS text FROM events WHERE unit = 'mg/dL' ORDER BY code",
    ),
    [
      { number: Math.fround(62.598), text: null },
      ...["POSITIVE", "nan", "1e400", "<5", null, "a,b"].map((text) => ({
        number: Number.NaN,
        text,
      })),
    ],
  );
  t.match(await rowsOf(store, "SELECT unit, visit_id FROM icu_stays"), [{ unit: "7928450" }]);
  t.same(store.info.rows_dropped, [{ table: "icu_stays", reason: "end before start", rows: 1 }]);
  t.same(await eventsOf(store, "starts_with(code, 'CARE')"), ["2010-01-01 08:00:00 CARE_SITE/1"]);
});

t.test("an impossible birth is left out and counted", async (t) => {
  for (const [birth, left] of [
    ["1950-02-03 23:59:00", 0],
    ["1710-02-03 23:59:00", 1],
    ["2011-02-03 23:59:00", 1],
    ["2010-01-01 23:59:00", 0], // born on the day of the stay: dates without a clock stand at 23:59
  ] as const) {
    const store = await open(t, { rows: [BORN.replace("1950-02-03 23:59:00", birth), STAY] });
    t.equal(store.info.rows_dropped.length, left, birth);
    t.equal((await eventsOf(store, "code = 'MEDS_BIRTH'")).length, 1 - left, birth);
  }
});

t.test("labels: classes and truth values, and subjects that the data lack", async (t) => {
  const header = "patient_id,prediction_time,value,label_type\n";
  const store = await open(t, {
    rows: [BORN, STAY],
    labels: {
      guo_los: `${header}1,2010-01-01 23:59:00,True,boolean\n2,2010-01-01 23:59:00,False,boolean\n`,
      chexpert: `${header}1,2010-01-01 23:59:00,8192,categorical\n`,
    },
  });
  t.match(
    await rowsOf(store, "SELECT task, subject_id, value FROM published_labels ORDER BY task"),
    [
      { task: "chexpert", subject_id: 1, value: 8192 },
      { task: "guo_los", subject_id: 1, value: 1 },
    ],
  );
  t.same(store.info.rows_dropped, [
    { table: "published labels", reason: "unknown subject", rows: 1 },
  ]);
  const bad = original(t, {
    rows: [BORN, STAY],
    labels: { guo_los: `${header}1,2010-01-01 23:59:00,perhaps,boolean\n` },
  });
  await refused(t, bad, /"value" is not true, false or a whole number: "perhaps"/, {
    where: /guo_los\/labeled_patients\.csv, row 2/,
  });
});

t.test("splits that do not fit are refused", async (t) => {
  const rows = [BORN, STAY, BORN.replace("1,", "2,")];
  await refused(t, original(t, { rows }), /the splits lack 1 of the subjects/);
  await refused(t, original(t, { rows, splits: "train,1\nholdout,2\n" }), /name "holdout"/);
  await refused(
    t,
    original(t, { rows, splits: "train,1\nval,2\nval,1\n" }),
    /omop_person_id 1 occurs/,
  );
});

t.test("a root with none of the layouts, with two of them, or one folder above", async (t) => {
  const root = original(t, { rows: [BORN, STAY] });
  await refused(t, join(root, ".."), /none of the layouts of ehrshot/, {
    fix: /use --root .*root$/,
  });
  await refused(t, join(root, "data"), /none of the layouts/, {
    fix: /EHRSHOT_ASSETS.*patients\.csv/,
  });
  const both = Object.fromEntries(
    ["patients", "admissions", "diagnoses", "procedures", "prescriptions"].map((f) => [
      `${f}.csv`,
      "x\n",
    ]),
  );
  await refused(t, write(root, both), /original and of medtok lie in the same folder/);
});
