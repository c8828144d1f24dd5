import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import { checkRecord, readRecords, runId, writeRecord } from "../../harness/record.ts";
import { publishedSchemas } from "../../harness/schema/published.ts";
import { exampleRecord } from "../support/example-record.ts";

t.test("a record is written under its run id, readable by all, and read back equal", async (t) => {
  const folder = join(t.testdir(), "results", "runs");
  const record = exampleRecord();
  const written = await writeRecord(folder, record);
  t.equal(written.file, join(folder, `${record.run_id}.json`));
  t.same(readdirSync(folder), [`${record.run_id}.json`], "nothing else is left in the folder");
  t.equal(statSync(written.file).mode & 0o777, 0o644);
  t.same(await readRecords(folder), [written.record]);
  const { results_hash: _, ...rest } = written.record;
  t.same(rest, record);
});

t.test("writing the same specification again replaces its record", async (t) => {
  const folder = t.testdir();
  await writeRecord(folder, exampleRecord());
  await writeRecord(folder, { ...exampleRecord(), peak_rss_mb: 1 });
  const records = await readRecords(folder);
  t.same(
    records.map((record) => record.peak_rss_mb),
    [1],
  );
});

t.test("the run id depends on every field of the specification and on nothing else", async (t) => {
  const record = exampleRecord();
  t.equal(record.run_id, runId(record.spec));
  for (const change of [{ seed: 1 }, { task_version: 2 }, { hyperparameters: { width: 65 } }]) {
    t.not(exampleRecord({ spec: change }).run_id, record.run_id, JSON.stringify(change));
  }
  t.equal(
    exampleRecord({ createdAt: "2027-01-01T00:00:00Z", source: "real" }).run_id,
    record.run_id,
  );
});

t.test("records of multiclass and multilabel runs are valid, too", async (t) => {
  const exclusive = { train: [300, 100, 200], tuning: [60, 20, 40], held_out: [90, 30, 60] };
  const counts = { train: [300, 90, 200], tuning: [60, 20, 0], held_out: [90, 30, 0] };
  t.doesNotThrow(() => checkRecord(exampleRecord({ kind: "multiclass", splits: exclusive }), "x"));
  t.doesNotThrow(() => checkRecord(exampleRecord({ kind: "multilabel", splits: counts }), "x"));
});

const INVALID: readonly (readonly [
  string,
  (record: Record<string, unknown>) => unknown,
  RegExp,
])[] = [
  ["an unknown field", (r) => ({ ...r, note: "hello" }), /\(whole file\)$/],
  ["a missing field", ({ timings: _, ...r }) => r, /, timings$/],
  ["a value that is not a number", (r) => ({ ...r, peak_rss_mb: "512" }), /, peak_rss_mb$/],
  [
    "a negative count",
    (r) => ({ ...r, data: { ...(r["data"] as object), events: -1 } }),
    /, data\.events$/,
  ],
  [
    "an edited specification",
    (r) => ({ ...r, spec: { ...(r["spec"] as object), seed: 5 } }),
    /, run_id$/,
  ],
  [
    "an unknown source",
    (r) => ({ ...r, data: { ...(r["data"] as object), source: "fake" } }),
    /, data\.source$/,
  ],
  [
    "a true risk of real subjects",
    (r) => ({ ...r, best_possible: { auprc: 1, reached: 1 } }),
    /, best_possible$/,
  ],
  [
    "a date beside created_at",
    (r) => ({ ...r, timings: { "2150-01-31": 1 } }),
    /, record\.timings\.2150-01-31$/,
  ],
];

for (const [name, change, where] of INVALID) {
  t.test(`${name} is refused when written and when read, naming file and path`, async (t) => {
    const folder = t.testdir();
    const record = exampleRecord();
    const changed = change(structuredClone(record) as unknown as Record<string, unknown>);
    await t.rejects(writeRecord(folder, changed as typeof record), { name: "BenchError", where });
    t.same(readdirSync(folder), [], "nothing is written");
    const file = join(folder, `${record.run_id}.json`);
    writeFileSync(file, JSON.stringify(changed));
    await t.rejects(readRecords(folder), { name: "BenchError", where });
    await t.rejects(readRecords(folder), { name: "BenchError", where: new RegExp(record.run_id) });
  });
}

t.test("a metric needs either a value or a reason", async (t) => {
  const record = exampleRecord();
  const auprc = { ...record.metrics.auprc, value: null };
  t.throws(() => checkRecord({ ...record, metrics: { ...record.metrics, auprc } }, "x"), {
    name: "BenchError",
    where: "x, metrics.auprc",
  });
});

t.test("numbers that are not finite cannot get into a record", async (t) => {
  const record = exampleRecord();
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const curve = [{ epoch: 1, train_loss: value, tuning_score: 0.5 }];
    const changed = { ...record, training: { ...record.training, curve } };
    t.throws(() => checkRecord(changed, "x"), {
      name: "BenchError",
      where: "x, training.curve.0.train_loss",
    });
  }
});

t.test(
  "a file cut short, one of another schema version and one of another name are told apart",
  async (t) => {
    const folder = t.testdir();
    const record = exampleRecord();
    const file = join(folder, `${record.run_id}.json`);
    writeFileSync(file, JSON.stringify(record).slice(0, 100));
    await t.rejects(readRecords(folder), { message: /not a readable JSON file/, where: file });
    writeFileSync(file, JSON.stringify({ ...record, schema_version: 99 }));
    await t.rejects(readRecords(folder), { message: /schema version 99/, where: file });
    writeFileSync(file, JSON.stringify(record));
    writeFileSync(join(folder, "zz-copy.json"), JSON.stringify(record));
    await t.rejects(readRecords(folder), { message: /named after its run id/, where: /zz-copy/ });
  },
);

t.test("a number that was edited by hand is found, a record without a hash is read", async (t) => {
  const folder = t.testdir();
  const { file, record } = await writeRecord(folder, exampleRecord({ auprc: 0.5 }));
  t.same(await readRecords(folder), [record]);
  const { metrics } = record;
  const better = { ...record, metrics: { ...metrics, auprc: { ...metrics.auprc, value: 0.875 } } };
  writeFileSync(file, JSON.stringify(better));
  await t.rejects(readRecords(folder), {
    message: /changed after it was written/,
    where: /results_hash/,
  });
  const { results_hash: hash, ...older } = record;
  writeFileSync(file, JSON.stringify(older));
  t.same(await readRecords(folder), [older]);
  const later = {
    ...exampleRecord({ auprc: 0.5 }),
    created_at: "2027-01-01T00:00:00.000Z",
    peak_rss_mb: 1,
  };
  t.equal((await writeRecord(folder, later)).record.results_hash, hash, "times are no results");
});

t.test("a missing folder of records is a mistake that says what to do", async (t) => {
  await t.rejects(readRecords(join(t.testdir(), "none")), { name: "BenchError", fix: /run/ });
});

t.test("a folder that cannot be written is reported and leaves nothing behind", async (t) => {
  const folder = t.testdir({ taken: "a file, not a folder" });
  await t.rejects(writeRecord(join(folder, "taken"), exampleRecord()), {
    name: "BenchError",
    message: /cannot be written/,
  });
  t.same(readdirSync(folder), ["taken"]);
});

t.test(
  "the published schemas are those of this program (else: npx tsx scripts/write-schemas.ts)",
  async (t) => {
    for (const [file, text] of Object.entries(publishedSchemas())) {
      t.equal(readFileSync(join(packageRoot, file), "utf8"), text, file);
    }
  },
);
