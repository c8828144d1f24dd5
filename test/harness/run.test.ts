import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { models } from "../../ehr-models/index.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { refusal } from "../../harness/pairing.ts";
import { type ResultRecord, readRecords } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { silent, smallPlan, storeOf, twinStore } from "../support/small-run.ts";

/** What must not differ between two runs of one specification. */
function withoutTimes(record: ResultRecord) {
  const { created_at: _, timings: __, peak_rss_mb: ___, harness, ...rest } = record;
  return { ...rest, harness: { ...harness, threads: 0 } };
}

/** The four stores, among which the pairs of task and model are dealt out, so that each runs once. */
const STORES = ["mimic3 twin", "mimic4 twin", "mimic3 demo", "mimic4 demo"];

/** Pairs of a task and a model that does it, on their store. */
function pairsOn(dataset: string, source: "twin" | "demo"): [string, string][] {
  const place = STORES.indexOf(`${dataset} ${source}`);
  const pairs = tasks.all.flatMap((task, i) =>
    models.all.flatMap((model, j): [string, string][] => {
      const isHere = task.datasets.includes(dataset) && (i + j) % STORES.length === place;
      const isDone = refusal(model, task, {}, tokenizers.get("baseline")) === null;
      return isHere && isDone ? [[task.name, model.name]] : [];
    }),
  );
  return pairs;
}

for (const layout of ["mimic3", "mimic4"] as const) {
  t.test(`tasks run on the twin of ${layout} with the models that do them`, async (t) => {
    const dir = t.testdir({});
    const store = await twinStore(layout, 400, dir);
    t.teardown(() => store.close());
    const pairs = pairsOn(layout, "twin");
    for (const [task, model] of pairs) {
      const [record] = await runSeeds(store, smallPlan(task, model, dir), silent);
      t.equal(record?.data.source, "synthetic");
      t.ok(record?.spec.synthetic?.subjects === 400);
      const { value, reason } = record?.metrics.auprc ?? {};
      // Of rare diseases so few made-up subjects have no case to be scored.
      const held = record?.cohort.splits.held_out.classes ?? [];
      if (held.some(({ positives }) => positives !== 0))
        t.type(value, "number", `${task} ${model}`);
      else t.match(reason, /no positives|every class/, `${task} ${model}`);
    }
    const records = await readRecords(join(dir, "results", "runs"));
    t.equal(records.length, pairs.length);
    const board = makeLeaderboard(records);
    t.equal(board.groups.length, new Set(pairs.map(([task]) => task)).size, "one group a task");
    t.equal(board.left_out.length, 0);
  });
}

for (const [dataset, folder] of [
  ["mimic3", "mimic-iii-demo-1.4"],
  ["mimic4", "mimic-iv-demo-2.2"],
] as const) {
  const root = demoRoot(folder);
  const skip = root === undefined ? `the open demo ${folder} is not here` : false;
  t.test(`tasks run on the ${dataset} demo with the models that do them`, { skip }, async (t) => {
    if (root === undefined) return;
    const dir = t.testdir({});
    const store = await storeOf(dataset, root, dir);
    t.teardown(() => store.close());
    const pairs = pairsOn(dataset, "demo");
    for (const [task, model] of pairs) {
      const [record] = await runSeeds(store, smallPlan(task, model, dir), silent);
      t.equal(record?.data.source, "demo");
      const { value, reason } = record?.metrics.auprc ?? {};
      t.ok(typeof value === "number" || typeof reason === "string", `${task} ${model}`);
    }
    t.equal((await readRecords(join(dir, "results", "runs"))).length, pairs.length);
  });
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
