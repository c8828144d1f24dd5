/** Damaged parquet files of a MEDS dataset and of EHRSHOT's MEDS release: refused, or counted. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";
import { attempt, attemptDamaged, damagedCopy, dataFiles } from "./damage.ts";
import { type SoundSource, soundSources } from "./sound-sources.ts";

const folder = t.testdir({});
const all = await soundSources(join(folder, "sound"));
const sources = all.filter(({ name }) => name === "meds" || name === "ehrshot-meds");
const EVENTS: Readonly<Record<string, string>> = {
  meds: "data/0.parquet",
  "ehrshot-meds": "data/data.parquet",
};
let copies = 0;
const after = (source: SoundSource, file: string, bytes: Buffer) =>
  attemptDamaged(folder, source, file, bytes);

const eventsOf = ({ name }: SoundSource) => EVENTS[name] ?? "";

/** A file of the source written again from a SELECT over `old`. */
async function rewritten(source: SoundSource, file: string, select: string): Promise<Buffer> {
  const db = await Database.open({ threads: 1 });
  const made = join(folder, `made-${copies++}.parquet`);
  try {
    const old = `read_parquet(${sqlText(join(source.root, file))})`;
    await db.write(select.replaceAll("old", old), made);
    return readFileSync(made);
  } finally {
    db.close();
    rmSync(made, { force: true });
  }
}

for (const source of sources) {
  const events = eventsOf(source);

  t.test(`${source.name}: every file cut anywhere, emptied, or no parquet`, async (t) => {
    for (const file of dataFiles(source.root)) {
      const bytes = readFileSync(join(source.root, file));
      const cuts = [0, 3, 4, 0.3, 0.7].map((at) => (at < 1 ? Math.floor(at * bytes.length) : at));
      for (const at of [...cuts, bytes.length - 9, bytes.length - 1]) {
        const result = await after(source, file, bytes.subarray(0, at));
        t.ok(result instanceof BenchError, `${file} cut at ${at} of ${bytes.length}`);
      }
      const text = await after(source, file, Buffer.from("subject_id,time,code\n1,2,3\n"));
      t.match(text, { message: /damaged, cut short, or no parquet/ }, `${file} as csv`);
    }
  });

  t.test(`${source.name}: another column, another type, a null`, async (t) => {
    const cases: readonly (readonly [select: string, message: RegExp])[] = [
      ["SELECT * EXCLUDE (code) FROM old", /column "code" not found/],
      ["SELECT * RENAME (subject_id AS patient_id) FROM old", /column "subject_id" not found/],
      ["SELECT * REPLACE (CAST(subject_id AS VARCHAR) AS subject_id) FROM old", /is VARCHAR, not/],
      ["SELECT * REPLACE (CAST(subject_id AS DOUBLE) AS subject_id) FROM old", /is DOUBLE, not/],
      ["SELECT * REPLACE (epoch_us(time) AS time) FROM old", /"time" is BIGINT, not a time/],
      [
        "SELECT * REPLACE (CAST(time AS VARCHAR) AS time) FROM old",
        /"time" is VARCHAR, not a time/,
      ],
      ["SELECT * REPLACE (CAST(time AS DATE) AS time) FROM old", /"time" is DATE, not a time/],
      ["SELECT * REPLACE (hash(code) AS code) FROM old", /"code" is UBIGINT, not text/],
      [
        "SELECT * REPLACE (CAST(numeric_value AS VARCHAR) AS numeric_value) FROM old",
        /"numeric_value" is VARCHAR, not a number/,
      ],
      [
        "SELECT * REPLACE (nullif(subject_id, 1002) AS subject_id) FROM old",
        /"subject_id" is empty in some row/,
      ],
    ];
    for (const [select, message] of cases) {
      const result = await after(source, events, await rewritten(source, events, select));
      t.ok(result instanceof BenchError, select);
      t.match(result, { message }, select);
    }
  });

  t.test(`${source.name}: the splits, another type, twice, or too few`, async (t) => {
    const file = "metadata/subject_splits.parquet";
    const cases: readonly (readonly [select: string, message: RegExp])[] = [
      ["SELECT subject_id, 1 AS split FROM old", /"split" is INTEGER, not text/],
      ["SELECT * FROM old UNION ALL SELECT * FROM old", /occurs in 2 rows/],
      ["SELECT * FROM old WHERE subject_id <> 1003", /split/],
      ["SELECT subject_id, 'everything' AS split FROM old", /split/],
    ];
    for (const [select, message] of cases) {
      const result = await after(source, file, await rewritten(source, file, select));
      t.ok(result instanceof BenchError, select);
      t.match(result, { message }, select);
    }
  });

  t.test(`${source.name}: a birth that cannot be is counted`, async (t) => {
    const select = `SELECT * REPLACE (CASE WHEN subject_id = 1002 AND year(time) = 1950
      THEN time - INTERVAL 240 YEAR ELSE time END AS time) FROM old`;
    const result = await after(source, events, await rewritten(source, events, select));
    if (result instanceof BenchError) throw result;
    t.match(result.info.rows_dropped, [{ table: "subjects", reason: /130 years/, rows: 1 }]);
  });
}

