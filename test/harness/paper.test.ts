/** Protocol `paper`: each flaw does what its name says, alone, and none of them exists under `strict`. */
import t from "tap";
import type { Labels } from "../../core/label.ts";
import { FLAW_NAMES, type Flaw } from "../../core/protocol.ts";
import { Random } from "../../core/random.ts";
import { labelCounts, loadLabels } from "../../harness/labels.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { renderLeaderboard } from "../../harness/leaderboard-table.ts";
import {
  bareCodeRows,
  dropRareClasses,
  randomSplit,
  resample,
  softmaxAgain,
} from "../../harness/paper.ts";
import { checkedFlaws, chooseFlaws, flawsOf } from "../../harness/protocol.ts";
import { runSeeds } from "../../harness/run.ts";
import { tasks } from "../../tasks/index.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

const flags = (protocol: "strict" | "paper", flaw: string[] = [], without: string[] = []) => ({
  protocol,
  flaw,
  "without-flaw": without,
});
const withPaper = tasks.all.filter((task) => task.paper !== undefined);

t.test("strict has no flaws, and a plan that says otherwise does not run", (t) => {
  const task = tasks.get("los");
  t.same(chooseFlaws(flags("strict"), task, "mimic4"), []);
  t.throws(
    () => chooseFlaws(flags("strict", ["los-in-input"]), task, "mimic4"),
    /strict has no flaws/,
  );
  t.throws(
    () => checkedFlaws({ protocol: "strict", flaws: ["los-in-input"] }),
    /a strict run with/,
  );
  t.end();
});

t.test("paper has all flaws of the task, or those that are asked for", (t) => {
  const task = tasks.get("los");
  const all = flawsOf(task, "mimic4");
  t.ok(all.includes("los-in-input") && all.includes("micro-average"));
  t.notOk(all.includes("rare-classes-dropped") || all.includes("ever-died"));
  t.same(chooseFlaws(flags("paper"), task, "mimic4"), all);
  t.same(chooseFlaws(flags("paper", ["none"]), task, "mimic4"), []);
  t.same(chooseFlaws(flags("paper", ["micro-average", "no-exclusions"]), task, "mimic4"), [
    "no-exclusions",
    "micro-average",
  ]);
  t.same(chooseFlaws(flags("paper", [], all.slice(1)), task, "mimic4"), all.slice(0, 1));
  t.throws(() => chooseFlaws(flags("paper", ["micro-averages"]), task, "mimic4"), /unknown flaw/);
  t.throws(
    () => chooseFlaws(flags("paper", ["prevalent-cases"]), task, "mimic4"),
    /does not concern/,
  );
  t.throws(
    () => chooseFlaws(flags("paper"), tasks.get("long-los"), "mimic4"),
    /has no task long-los/,
  );
  t.ok(flawsOf(tasks.get("mortality"), "ehrshot").includes("ever-died"));
  const used = new Set([
    ...withPaper.flatMap((x) => ["mimic4", "ehrshot"].flatMap((d) => flawsOf(x, d))),
  ]);
  t.same(
    [...FLAW_NAMES].filter((name) => !used.has(name)),
    [],
    "every flaw is some task's",
  );
  t.end();
});

function made(kind: "binary" | "multiclass" | "multilabel", rows: number[][]): Labels {
  const size = rows.length;
  return {
    spec: { kind, classes: (rows[0] ?? []).map((_, c) => `c${c}`) },
    size,
    subject: Float64Array.from({ length: size }, (_, i) => Math.floor(i / 2)),
    predictionTime: new Float64Array(size),
    visit: new Float64Array(size),
    split: new Uint8Array(size),
    value: Uint8Array.from(rows.flat()),
  };
}

t.test("resampling balances classes, repeats samples and drops the last partial batch", (t) => {
  const labels = made(
    "binary",
    Array.from({ length: 600 }, (_, i) => [i < 30 ? 1 : 0]),
  );
  const all = Int32Array.from({ length: 600 }, (_, i) => i);
  const drawn = resample(labels, all, Random.fromSeed(1));
  t.equal(drawn.length, 512);
  const positives = drawn.filter((i) => i < 30).length;
  t.ok(positives > 200 && positives < 312, `${positives} of 512`);
  t.ok(new Set(drawn).size < drawn.length);
  t.same(drawn, resample(labels, all, Random.fromSeed(1)));
  const many = made(
    "multilabel",
    Array.from({ length: 600 }, (_, i) => [i < 30 ? 1 : 0, 1]),
  );
  t.ok(resample(many, all, Random.fromSeed(1)).filter((i) => i < 30).length < 60, "uniform");
  t.equal(
    resample(labels, all.subarray(0, 20), Random.fromSeed(1)).length,
    20,
    "less than a batch",
  );
  t.end();
});

