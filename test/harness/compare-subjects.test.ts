/** `compare` over draws of subjects: from the predictions in the private cache, and only where both sides are there. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { Random } from "../../core/random.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { predictionsHash } from "../../harness/predictions.ts";
import { type ResultRecord, type RunSpec, writeRecord } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import type { FullComparison } from "../../harness/subject-differences.ts";
import { callCli } from "../support/cli.ts";
import { exampleRecord } from "../support/example-record.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

const SAMPLES = 60;
const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };

interface Made {
  readonly spec?: Partial<RunSpec>;
  /** Of the made-up probabilities. */
  readonly stream: string;
  /** Subject of the first sample, 1 where nothing is said. */
  readonly firstSubject?: number;
  /** Keeps other probabilities than those of the record. */
  readonly isChanged?: boolean;
  readonly isKept?: boolean;
}

/** A record, and in the cache the predictions that it would have; 20 subjects with three samples each. */
async function make(dir: string, made: Made): Promise<ResultRecord> {
  const random = Random.fromSeed(4).derive(made.stream);
  const held_out = Float32Array.from({ length: SAMPLES }, () => random.uniform());
  const record = {
    ...exampleRecord({ auprc: 0.5, spec: { ...made.spec } }),
    predictions_hash: predictionsHash({ held_out }),
  };
  await writeRecord(join(dir, "results", "runs"), record);
  if (made.isKept === false) return record;
  const rows = Array.from(held_out, (score, i) => {
    const subject = i === 0 ? (made.firstSubject ?? 1) : 1 + (i % 20);
    return `(${subject}, TIMESTAMP '2150-01-01' + INTERVAL ${i} HOUR, 'held_out', 'death', ${i % 4 === 0}, '${made.isChanged ? score / 2 : score}'::DOUBLE::FLOAT)`;
  });
  const db = await Database.open({ threads: 1 });
  await db.write(
    `SELECT * FROM (VALUES ${rows.join(", ")},
       (99, TIMESTAMP '2150-01-01', 'tuning', 'death', true, 0.5::FLOAT))
     AS t(subject_id, prediction_time, split, class, label, score)`,
    join(dir, "cache", "predictions", `${record.run_id}.parquet`),
  );
  db.close();
  return record;
}

const args = (dir: string) => [
  ...["compare", "medtok", "baseline", "--results", join(dir, "results")],
  ...["--cache-dir", join(dir, "cache"), "--draws", "50"],
];

async function compareIn(t: Test, runs: readonly Made[]) {
  const dir = t.testdir({});
  for (const made of runs) await make(dir, made);
  const { stdout } = await callCli([...args(dir), "--json"]);
  const text = await callCli(args(dir));
  const [found] = JSON.parse(stdout) as FullComparison[];
  return { over: found?.over_subjects, text: text.stdout, json: stdout };
}

