/** MEDS datasets written by hand: pairing, ids, types, splits, mappings. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { type Line, open, refused, rootOf, rows } from "./made-up-meds.ts";
import { eventsOf, rowsOf, storeOf } from "./made-up-mimic.ts";

const STAY: readonly Line[] = [
  [1, null, "GENDER//F"],
  [1, "1950-01-01", "MEDS_BIRTH"],
  [1, "2010-01-01 08:00:00", "HOSPITAL_ADMISSION//URGENT//X"],
  [1, "2010-01-05 12:00:00", "HOSPITAL_DISCHARGE//DIED"],
  [1, "2010-01-05 12:00:00", "DIAGNOSIS//ICD//9//E8788"],
  [1, "2010-01-05 12:00:01", "LAB//1"],
  [1, null, "BLOOD//A"],
  [1, "2010-02-01 08:00:00", "HOSPITAL_ADMISSION//ELECTIVE//X"],
  [1, "2010-02-03 08:00:00", "HOSPITAL_ADMISSION//ELECTIVE//X"], // a transfer at the same moment as a discharge
  [1, "2010-02-03 08:00:00", "HOSPITAL_DISCHARGE//HOME"],
  [1, "2010-02-04 08:00:00", "HOSPITAL_DISCHARGE//HOME"],
  [1, "2010-02-05 08:00:00", "HOSPITAL_DISCHARGE//HOME"], // of nothing
  [1, "2010-03-01 08:00:00", "HOSPITAL_ADMISSION//UNK//X"], // without an end
  [1, "2010-04-01 08:00:00", "LAB//1"],
];

t.test(
  "without ids, visits are paired by time, and rows belong to the one that is open",
  async (t) => {
    const store = await open(t, "meds", await rootOf(t, { "data/x/deep/0": rows(STAY) }));
    t.same(
      await rowsOf(
        store,
        `SELECT strftime(start_time, '%m-%d %H') AS start, coalesce(strftime(end_time, '%m-%d %H'), '') AS "end", died,
         admission_type AS type, visit_id < 0 AS made FROM visits ORDER BY start_time`,
      ),
      [
        { start: "01-01 08", end: "01-05 12", died: 1, type: "URGENT", made: 1 },
        { start: "02-01 08", end: "02-03 08", died: 0, type: "ELECTIVE", made: 1 },
        { start: "02-03 08", end: "02-04 08", died: 0, type: "ELECTIVE", made: 1 },
        { start: "03-01 08", end: "", died: 0, type: null, made: 1 },
      ],
    );
    t.same(store.info.rows_dropped, [{ table: "visits", reason: "end without a start", rows: 1 }]);
    t.same(await eventsOf(store, "visit_id IS NOT NULL AND NOT starts_with(code, 'HOSPITAL')"), [
      "2010-01-05 12:00:00 ICD9CM/E878.8",
    ]);
    t.same(await eventsOf(store, "time IS NULL"), ["static Gender/F", "static BLOOD//A"]);
    t.equal(store.info.dataset_version, "unknown");
  },
);

t.test("with ids, they decide; an id of two subjects is replaced", async (t) => {
  const lines: readonly Line[] = [
    [1, "2010-01-01 08:00:00", "HOSPITAL_ADMISSION//A//X", 5],
    [1, "2010-01-02 08:00:00", "HOSPITAL_ADMISSION//B//X", 5], // the second start of the same visit
    [1, "2010-01-05 08:00:00", "HOSPITAL_DISCHARGE//HOME", 5],
    [1, "2010-01-03 08:00:00", "LAB//1"], // in its time, without its id
    [1, "2010-01-09 08:00:00", "LAB//2", 5],
    [1, "2010-01-09 08:00:00", "LAB//3", 77], // of no known visit
    [1, "2010-02-05 08:00:00", "HOSPITAL_ADMISSION//C//X", 6],
    [1, "2010-02-01 08:00:00", "HOSPITAL_DISCHARGE//HOME", 6], // negative
    [2, "2010-01-01 08:00:00", "HOSPITAL_ADMISSION//A//X", 9],
    [3, "2010-01-01 08:00:00", "HOSPITAL_ADMISSION//A//X", 9],
  ];
  const store = await open(t, "meds", await rootOf(t, { "data/0": rows(lines, "hadm_id") }));
  t.same(
    await rowsOf(
      store,
      "SELECT subject_id, visit_id, admission_type FROM visits ORDER BY subject_id",
    ),
    [
      { subject_id: 1, visit_id: 5, admission_type: "A" },
      { subject_id: 2, visit_id: -3, admission_type: "A" },
      { subject_id: 3, visit_id: -4, admission_type: "A" },
    ],
  );
  t.same(store.info.rows_dropped, [
    { table: "visits", reason: "end before start", rows: 1 },
    { table: "repeated_ends", reason: "repeated start or end of a visit", rows: 1 },
  ]);
  t.same(
    await rowsOf(store, "SELECT code, visit_id FROM events WHERE code LIKE 'LAB%' ORDER BY code"),
    [
      { code: "LAB//1", visit_id: Number.NaN },
      { code: "LAB//2", visit_id: 5 },
      { code: "LAB//3", visit_id: Number.NaN },
    ],
  );
});

t.test("columns of another type are refused, not guessed", async (t) => {
  const from = `FROM (${rows(STAY)})`;
  for (const [select, column, type] of [
    [`SELECT * REPLACE (epoch_us(time) AS time) ${from}`, "time", "BIGINT"],
    [`SELECT * REPLACE (CAST(time AS VARCHAR) AS time) ${from}`, "time", "VARCHAR"],
    [
      `SELECT * REPLACE (CAST(time AS TIMESTAMPTZ) AS time) ${from}`,
      "time",
      "TIMESTAMP WITH TIME ZONE",
    ],
    [`SELECT * REPLACE (CAST(subject_id AS DOUBLE) AS subject_id) ${from}`, "subject_id", "DOUBLE"],
    [`SELECT * REPLACE (1 AS code) ${from}`, "code", "INTEGER"],
    [`SELECT *, 'x' AS hadm_id ${from}`, "hadm_id", "VARCHAR"],
    [`SELECT *, 'x' AS numeric_value ${from}`, "numeric_value", "VARCHAR"],
  ] as const) {
    await refused(
      t,
      await rootOf(t, { "data/0": select }),
      new RegExp(`"${column}" is ${type}, not`),
    );
  }
  const without = await rootOf(t, { "data/0": `SELECT subject_id, time ${from}` });
  await refused(t, without, /column "code" not found/, { fix: /the file has subject_id, time/ });
  const holes = `SELECT * REPLACE (nullif(code, 'MEDS_BIRTH') AS code) ${from}`;
  await refused(t, await rootOf(t, { "data/0": holes }), /"code" is empty in some row/);
  const half = `SELECT *, 7.5 :: DOUBLE AS hadm_id ${from}`;
  await refused(t, await rootOf(t, { "data/0": half }), /"hadm_id" is not a whole number/);
});

t.test("ids as floats with gaps, and a missing numeric column, are read", async (t) => {
  const select = `SELECT *, CASE WHEN code LIKE 'HOSPITAL%' THEN 7 :: DOUBLE ELSE 'nan' :: DOUBLE END AS hadm_id
    FROM (${rows(STAY.slice(0, 6))})`;
  const store = await open(t, "meds", await rootOf(t, { "data/0": select }));
  t.same(await rowsOf(store, "SELECT visit_id FROM visits"), [{ visit_id: 7 }]);
});

t.test("splits of other names need the mapping to say what they are", async (t) => {
  const files = {
    "data/0": rows(STAY),
    "metadata/subject_splits": "SELECT CAST(1 AS BIGINT) AS subject_id, 'dev' AS split",
  };
  const root = await rootOf(t, files);
  await refused(t, root, /the splits name "dev"/);
  const mapping = join(root, "..", "mapping.json");
  writeFileSync(mapping, JSON.stringify({ visits: [], splits: { dev: "tuning" } }));
  const store = await open(t, "meds", root, { mapping });
  t.same(await rowsOf(store, "SELECT split FROM splits"), [{ split: "tuning" }]);
  t.equal(store.info.visits, 0, "and without rules there are no visits");
});

t.test("a mapping of one's own: outpatient visits, names, kinds", async (t) => {
  const root = await rootOf(t, {
    "data/0": rows([
      [1, "2010-01-01 08:00:00", "ENC//OUT//START"],
      [1, "2010-01-01 08:30:00", "LAB//RESULT//GLUCOSE"],
      [1, "2010-01-01 09:00:00", "ENC//OUT//END"],
      [1, "2010-01-01 08:10:00", "RX:Atorvastatin"],
      [1, "2010-01-01 08:10:00", "ETHNIC//W"],
      [2, "2010-01-01 08:00:00", "ENC//OUT//START"],
      [2, "2010-01-01 08:00:00", "ETHNIC//B"],
      [2, "2010-01-01 09:00:00", "ENC//OUT//END"],
      [2, "2012-01-01 08:00:00", "ETHNIC//W"],
      [3, null, "ETHNIC//A"],
    ]),
  });
  const mapping = join(root, "..", "mapping.json");
  const content = {
    visits: [{ type: "outpatient", start: ["ENC//OUT//START"], end: ["ENC//OUT//END"] }],
    race: ["ETHNIC//*"],
    rename: { "LAB//RESULT//": "LOINC/" },
    drug_names: ["RX:*"],
    kinds: { procedure: ["LAB//*"] },
  };
  writeFileSync(mapping, JSON.stringify(content));
  const store = await open(t, "meds", root, { mapping });
  // The first subject's race was not known at 8 o'clock.
  t.same(await rowsOf(store, "SELECT race FROM subjects ORDER BY subject_id"), [
    { race: null },
    { race: "B" },
    { race: "A" },
  ]);
  t.same(await eventsOf(store, "subject_id > 1"), [
    "static Race/B",
    "2010-01-01 08:00:00 ENC//OUT//START",
    "2010-01-01 08:00:00 ETHNIC//B",
    "2010-01-01 09:00:00 ENC//OUT//END",
    "2012-01-01 08:00:00 ETHNIC//W",
    "static Race/A",
  ]);
  t.same(await eventsOf(store, "subject_id = 1"), [
    "2010-01-01 08:00:00 ENC//OUT//START",
    "2010-01-01 08:10:00 ATC/C10AA05",
    "2010-01-01 08:10:00 ETHNIC//W",
    "2010-01-01 08:30:00 LOINC/GLUCOSE",
    "2010-01-01 09:00:00 ENC//OUT//END",
  ]);
  t.same(
    await rowsOf(
      store,
      "SELECT visit_type, count(e.code) AS n FROM visits JOIN events e USING (visit_id) WHERE visits.subject_id = 1 GROUP BY 1",
    ),
    [{ visit_type: "outpatient", n: 5 }],
  );
  t.same(await rowsOf(store, "SELECT kind FROM codes WHERE code LIKE 'LOINC%'"), [
    { kind: "procedure" },
  ]);
});

t.test("mappings that cannot be used", async (t) => {
  const root = await rootOf(t, { "data/0": rows(STAY) });
  const mapping = join(root, "..", "mapping.json");
  for (const [text, what, where] of [
    ["{", /cannot be read as JSON/, /mapping\.json$/],
    ["{}", /mapping of codes is wrong/, /mapping\.json, visits/],
    ['{"visits": [], "visit": []}', /Unrecognized key/, /top level/],
    [
      '{"visits": [{"type": "inpatient", "start": ["A*B"]}]}',
      /beginning of one/,
      /visits\.0\.start\.0/,
    ],
    ['{"visits": [], "icd": {"X": "ICD11"}}', /Invalid option/, /icd\.X/],
  ] as const) {
    mkdirSync(dirname(mapping), { recursive: true });
    writeFileSync(mapping, text);
    await refused(t, root, what, { where, exitCode: 2 }, { mapping });
  }
  const error = await storeOf("mimic4", root, { mapping }).catch((e: unknown) => e);
  t.match(error, { message: /mimic4 takes no mapping/, exitCode: 2 });
});

t.test("the release's own name, and a root that is none", async (t) => {
  const root = await rootOf(t, { "data/0": rows(STAY) });
  const file = join(root, "metadata", "dataset.json");
  mkdirSync(dirname(file));
  writeFileSync(file, '{"dataset_name": "Ours", "dataset_version": "3"}');
  t.equal((await open(t, "meds", root)).info.dataset_version, "Ours 3");
  writeFileSync(file, "[");
  await refused(t, root, /names the release cannot be read/);
  await refused(t, join(root, "metadata"), /data\/\*\*\/\*\.parquet not found/);
});