const [medtok, meds] = ["ehrshot-meds", "meds"].map((name) => all.find((s) => s.name === name));
if (medtok === undefined || meds === undefined) throw new Error("no such source");

t.test("meds: a stay that ends before it starts, or whose end is missing", async (t) => {
  const negative = `SELECT * REPLACE (CASE WHEN subject_id = 1002 AND starts_with(code, 'HOSPITAL_DISCHARGE')
    THEN time - INTERVAL 30 DAY ELSE time END AS time) FROM old`;
  const file = eventsOf(meds);
  const result = await after(meds, file, await rewritten(meds, file, negative));
  if (result instanceof BenchError) throw result;
  t.match(result.info.rows_dropped[0], { table: "visits", reason: "end before start", rows: 1 });
  t.equal(result.info.visits, 3);
  const open =
    "SELECT * FROM old WHERE subject_id <> 1002 OR NOT starts_with(code, 'HOSPITAL_DIS')";
  const kept = await after(meds, file, await rewritten(meds, file, open));
  if (kept instanceof BenchError) throw kept;
  t.equal(kept.info.visits, 4, "it stays open");
});

t.test("meds: a wrong byte in the name of a column that may be missing", async (t) => {
  const file = eventsOf(meds);
  const bytes = readFileSync(join(meds.root, file));
  const name = Buffer.from("numeric_value");
  const places = [bytes.indexOf(name), bytes.lastIndexOf(name)];
  t.not(places[0], places[1], "parquet names a column twice");
  for (const at of places) {
    const edited = Buffer.from(bytes);
    edited[at + 7] = 98; // numericbvalue
    const result = await after(meds, file, edited);
    t.ok(result instanceof BenchError, `at ${at}`);
  }
});

t.test("ehrshot-meds: labels of another type, or of none", async (t) => {
  const file = "labels/guo_los/labels.parquet";
  const cases: readonly (readonly [select: string, message: RegExp])[] = [
    ["SELECT * REPLACE ('no' AS boolean_value) FROM old", /"boolean_value" is VARCHAR, not true/],
    ["SELECT * REPLACE (2010 AS prediction_time) FROM old", /"prediction_time" is INTEGER/],
    ["SELECT * EXCLUDE (subject_id) FROM old", /column "subject_id" not found/],
  ];
  for (const [select, message] of cases) {
    const result = await after(medtok, file, await rewritten(medtok, file, select));
    t.ok(result instanceof BenchError, select);
    t.match(result, { message }, select);
  }
});

t.test(
  "a list of subjects that was not written as parquet is refused, not passed over",
  async (t) => {
    const to = join(folder, "csv-splits");
    const copy = damagedCopy(meds, to, "metadata/subject_splits.csv", Buffer.from("subject_id\n"));
    writeFileSync(join(to, "metadata", "subject_splits.csv"), "subject_id,split\n1001,train\n");
    rmSync(join(to, "metadata", "subject_splits.parquet"));
    const result = await attempt(copy, join(to, "cache"));
    if (result instanceof BenchError) t.match(result.message, /subject_splits/);
    else t.equal(result.info.splits, undefined, "and the store says that the hash decided");
  },
);
