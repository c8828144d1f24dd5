/** Two rows of records side by side, from the statistics to the command. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { compare, parseSide } from "../../harness/compare.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { type ResultRecord, type RunSpec, writeRecord } from "../../harness/record.ts";
import { callCli } from "../support/cli.ts";
import { exampleRecord } from "../support/example-record.ts";

const run = (auprc: number | null, spec: Partial<RunSpec> = {}): ResultRecord =>
  exampleRecord({ auprc, spec });
const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };

const find = (records: readonly ResultRecord[], a: string, b: string) =>
  compare(makeLeaderboard(records), records, parseSide(a), parseSide(b));

t.test("seeds are paired, those that one side lacks are left out", async (t) => {
  const [found, ...others] = find(
    [
      ...[0.5, 0.6, 0.7].map((auprc, seed) => run(auprc, { seed })),
      ...[0.52, 0.63, 0.74].map((auprc, i) => run(auprc, { ...medtok, seed: i + 1 })),
    ],
    "medtok",
    "baseline",
  );
  t.same(others, []);
  t.same(found?.seeds, [1, 2]);
  // 0.52 - 0.6 and 0.63 - 0.7; t(1) = 12.7062, sd = 0.01 / sqrt(2)
  t.ok(Math.abs((found?.difference.mean ?? 0) + 0.075) < 1e-12);
  t.ok(Math.abs((found?.difference.interval?.low ?? 0) - (-0.075 - 12.7062 * 0.005)) < 1e-6);
  t.ok(Math.abs((found?.a.auprc ?? 0) - 0.575) < 1e-12, "over the common seeds alone");
  t.equal(found?.a.run_ids.length, 2);
});

t.test("what is not asked to differ must not differ", async (t) => {
  const wide = { hyperparameters: { width: 128, dropout: 0.1 } };
  const records = [
    run(0.5),
    run(0.4, wide),
    run(0.7, { ...medtok, ...wide }),
    run(0.9, { ...medtok, task: "los" }),
    run(0.3, { ...medtok, model: "logistic" }),
    run(0.6, { model: "logistic" }),
  ];
  const told = find(records, "medtok", "baseline").map(({ a, b }) => [a.model, a.auprc, b.auprc]);
  t.same(told, [
    ["transformer", 0.7, 0.4],
    ["logistic", 0.3, 0.6],
  ]);
  const models = find(records, "transformer", "logistic").map(({ a, b }) => [a.auprc, b.auprc]);
  t.same(models, [
    [0.7, 0.3],
    [0.5, 0.6],
    [0.4, 0.6],
  ]);
  t.same(
    find(records, "logistic+medtok", "transformer+baseline").map(({ b }) => b.auprc),
    [0.5, 0.4],
  );
  const [one, two] = [records[0]?.run_id ?? "", records[1]?.run_id ?? ""];
  t.match(find(records, one, two), [{ a: { auprc: 0.5 }, b: { auprc: 0.4 } }]);
  t.throws(() => find(records, "behrt", "logistic"), { message: /behrt \(0 rows\)/ });
  t.throws(() => parseSide("medtk"), { message: /medtk/, exitCode: 2 });
});

t.test("a seed that changes nothing proves nothing, and the table says so", async (t) => {
  const dir = t.testdir({});
  for (const seed of [0, 1]) {
    await writeRecord(join(dir, "runs"), run(0.5, { seed }));
    await writeRecord(join(dir, "runs"), run(0.6, { ...medtok, seed }));
  }
  const args = ["compare", "medtok", "baseline", "--results", dir, "--draws", "0"];
  const { stdout } = await callCli(args);
  t.match(stdout, /\+0\.100 \[\+0\.100, \+0\.100\] \(n=2\) +0, 1 +no seed changes it/);
  t.notMatch(stdout, /is better/);
  const lacking = await callCli(["compare", "behrt+vqgraph", "baseline", "--results", dir]);
  t.match(lacking.stderr, /fix: .*\(--model behrt --tokenizer vqgraph\)/);
});

t.test("undefined scores are no pair", async (t) => {
  const records = [run(0.5), run(null, medtok)];
  t.throws(() => find(records, "medtok", "baseline"), { name: "BenchError" });
});

t.test("the command prints a table, the source in capitals, and writes a page", async (t) => {
  const dir = t.testdir({});
  for (const seed of [0, 1]) {
    await writeRecord(join(dir, "runs"), run(0.5 + seed / 100, { seed }));
    await writeRecord(join(dir, "runs"), run(0.6 + seed / 50, { ...medtok, seed }));
  }
  const page = join(dir, "new", "page.html");
  const args = ["compare", "medtok", "baseline", "--results", dir];
  const { code, stdout } = await callCli([...args, "--out", page]);
  t.equal(code, 0);
  t.match(stdout, /DEMO DATA: 100 PATIENTS DECIDE NOTHING/);
  t.match(
    stdout,
    /transformer medtok +transformer baseline +0\.610 +0\.505 +\+0\.105 \[\+0\.041, \+0\.169\] \(n=2\) +0, 1 +a is better/,
  );
  t.match(readFileSync(page, "utf8"), /<td>\+0\.105 \[\+0\.041, \+0\.169\] \(n=2\)<\/td>/);
  const { stdout: json } = await callCli([...args, "--json"]);
  t.match(JSON.parse(json), [{ seeds: [0, 1], difference: { n: 2 } }]);
  const wrong = await callCli([...args, "--out", join(dir, "page.pdf")]);
  t.equal(wrong.code, 2);
  t.match(wrong.stderr, /neither \.html nor \.md/);
  mkdirSync(join(dir, "empty", "runs"), { recursive: true });
  const none = await callCli(["compare", "medtok", "baseline", "--results", join(dir, "empty")]);
  t.equal(none.code, 1);
  writeFileSync(join(dir, "file"), "");
  const below = await callCli([...args, "--out", join(dir, "file", "page.html")]);
  t.match(below.stderr, /it is a file[\s\S]*--out/);
});