t.test("the random split is by subject, 80/10/10, and changes with the seed", (t) => {
  const labels = made(
    "binary",
    Array.from({ length: 400 }, () => [0]),
  );
  const split = randomSplit(labels, Random.fromSeed(1));
  const counts = [0, 1, 2].map((s) => split.filter((x) => x === s).length);
  t.same(counts, [320, 40, 40]);
  for (let i = 0; i < 400; i += 2)
    if (split[i] !== split[i + 1]) t.fail(`subject ${i / 2} in two splits`);
  t.notSame(split, randomSplit(labels, Random.fromSeed(2)));
  t.end();
});

t.test("rare classes go, codes of one string become one, softmax mixes labels", (t) => {
  const labels = made("multilabel", [
    [1, 0, 1],
    [1, 0, 0],
    [1, 1, 1],
    [0, 1, 1],
  ]);
  const left = dropRareClasses(labels);
  t.same(left.spec.classes, ["c0", "c2"]);
  t.same([...left.value], [1, 1, 1, 0, 1, 1, 0, 1]);
  const codes = [
    "ICD10CM/E88.09",
    "ICD9CM/E880.9",
    "HOSPITAL_ADMISSION/4280",
    "ICD9CM/428.0",
    "ICD9Proc/42.80",
    "MEDS_DEATH",
  ];
  const table = { size: 6, code: codes, description: [], kind: new Uint8Array(6), parents: [] };
  t.same([...bareCodeRows(table)], [0, 0, 2, 3, 3, 5]);
  const [a = 0, b = 0, c = 0, d = 0] = softmaxAgain(Float32Array.of(0.9, 0.9, 0.8, 0.1), 2);
  t.ok(c > a && Math.abs(a - b) < 1e-6 && d < b, "0.8 beside 0.1 ranks above 0.9 beside 0.9");
  t.end();
});

t.test("runs: the record names the flaws, and no flaw gives what strict gives", async (t) => {
  const dir = t.testdir();
  const store = await twinStore("mimic4", 300, dir);
  t.teardown(() => store.close());
  const run = async (protocol: "strict" | "paper", flaws: readonly Flaw[]) => {
    const [record] = await runSeeds(
      store,
      smallPlan("readmission", "logistic", dir, { protocol, flaws }),
      silent,
    );
    if (record === undefined) throw new Error("no record");
    return record;
  };
  const strict = await run("strict", []);
  const none = await run("paper", []);
  t.equal(strict.spec.flaws, undefined);
  t.same(none.spec.flaws, []);
  t.equal(none.predictions_hash, strict.predictions_hash);
  t.same(none.metrics, strict.metrics);
  t.not(none.run_id, strict.run_id);
  const all = await run("paper", flawsOf(tasks.get("readmission"), "mimic4"));
  t.equal(all.spec.protocol, "paper");
  t.equal(all.best_possible, null, "the true risk is not of flawed labels");
  t.not(strict.best_possible, null);
  t.match(
    renderLeaderboard(makeLeaderboard([all])),
    /protocol paper \(filtered-visits, no-exclusions/,
  );
  t.ok(all.spec.flaws?.includes("batch-averaged-metrics"));
  t.match(all.metrics.auprc.interval_reason, /protocol paper/);
  const balanced = await run("paper", ["resampled-evaluation"]);
  t.ok(
    Number(balanced.metrics.auprc.prevalence) > 2 * Number(strict.metrics.auprc.prevalence),
    "about one half",
  );
  const last = await run("paper", ["last-epoch"]);
  t.equal(last.training.best_epoch, last.training.epochs);
  await t.rejects(run("strict", ["last-epoch"]), /a strict run with/);
});

t.test("the split of a run of protocol paper is counted as it was", async (t) => {
  const store = await twinStore("mimic4", 200, t.testdir());
  t.teardown(() => store.close());
  const labels = await loadLabels(store, tasks.get("los"), {});
  const split = randomSplit(labels, Random.fromSeed(0));
  const [train, , held] = labelCounts({ ...labels, split });
  t.equal(train?.subjects, Math.floor(new Set(labels.subject).size * 0.8));
  t.ok((held?.samples ?? 0) > 0);
});