t.test("both sides kept: seed by seed and their mean, with the same draws", async (t) => {
  const { over, text } = await compareIn(t, [
    { stream: "one", spec: { seed: 1 } },
    { stream: "two", spec: { ...medtok, seed: 1 } },
    { stream: "one", spec: { seed: 2 } },
    { stream: "two", spec: { ...medtok, seed: 2 } },
  ]);
  const [one, two] = over?.per_seed ?? [];
  t.match([one?.seed, two?.seed, over?.draws, over?.missing], [1, 2, 50, []]);
  t.not(one?.difference, 0);
  t.ok((one?.interval?.low ?? 9) < (one?.difference ?? 0));
  t.same(two?.interval, one?.interval, "equal predictions of two seeds: equal draws");
  t.same(over?.mean?.interval, one?.interval, "so their mean has them too");
  t.match(text, /a - b over held-out subjects, 50 draws/);
  t.match(text, /mean +[+-]0\.\d{3} +\[[+-]0\.\d{3}, [+-]0\.\d{3}\] +\[/);
});

t.test("equal predictions differ by nothing", async (t) => {
  const { over } = await compareIn(t, [{ stream: "one" }, { stream: "one", spec: medtok }]);
  t.match(over?.mean, { difference: 0, interval: { low: 0, high: 0 }, interval_with_seeds: null });
});

t.test(
  "other samples, other predictions than the record's, and none are said, not used",
  async (t) => {
    const { over, text } = await compareIn(t, [
      { stream: "one" },
      { stream: "two", firstSubject: 7, spec: medtok },
      { stream: "one", spec: { seed: 1 } },
      { stream: "two", isChanged: true, spec: { ...medtok, seed: 1 } },
      { stream: "one", isKept: false, spec: { seed: 2 } },
      { stream: "two", spec: { ...medtok, seed: 2 } },
      { stream: "one", firstSubject: 7, spec: { seed: 3 } },
      { stream: "two", firstSubject: 7, spec: { ...medtok, seed: 3 } },
      { stream: "one", spec: { seed: 4 } },
      { stream: "two", spec: { ...medtok, seed: 4 } },
    ]);
    t.same(
      over?.per_seed.map(({ seed }) => seed),
      [3],
    );
    t.same(over?.missing, [
      { seed: 0, reason: "a and b were scored on different held-out samples" },
      { seed: 1, reason: "the predictions of a in the private cache are not those of its record" },
      { seed: 2, reason: "the predictions of b are not in the private cache" },
      { seed: 4, reason: "it was scored on other held-out samples than the first seed" },
    ]);
    t.match(text, /seed 2: the predictions of b are not in the private cache[\s\S]*--cache-dir/);
  },
);

t.test("0 draws read nothing, and a cache that is not there is not made", async (t) => {
  const dir = t.testdir({});
  await make(dir, { stream: "one", isKept: false });
  await make(dir, { stream: "two", isKept: false, spec: medtok });
  const none = await callCli([...args(dir), "--draws", "0", "--json"].filter((a) => a !== "50"));
  t.equal(none.code, 2, "given twice");
  const off = [...args(dir).slice(0, -1), "0", "--json"];
  t.notOk("over_subjects" in JSON.parse((await callCli(off)).stdout)[0]);
  t.match((await callCli(args(dir))).stdout, /No interval over subjects:/);
  t.throws(() => statSync(join(dir, "cache")), { code: "ENOENT" });
});

t.test("under flaws that change AUPRC there are no draws of it", async (t) => {
  const paper = { protocol: "paper", flaws: ["micro-average"] } as const;
  const { over } = await compareIn(t, [
    { stream: "one", spec: paper },
    { stream: "two", spec: { ...medtok, ...paper } },
  ]);
  t.equal(over?.mean, null);
  t.match(over?.missing, [{ seed: 0, reason: /batch-averaged-metrics or micro-average/ }]);
});

t.test(
  "two real runs: the differences are those of their records, and no subject is named",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    const seeds = [0, 1];
    const runs = [
      ...(await runSeeds(store, smallPlan("readmission", "mlp", dir, { seeds }), silent)),
      ...(await runSeeds(store, smallPlan("readmission", "logistic", dir, { seeds }), silent)),
    ];
    const auprc = runs.map(({ metrics }) => metrics.auprc.value ?? Number.NaN);
    const args = ["compare", "mlp", "logistic", "--results", join(dir, "results")];
    const page = join(dir, "page.md");
    const { stdout } = await callCli([
      ...args,
      ...["--cache-dir", join(dir, "cache"), "--draws", "30", "--out", page, "--json"],
    ]);
    const [found] = JSON.parse(stdout) as FullComparison[];
    const per_seed = found?.over_subjects?.per_seed ?? [];
    t.equal(per_seed.length, 2);
    for (const [i, { difference, interval }] of per_seed.entries()) {
      t.ok(Math.abs(difference - ((auprc[i] ?? 9) - (auprc[i + 2] ?? 0))) < 1e-12);
      t.ok((interval?.low ?? 9) < (interval?.high ?? 0));
    }
    const subjects = await store.query("SELECT DISTINCT subject_id FROM subjects");
    const text = `${stdout}${readFileSync(page, "utf8")}`;
    t.same(
      Array.from(subjects.numbers("subject_id")).filter((id) => text.includes(String(id))),
      [],
    );
  },
);
