/** A grid of runs from the command line, in processes of their own. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { checkGrid, type GridResult, gridOf, gridTable } from "../../harness/grid.ts";
import { callCli } from "../support/cli.ts";

// The runs of a grid are processes of the script that runs; here that is this test.
process.argv[1] = join(packageRoot, "harness", "cli.ts");

const AXES = {
  tasks: ["los", "drugrec"],
  models: ["logistic", "gamenet", "ethos"],
  tokenizers: ["baseline"],
  seeds: [0, 4],
};

t.test("a grid holds every combination, and says why some are not run", async (t) => {
  const { cells, refused } = gridOf(AXES);
  t.equal(cells.length, 2 * 4);
  t.same(
    refused.map(({ task, model, seed }) => `${task} ${model} ${seed}`),
    ["los gamenet 0", "los gamenet 4", "los ethos 0", "los ethos 4"],
  );
  t.match(refused[0]?.reason, /multilabel/);
  t.throws(() => gridOf({ ...AXES, models: ["logistik"] }), { message: /logistik/ });
});

t.test("its table has a row a model, means over seeds, and the reasons", (t) => {
  const of = (
    task: string,
    model: string,
    seed: number,
    more: Partial<GridResult>,
  ): GridResult => ({
    ...{ task, model, tokenizer: "baseline", seed, status: "done", auprc: 0.5, run_id: "a" },
    ...{ seconds: 1, reason: null, ...more },
  });
  const results = [
    of("los", "mlp", 0, { auprc: 0.25 }),
    of("los", "mlp", 1, { auprc: 0.75 }),
    of("los", "gamenet", 0, { status: "not applicable", auprc: null, reason: "no drugs" }),
    of("drugrec", "mlp", 0, { status: "failed", auprc: null, reason: "exit 1: out of memory" }),
    of("drugrec", "gamenet", 0, { auprc: null }),
  ];
  const text = gridTable(results, {
    dataset: "mimic4",
    dataset_version: "2.2",
    source: "demo",
  });
  t.match(text, /mimic4 2\.2, source: demo/);
  t.match(text, /mlp +baseline +0\.500 ± 0\.354 +failed/);
  t.match(text, /gamenet +baseline +N\/A +undefined/);
  t.match(text, /mlp \(baseline\) on drugrec, failed: exit 1: out of memory/);
  t.throws(() => checkGrid(results), { message: /1 of 5 runs/, where: /mlp on drugrec/ });
  checkGrid(results.slice(0, 3));
  t.end();
});

t.test("runs side by side leave one record each, and --resume runs what is left", async (t) => {
  const dir = t.testdir({});
  const root = join(dir, "raw");
  await generateTwin({ layout: "mimic4", subjects: 120, seed: 3, out: root });
  const grid = (...more: string[]) =>
    callCli([
      ...["grid", "--dataset", "mimic4", "--cache-dir", join(dir, "cache")],
      ...(more.includes("--root") ? [] : ["--root", root]),
      ...["--tasks", "drugrec", "--out", join(dir, "out"), "--draws", "10"],
      ...(more.includes("--epochs") ? [] : ["--epochs", "1"]),
      ...["--jobs", "2", ...more],
    ]);
  const models = ["--models", "logistic,gamenet", "--seeds", "0"];
  const failing = await grid(...models, "--json");
  t.equal(failing.code, 1, "gamenet asks for a file, logistic runs all the same");
  const results = JSON.parse(failing.stdout) as GridResult[];
  t.match(results, [
    { model: "logistic", status: "done" },
    { model: "gamenet", status: "failed" },
  ]);
  t.match(results[1]?.reason, /interactions/);
  t.same(readdirSync(join(dir, "out", "runs")), [`${results[0]?.run_id}.json`]);
  const resumed = await grid(...models, "--resume", "--set", "gamenet.interactions=false");
  t.equal(resumed.code, 0, resumed.stderr);
  t.match(resumed.stderr, /gamenet \(baseline\) on drugrec, seed 0: done in/);
  t.notMatch(resumed.stderr, /logistic \(baseline\)/, "it has its record");
  t.match(resumed.stdout, /logistic +baseline +0\.\d{3}/);
  t.equal(readdirSync(join(dir, "out", "runs")).length, 2);

  const changed = await grid("--models", "logistic", "--seeds", "0", "--resume", "--epochs", "2");
  t.equal(changed.code, 0, changed.stderr);
  t.match(
    changed.stderr,
    /logistic \(baseline\) on drugrec, seed 0: runs again.*: epochs 1, now 2$/m,
  );
  t.match(changed.stderr, /logistic \(baseline\) on drugrec, seed 0: done in/);
  t.equal(readdirSync(join(dir, "out", "runs")).length, 3, "both are kept");
  const again = await grid("--models", "logistic", "--seeds", "0", "--resume", "--epochs", "2");
  t.notMatch(again.stderr, /logistic \(baseline\)/, "now it has one");

  const other = join(dir, "other");
  await generateTwin({ layout: "mimic4", subjects: 120, seed: 4, out: other });
  const elsewhere = await grid("--models", "logistic", "--resume", "--root", other);
  t.equal(elsewhere.code, 0, elsewhere.stderr);
  t.match(elsewhere.stderr, /logistic \(baseline\) on drugrec/, "a record of other data is none");
});

t.test("mistakes in its flags are found before anything runs", async (t) => {
  const wrong = (...more: string[]) =>
    callCli(["grid", "--dataset", "mimic4", "--tasks", "los", ...more]);
  for (const [flags, message] of [
    [["--models", "logistic", "--set", "width=3"], /names no model of the grid/],
    [["--models", "logistik"], /did you mean "logistic"/],
    [["--models", "logistic", "--seeds", "0,0"], /--seeds is "0,0"/],
    [["--models", "logistic", "--jobs", "0"], /--jobs is 0/],
    [["--models", "logistic", "--set", "logistic.toleranse=1"], /tolerance/],
    [["--models", "logistic", "--preset", "papre"], /papre/],
    [["--models", "logistic", "--epochs", "0"], /--epochs is 0/],
  ] as const) {
    const { code, stderr } = await wrong(...flags);
    t.equal(code, 2);
    t.match(stderr, message);
  }
});
