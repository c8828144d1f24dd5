/** Our stores against the MEDS 0.4 schema, written down here a second time, on what parquet itself says. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Database } from "../../Dataset/duckdb.ts";
import { demoRoot } from "../support/demo-data.ts";
import { mimic4Files, rowsOf, storeOf, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

/** Parquet's physical and logical type of each column that MEDS knows. */
const TYPES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  data: {
    subject_id: /^INT64( INT_64)?$/,
    time: /^INT64 TIMESTAMP_MICROS TimestampType\(isAdjustedToUTC=0, unit=TimeUnit\(.*MICROS=MicroSeconds/,
    code: /^BYTE_ARRAY UTF8/,
    numeric_value: /^FLOAT$/,
    text_value: /^BYTE_ARRAY UTF8/,
  },
  codes: { code: /^BYTE_ARRAY UTF8/, description: /^BYTE_ARRAY UTF8/ },
  subject_splits: {
    subject_id: /^INT64( INT_64)?$/,
    split: /^BYTE_ARRAY UTF8/,
  },
};

/** SELECTs that must find nothing. */
const RULES: Readonly<Record<string, string>> = {
  "no null subject or code": "SELECT 1 FROM data WHERE subject_id IS NULL OR code IS NULL",
  "a subject lies in one file":
    "SELECT subject_id FROM data GROUP BY subject_id HAVING count(DISTINCT filename) > 1",
  "a subject's rows lie together": `SELECT subject_id FROM data GROUP BY subject_id, filename
    HAVING max(file_row_number) - min(file_row_number) + 1 <> count(*)`,
  "rows are in order of time, null times first": `SELECT * FROM (
      SELECT time, subject_id = lag(subject_id) OVER w AS same, lag(time) OVER w AS before
      FROM data WINDOW w AS (PARTITION BY filename ORDER BY file_row_number)
    ) WHERE same AND (time < before OR (time IS NULL AND before IS NOT NULL))`,
  "every code is listed": "SELECT code FROM data WHERE code NOT IN (SELECT code FROM codes)",
  "no code is listed twice": "SELECT code FROM codes GROUP BY code HAVING count(*) > 1",
  "every subject has one split": `SELECT subject_id FROM (
      SELECT DISTINCT subject_id FROM data
    ) LEFT JOIN subject_splits s USING (subject_id) GROUP BY subject_id HAVING count(s.split) <> 1`,
  "splits have MEDS's names":
    "SELECT split FROM subject_splits WHERE split IS NULL OR split NOT IN ('train', 'tuning', 'held_out')",
  "parents are lists of text":
    "SELECT 1 FROM codes WHERE typeof(parent_codes) <> 'VARCHAR[]' OR list_contains(parent_codes, NULL)",
};

const made = {
  "hosp/patients": [1, 2, 3].map((id) => patient(id)),
  "hosp/admissions": [1, 2, 3].map((id) => admission(id, id + 10)),
  "hosp/diagnoses_icd": [1, 2, 3].map((id) => diagnosis(id, id + 10, "4280")),
  "hosp/prescriptions": [1, 2, 3].map((id) => drug(id, id + 10)),
};

const SOURCES: readonly (readonly [dataset: string, root: (dir: string) => string | undefined])[] =
  [
    ["mimic4", (dir) => writeRoot(dir, mimic4Files(made))],
    ["ehrshot", () => demoRoot("ehrshot-fixture/original")],
    ["meds", () => demoRoot("mimic-iv-demo-meds")],
  ];

for (const [dataset, rootOf] of SOURCES) {
  const missing = dataset !== "mimic4" && rootOf("") === undefined;
  const skip = missing ? "the shared demo data are not there" : false;
  t.test(`a store of ${dataset} is a MEDS dataset`, { skip }, async (t) => {
    const dir = t.testdir({});
    const root = rootOf(join(dir, "root")) ?? "";
    const store = await storeOf(dataset, root, { cacheDir: join(dir, "cache") });
    const { folder } = store;
    store.close();
    const db = await Database.open({ threads: 1 });
    t.teardown(() => db.close());
    const query = { query: (sql: string) => db.query(sql) };
    await db.run(`CREATE VIEW data AS SELECT * FROM
      read_parquet('${folder}/data/*.parquet', filename = true, file_row_number = true)`);
    for (const table of ["codes", "subject_splits"]) {
      await db.run(
        `CREATE VIEW ${table} AS FROM read_parquet('${folder}/metadata/${table}.parquet')`,
      );
    }
    for (const [table, columns] of Object.entries(TYPES)) {
      const files =
        table === "data" ? readdirSync(join(folder, "data")).map((f) => `data/${f}`) : [];
      for (const file of table === "data" ? files : [`metadata/${table}.parquet`]) {
        const schema = await rowsOf(
          query,
          `SELECT name, concat_ws(' ', type, converted_type, logical_type) AS type
           FROM parquet_schema('${join(folder, file)}') WHERE name IS NOT NULL`,
        );
        for (const [column, type] of Object.entries(columns)) {
          t.match(schema.find((c) => c["name"] === column)?.["type"], type, `${file} ${column}`);
        }
      }
    }
    t.same(
      (await rowsOf(query, "SELECT column_name AS c FROM (DESCRIBE subject_splits)")).map(
        (r) => r["c"],
      ),
      ["subject_id", "split"],
      "and no other columns",
    );
    for (const [rule, sql] of Object.entries(RULES)) {
      t.equal((await db.query(sql)).rowCount, 0, rule);
    }
    const json = JSON.parse(readFileSync(join(folder, "metadata", "dataset.json"), "utf8"));
    for (const field of [
      "dataset_name",
      "dataset_version",
      "etl_name",
      "etl_version",
      "meds_version",
    ]) {
      t.type(json[field], "string", field);
    }
    t.ok(Array.isArray(json.other_extension_columns));
  });
}
