/** An exported model, loaded by the runtime alone, gives the predictions of the run. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import t from "tap";
import type { FittedModel } from "../../core/model.ts";
import { bagInputs } from "../../ehr-models/bag-inputs.ts";
import { models } from "../../ehr-models/index.ts";
import { transformerModel } from "../../ehr-models/transformer.ts";
import type { ModelCard } from "../../harness/model-files.ts";
import { runSeeds } from "../../harness/run.ts";
import { callCli } from "../support/cli.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

t.test("export writes a model, its vocabulary and what goes in and out", async (t) => {
  const dir = t.testdir({});
  const store = await twinStore("mimic4", 200, dir);
  t.teardown(() => store.close());
  const [record] = await runSeeds(store, smallPlan("los", "transformer", dir), silent);
  const out = join(dir, "model");
  const args = ["--run", `${record?.run_id}`, "--out", out, "--cache-dir", join(dir, "cache")];
  const { code, stdout } = await callCli(["export", ...args]);
  t.equal(code, 0);
  t.match(stdout, /probabilities/);
  const card = JSON.parse(readFileSync(join(out, "model.json"), "utf8")) as ModelCard;
  t.match(card, { run_id: record?.run_id, task: "los", model: "transformer", opset: 17 });
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

/** Probabilities by onnxruntime alone, from arrays named as the file names its inputs. */
async function plain(
  fitted: FittedModel,
  feeds: Readonly<Record<string, unknown>>,
  dims: Record<string, number>,
) {
  const exported = await fitted.exportOnnx?.();
  if (exported === undefined) throw new Error("no ONNX form");
  const session = await ort.InferenceSession.create(exported.bytes);
  const all = exported.inputs.map(({ name, type, shape }) => {
    const sizes = shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim] as number)));
    return [name, new ort.Tensor(type as "float32", feeds[name] as Float32Array, sizes)];
  });
  const results = await session.run(Object.fromEntries(all));
  await session.release();
  return results["probabilities"]?.data as Float32Array;
}

for (const [name, kind] of [
  ["transformer", "binary"],
  ["transformer", "multiclass"],
  ["logistic", "multilabel"],
] as const) {
  t.test(`onnxruntime alone repeats the predictions of ${name} on ${kind} labels`, async (t) => {
    const train = sourceOf(makeSamples(24, LABELS[kind], 1, 60), LABELS[kind]);
    const held = sourceOf(makeSamples(12, LABELS[kind], 2, 60), LABELS[kind]);
    const context = contextOf({ train, epochs: 2 });
    const fitted = await models.get(name).fit(context, {});
    const expected = await fitted.predict(held);
    const inputs =
      name === "logistic"
        ? bagInputs(held, context.tokenizer)
        : transformerModel.inputs(held, context.tokenizer, transformerModel.defaults);
    const { feeds, dims } = inputs.collate(Int32Array.from({ length: held.size }, (_, i) => i));
    const seen = await plain(fitted, feeds, { ...dims });
    await fitted.dispose();
    t.equal(seen.length, expected.length);
    const furthest = expected.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (seen[i] as number))),
      0,
    );
    t.ok(furthest < 1e-5, `differs by ${furthest}`);
    t.ok(Math.max(...expected) - Math.min(...expected) > 1e-3, "the predictions are not all alike");
  });
}
