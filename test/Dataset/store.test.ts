import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { datasets } from "../../Dataset/index.ts";
import { ingest } from "../../Dataset/ingest.ts";
import { describeStore, maskStatistics } from "../../Dataset/statistics.ts";
import { openStore } from "../../Dataset/store.ts";
import { planShards } from "../../Dataset/write-store.ts";
import { mimic4Files, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

const people = Array.from({ length: 12 }, (_, i) => i + 1);

async function storeFolder(t: Test): Promise<string> {
  const folder = t.testdir({});
  const root = writeRoot(
    join(folder, "root"),
    mimic4Files({
      "hosp/patients": people.map((id) => patient(id)),
      "hosp/admissions": people.slice(1).map((id) => admission(id, id + 100)), // one has none
      "hosp/diagnoses_icd": people
        .slice(1)
        .flatMap((id) => [
          diagnosis(id, id + 100, "4280"),
          diagnosis(id, id + 100, id > 9 ? "I10" : "I50", 10),
        ]),
      "hosp/prescriptions": [drug(2, 102), drug(2, 102, { drug: "Vancomycin" }), drug(3, 999)],
      "hosp/d_icd_diagnoses": [{ icd_code: "4280", icd_version: 9, long_title: "Heart failure" }],
    }),
  );
  const made = await ingest(datasets.get("mimic4"), {
    root,
    cacheDir: join(folder, "cache"),
    threads: 1,
  });
  return made.folder;
}

t.test(
  "a store of another version, without description or of another program is refused",
  async (t) => {
    const folder = await storeFolder(t);
    const file = join(folder, "metadata", "dataset.json");
    const sound = readFileSync(file, "utf8");
    const refused = async (text: string, what: RegExp) => {
      writeFileSync(file, text);
      await t.rejects(openStore(folder), { message: what, fix: /ingest the raw files again/ });
    };
    await refused(
      sound.replace('"store_version": 1', '"store_version": 99'),
      /version 99, and this program reads version 1/,
    );
    await refused(JSON.stringify({ dataset_name: "x" }), /made by another program/);
    await refused("{", /not JSON/);
    rmSync(file);
    await t.rejects(openStore(folder), { message: /holds no event store/, fix: /ingest/ });
    const error = await openStore(folder).catch((e: unknown) => e);
    t.ok(error instanceof BenchError);
  },
);

t.test("a store that lacks a file, or holds a damaged one, is refused", async (t) => {
  const folder = await storeFolder(t);
  const visits = join(folder, "metadata", "visits.parquet");
  writeFileSync(visits, "PAR1 no, it is not");
  await t.rejects(openStore(folder), { message: /visits\.parquet cannot be read/ });
  rmSync(visits);
  await t.rejects(openStore(folder), { message: /lacks metadata.visits\.parquet/ });
});

t.test("a store whose column has another type is refused", async (t) => {
  const folder = await storeFolder(t);
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  await db.write(
    "SELECT 1::BIGINT AS subject_id, 1 AS split",
    join(folder, "metadata", "subject_splits.parquet"),
  );
  await t.rejects(openStore(folder), {
    message: /subject_splits\.parquet: column "split" is INTEGER, not VARCHAR/,
  });
});

t.test("an open store answers, streams and writes", async (t) => {
  const store = await openStore(await storeFolder(t), { threads: 1 });
  t.teardown(() => store.close());
  const found = await store.query("SELECT count(*) AS n FROM events");
  t.equal(found.numbers("n")[0], store.info.events);
  let rows = 0;
  await store.stream("SELECT subject_id, code FROM events", (block) => {
    rows += block.rowCount;
  });
  t.equal(rows, store.info.events);
  const file = join(t.testdirName, "codes.csv");
  await store.write("SELECT code FROM codes WHERE kind = 'diagnosis' ORDER BY code", file);
  t.equal(readFileSync(file, "utf8"), "code\nICD10CM/I10\nICD10CM/I50\nICD9CM/428.0\n");
});

t.test(
  "dataset.json says what MEDS asks for, and Arrow is told of the large text column",
  async (t) => {
    const folder = await storeFolder(t);
    const json: unknown = JSON.parse(
      readFileSync(join(folder, "metadata", "dataset.json"), "utf8"),
    );
    t.match(json, {
      dataset_name: String,
      dataset_version: "unknown",
      etl_name: "medtok-bench",
      meds_version: "0.4.1",
      created_at: /^\d{4}-\d\d-\d\dT/,
      other_extension_columns: ["drug_type", "route"],
    });
    const store = await openStore(folder);
    t.teardown(() => store.close());
    const keys = await store.query(
      `SELECT CAST(key AS VARCHAR) AS key, CAST(value AS VARCHAR) AS value FROM parquet_kv_metadata('${folder}/data/*.parquet')`,
    );
    t.same(keys.strings("key"), ["ARROW:schema"]);
    const schema = Buffer.from(keys.strings("value")[0] ?? "", "base64").toString("latin1");
    const file = `read_parquet('${folder}/data/*.parquet')`;
    const columns = await store.query(
      `SELECT column_name AS c FROM (DESCRIBE SELECT * FROM ${file})`,
    );
    for (const column of columns.strings("c")) t.match(schema, column ?? "");
  },
);

t.test("statistics count what is there", async (t) => {
  const store = await openStore(await storeFolder(t));
  t.teardown(() => store.close());
  const statistics = await describeStore(store);
  t.match(statistics, {
    dataset: "mimic4",
    source: "real",
    subjects: 12,
    visits: 11,
    icu_stays: 0,
    codes_without_description: 2,
    rows_dropped: [{ table: "prescriptions", reason: "unknown admission", rows: 1 }],
    drugs: { rows: { file: 0, ndc: 0, name: 1, unmapped: 2 }, mapped_share: 1 / 3 },
  });
  t.same(statistics.visits_per_subject, { mean: 11 / 12, median: 1, p90: 1, max: 1 });
  const splits = statistics.subjects_by_split;
  t.equal((splits.train ?? 0) + (splits.tuning ?? 0) + (splits.held_out ?? 0), 12);
  const diagnoses = statistics.vocabularies.filter((v) => v.kind === "diagnosis");
  t.same(diagnoses, [
    {
      vocabulary: "ICD10CM",
      kind: "diagnosis",
      events: 11,
      subjects: 11,
      codes: 2,
      codes_without_description: 2,
    },
    {
      vocabulary: "ICD9CM",
      kind: "diagnosis",
      events: 11,
      subjects: 11,
      codes: 1,
      codes_without_description: 0,
    },
  ]);
});

t.test("of a real source no count below 10 is given; of others all are", async (t) => {
  const store = await openStore(await storeFolder(t));
  t.teardown(() => store.close());
  const statistics = await describeStore(store);
  const masked = maskStatistics(statistics);
  t.match(masked, {
    subjects: 12,
    icu_stays: null,
    rows_dropped: [{ rows: null }],
    drugs: { rows: { file: null, name: null, unmapped: null } },
    rows_read: { prescriptions: null, diagnoses_icd: 22 },
  });
  const counts = JSON.stringify({ ...masked, visits_per_subject: 0, events_per_subject: 0 }).match(
    /"(events|subjects|rows|visits|train|tuning|held_out)":[0-9]\b(?!\d)/g,
  );
  t.same(counts, null);
  t.same([masked.visits_per_subject.max, masked.events_per_subject.max], [null, null]);
  t.equal(statistics.drugs?.rows.name, 1, "the unmasked statistics are not changed");
  const demo = { ...statistics, source: "demo" as const };
  t.equal(maskStatistics(demo), demo);
});

t.test("shards are blocks of whole subjects of about one size", async (t) => {
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  await db.run(`CREATE TABLE staged_events AS
    SELECT CASE WHEN range < 50 THEN 3 ELSE range % 20 END AS subject_id, 0 AS drop_reason FROM range(400)
    UNION ALL SELECT 99, 5 FROM range(10)`);
  const shards = await planShards(db, 60);
  t.equal(shards[0]?.first, 0);
  t.equal(shards.at(-1)?.last, 19, "subjects whose rows were all dropped need no shard");
  for (let i = 1; i < shards.length; i++) {
    t.equal(
      shards[i]?.first,
      (shards[i - 1]?.last ?? 0) + 1,
      "no subject is in two shards, none in none",
    );
  }
  t.ok(shards.length > 4 && shards.length < 9, `${shards.length} shards`);
});
