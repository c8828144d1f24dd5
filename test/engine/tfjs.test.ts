/** The second runtime gives the numbers of the first within float tolerance. */
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { models } from "../../ehr-models/index.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { chooseRuntime, chosenRuntime, Session } from "../../engine/runner.ts";
import { runSeeds } from "../../harness/run.ts";
import { callCli } from "../support/cli.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";
import { build } from "./check-gradient.ts";
import { cases } from "./gradient-cases.ts";

t.afterEach(() => chooseRuntime("onnxruntime"));

t.test("every operation that tfjs knows agrees with onnxruntime, gradients too", async (t) => {
  let agreed = 0;
  /** Operators that tfjs lacks are refused by name, never run otherwise. */
  const refused = (error: unknown, name: string) => {
    if (!(error instanceof BenchError) || !/does not know the operator/.test(error.message))
      throw error;
    t.comment(`${name}: ${error.message}`);
    return undefined;
  };
  for (const c of cases) {
    chooseRuntime("onnxruntime");
    const first = await build(c, "float32");
    const expected = await first.run();
    await first.release();
    chooseRuntime("tfjs");
    const second = await build(c, "float32").catch((error: unknown) => refused(error, c.name));
    if (second === undefined) continue;
    agreed += 1;
    const seen = await second.run();
    await second.release();
    const pairs = [
      [seen.y, expected.y],
      ...seen.gradients.map((d, i) => [d, expected.gradients[i]]),
    ];
    for (const [a, b] of pairs as [Float32Array, Float32Array][]) {
      t.equal(a.length, b.length, c.name);
      const top = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
      const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
      if (!(worst / top < 1e-5)) t.fail(`${c.name}: ${worst / top}`);
    }
  }
  t.ok(agreed > 0.9 * cases.length, `${agreed} of ${cases.length}`);
});

for (const name of ["transformer", "logistic"]) {
  t.test(`${name} trains to the same predictions`, async (t) => {
    const train = sourceOf(makeSamples(16, LABELS.binary), LABELS.binary);
    const small =
      name === "transformer" ? { width: 8, heads: 2, layers: 1, feedForward: 8, batchSize: 8 } : {};
    const fit = async () => {
      const model = await models.get(name).fit(contextOf({ train, epochs: 2 }), small);
      const probabilities = await model.predict(train);
      await model.dispose();
      return probabilities;
    };
    const expected = await fit();
    chooseRuntime("tfjs");
    t.match(chosenRuntime(), { name: /tfjs/, version: /^\d/ });
    const seen = await fit();
    const worst = expected.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (seen[i] as number))),
      0,
    );
    t.ok(worst < 1e-4, `differs by ${worst}`);
  });
}

t.test("the record says which runtime ran", async (t) => {
  const dir = t.testdir({});
  const store = await twinStore("mimic4", 120, dir);
  t.teardown(() => store.close());
  const plan = smallPlan("readmission", "logistic", dir, { epochs: 1 });
  const [first] = await runSeeds(store, plan, silent);
  t.match(first?.harness, { runtime: "onnxruntime-node" });
  chooseRuntime("tfjs");
  const [second] = await runSeeds(store, plan, silent);
  t.match(second?.harness, { runtime: /^@tensorflow\/tfjs/, runtime_version: /^\d/ });
  const auprc = (record: typeof first) => record?.metrics.auprc.value as number;
  t.ok(Math.abs(auprc(first) - auprc(second)) < 1e-2);
});

t.test("an operator that tfjs does not know is refused by name", async (t) => {
  chooseRuntime("tfjs");
  const g = new Graph();
  const y = g.emit("Celu", [g.input("x", [2])], [2]);
  const error = await Session.create(toOnnx(g, [y])).catch((e: unknown) => e);
  t.ok(error instanceof BenchError);
  t.match(error, { message: /does not know the operator Celu/ });
});

t.test("a device that is not there is refused with the reason", async (t) => {
  for (const device of ["webgpu", "cuda"]) {
    const args = ["run", "--dataset", "mimic4", "--task", "los", "--device", device];
    const { code, stderr } = await callCli(args, { MEDTOK_BENCH_CACHE: t.testdir({}) });
    t.equal(code, 2);
    t.match(stderr, new RegExp(`--device ${device} is not there`));
  }
});
