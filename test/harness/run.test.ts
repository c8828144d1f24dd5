import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ResultRecord } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

/** What must not differ between two runs of one specification. */
function withoutTimes(record: ResultRecord) {
  const { created_at: _, timings: __, peak_rss_mb: ___, harness, ...rest } = record;
  return { ...rest, harness: { ...harness, threads: 0 } };
}

t.test(
  "a specification gives the same record, digit for digit, with one thread or two",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    const run = async (threads: number) => {
      const [record] = await runSeeds(
        store,
        smallPlan("mortality", "transformer", dir, { threads }),
        silent,
      );
      return record === undefined ? undefined : withoutTimes(record);
    };
    const first = await run(1);
    t.same(await run(1), first);
    t.same(await run(2), first);
    const [other] = await runSeeds(
      store,
      smallPlan("mortality", "transformer", dir, { seeds: [1] }),
      silent,
    );
    t.not(other?.predictions_hash, first?.predictions_hash, "another seed gives other predictions");
  },
);

t.test("predictions stay in the private cache, and records name no subject", async (t) => {
  const dir = t.testdir({});
  const store = await twinStore("mimic4", 300, dir);
  t.teardown(() => store.close());
  const [record] = await runSeeds(store, smallPlan("readmission", "logistic", dir), silent);
  t.equal(record?.tokenizer_origin, "run");
  const file = join(dir, "cache", "predictions", `${record?.run_id}.parquet`);
  t.ok(existsSync(file));
  t.equal(statSync(file).mode & 0o077, 0, "readable by the owner only");
  t.equal(statSync(join(dir, "cache", "predictions")).mode & 0o077, 0);
  t.same(readdirSync(join(dir, "cache", "predictions")), [`${record?.run_id}.parquet`]);
  const text = readFileSync(join(dir, "results", "runs", `${record?.run_id}.json`), "utf8");
  const subjects = await store.query("SELECT DISTINCT subject_id FROM subjects");
  const named = Array.from(subjects.numbers("subject_id")).filter((id) =>
    text.includes(String(id)),
  );
  t.same(named, []);
});

t.test(
  "on a twin the record states the best possible AUPRC and how much was reached",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 400, dir);
    t.teardown(() => store.close());
    const [record] = await runSeeds(store, smallPlan("readmission", "logistic", dir), silent);
    const best = record?.best_possible;
    t.ok((best?.auprc ?? 0) > (record?.metrics.auprc.prevalence as number));
    t.type(best?.reached, "number");
  },
);
