/** From `run` to `export` to a file that onnxruntime alone can run, by the command line. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { models } from "../../ehr-models/index.ts";
import type { ModelCard } from "../../harness/model-files.ts";
import { prepare } from "../../harness/prepare.ts";
import type { ResultRecord } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import { Stopwatch } from "../../harness/stopwatch.ts";
import { callCli } from "../support/cli.ts";
import { GRAPH_INPUTS } from "../support/graph-models.ts";
import { furthest, runPlain } from "../support/plain-onnx.ts";
import { contextOf, learnedTokenizer } from "../support/samples.ts";
import { silent, smallPlan, storeOf, twinStore } from "../support/small-run.ts";

/** The held-out predictions that a run kept, in the order of the samples. */
async function keptPredictions(store: EventStore, cache: string, run: string) {
  const file = join(cache, "predictions", `${run}.parquet`);
  const rows = await store.query(`SELECT score FROM '${file}' WHERE split = 'held_out'`);
  return rows.numbers("score");
}

/** What the exported files say of a store's held-out samples, by onnxruntime alone. */
async function exportedPredictions(
  store: EventStore,
  out: string,
  card: ModelCard,
  dir: string,
  settings: Readonly<Record<string, number>>,
) {
  const plan = smallPlan(card.task, card.model, dir);
  const model = models.get(card.model);
  const prepared = await prepare(store, plan, model.history(settings), silent, new Stopwatch());
  const vocabulary = JSON.parse(readFileSync(join(out, "vocabulary.json"), "utf8"));
  const units = vocabulary.codes as Record<string, number>;
  const tokenizer = {
    ...learnedTokenizer(),
    vocabularySize: vocabulary.size as number,
    unit: Int32Array.from(prepared.codes.code, (code) => units[code] ?? vocabulary.unknown),
  };
  const held = prepared.sources.held_out;
  const { codes, wholeTimelines: timelines } = prepared;
  const context = { ...contextOf({ train: held, tokenizer }), codes, timelines };
  const source = await GRAPH_INPUTS[card.model]?.(context, settings, held);
  const all = Int32Array.from({ length: held.size }, (_, i) => i);
  const { feeds = {}, dims = {} } = source?.collate(all) ?? {};
  return runPlain(join(out, "model.onnx"), card.inputs, feeds, dims);
}

/** Models of each way to make inputs: a sequence, a bag, visits, graphs of visits, a graph of drugs. */
const CASES = [
  ["los", "transformer", { width: 16, heads: 2, layers: 1, feedForward: 16, maxCodes: 48 }],
  ["readmission", "logistic", {}],
  ["mortality", "retain", { width: 8, alphaHidden: 8, betaHidden: 8 }],
  ["mortality", "gt-behrt", { nodeWidth: 6, width: 8, heads: 2, layers: 1, feedForward: 10 }],
] as const;

t.test("run, export, and onnxruntime alone: the held-out predictions again", async (t) => {
  const dir = t.testdir({});
  const [root, cache] = [join(dir, "raw"), join(dir, "cache")];
  await generateTwin({ layout: "mimic4", subjects: 150, seed: 3, out: root });
  const store = await storeOf("mimic4", root, dir);
  t.teardown(() => store.close());
  for (const [task, model, settings] of CASES) {
    const from = ["--dataset", "mimic4", "--root", root, "--cache-dir", cache];
    const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    const short = ["--epochs", "2", "--pretrain-epochs", "0", "--draws", "10", "--json"];
    const results = ["--out", join(dir, "results")];
    const run = await callCli([
      "run",
      ...from,
      "--task",
      task,
      "--model",
      model,
      ...set,
      ...short,
      ...results,
    ]);
    t.equal(run.code, 0, run.stderr);
    const [record] = JSON.parse(run.stdout) as ResultRecord[];
    const out = join(dir, model);
    const args = ["--run", `${record?.run_id}`, "--out", out, "--cache-dir", cache];
    const { code, stdout } = await callCli(["export", ...args]);
    t.equal(code, 0);
    t.match(stdout, /probabilities/);
    const card = JSON.parse(readFileSync(join(out, "model.json"), "utf8")) as ModelCard;
    t.match(card, { run_id: record?.run_id, task, model, opset: 17 });
    const expected = await keptPredictions(store, cache, card.run_id);
    const seen = await exportedPredictions(store, out, card, dir, settings);
    const far = furthest(expected, seen);
    t.ok(expected.length >= 10 && far < 1e-5, `${model}: ${expected.length} differ by ${far}`);
    t.ok(Math.max(...expected) - Math.min(...expected) > 1e-4, "they are not all alike");
  }
});

t.test("export writes a model, its vocabulary and what goes in and out, once", async (t) => {
  const dir = t.testdir({});
  const store = await twinStore("mimic4", 200, dir);
  t.teardown(() => store.close());
  const [record] = await runSeeds(store, smallPlan("los", "transformer", dir), silent);
  const out = join(dir, "model");
  const args = ["--run", `${record?.run_id}`, "--out", out, "--cache-dir", join(dir, "cache")];
  t.equal((await callCli(["export", ...args])).code, 0);
  const card = JSON.parse(readFileSync(join(out, "model.json"), "utf8")) as ModelCard;
  t.equal(card.outputs[0]?.classes.length, 10);
  const session = await ort.InferenceSession.create(join(out, "model.onnx"));
  t.same([...session.inputNames].sort(), card.inputs.map(({ name }) => name).sort());
  t.same(session.outputNames, ["probabilities"]);
  t.notOk(
    card.inputs.some(({ name }) => name.startsWith("dim:")),
    "sizes are read off the inputs",
  );
  await session.release();
  const vocabulary = JSON.parse(readFileSync(join(out, "vocabulary.json"), "utf8"));
  const units = Object.values(vocabulary.codes as Record<string, number>);
  t.ok(units.length > 10 && units.every((unit) => unit > 1 && unit < vocabulary.size));
  for (const file of ["model.onnx", "model.json", "vocabulary.json"])
    t.equal(statSync(join(dir, "cache", "models", `${record?.run_id}`, file)).mode & 0o077, 0);
  const again = await callCli(["export", ...args]);
  t.equal(again.code, 2);
  t.match(again.stderr, /not empty/);
});

t.test("a run that left no model is refused", async (t) => {
  const dir = t.testdir({});
  for (const run of ["0123456789abcdef", "../../etc"]) {
    const out = join(dir, "out");
    const { code, stderr } = await callCli([
      "export",
      "--run",
      run,
      "--out",
      out,
      "--cache-dir",
      dir,
    ]);
    t.equal(code, 2);
    t.match(stderr, /no trained model of run/);
    t.notOk(existsSync(out));
  }
});
