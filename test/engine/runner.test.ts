import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { loadRuntime, runtimeVersion } from "../../engine/onnxruntime.ts";
import { add, mul } from "../../engine/ops/elementwise.ts";
import { Session } from "../../engine/runner.ts";

async function sum(): Promise<{ session: Session; output: string }> {
  const g = new Graph();
  const y = add(g.input("x", ["B", 2]), g.input("w", [2]));
  return { session: await Session.create(toOnnx(g, [y])), output: y.name };
}

t.test("feeds are checked before the runtime sees them", async (t) => {
  const { session } = await sum();
  const x = new Float32Array(6);
  const w = new Float32Array(2);
  const dims = { B: 3 };
  await t.rejects(session.run({ x, w, v: w }, dims), /the model has no input "v"/);
  await t.rejects(session.run({ x }, dims), /no value for the input "w" \[2\]/);
  await t.rejects(
    session.run({ x: new Int32Array(6), w }, dims),
    /"x" wants Float32Array, got Int32Array/,
  );
  await t.rejects(session.run({ x, w }, { B: 4 }), /"x" wants \[B, 2\] = \[4, 2\], got 6 values/);
  await t.rejects(session.run({ x, w }), /no value for "B"/);
  await session.release();
});

t.test("a held array is read in place at every run", async (t) => {
  const { session, output } = await sum();
  const w = Float32Array.of(1, 2);
  session.hold("w", w);
  const run = async () => (await session.run({ x: new Float32Array(2) }, { B: 1 })).get(output);
  t.same(await run(), Float32Array.of(1, 2));
  w[0] = 5;
  t.same(await run(), Float32Array.of(5, 2));
  await session.release();
});

t.test("one session serves every size of the named dims", async (t) => {
  const { session, output } = await sum();
  session.hold("w", Float32Array.of(1, 1));
  for (const B of [1, 7, 3]) {
    const results = await session.run({ x: new Float32Array(2 * B) }, { B });
    t.same(results.get(output), new Float32Array(2 * B).fill(1));
  }
  await session.release();
});

t.test("what no output needs is left out of the model", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B"]);
  const y = add(x, x);
  mul(y, g.input("unused", ["B"]));
  const model = toOnnx(g, [y]);
  t.equal(model.nodeCount, 1);
  t.same(
    model.inputs.map(({ name }) => name),
    ["x"],
  );
});

t.test("values can be written into an exported model", async (t) => {
  const g = new Graph();
  const y = add(g.input("x", ["B", 2]), g.input("w", [2]));
  const model = toOnnx(g, [y], new Map([["w", Float32Array.of(3, 4)]]));
  const session = await Session.create(model);
  const results = await session.run({ x: new Float32Array(2) }, { B: 1 });
  t.same(results.get(y.name), Float32Array.of(3, 4));
  await session.release();
});

t.test("the runtime's version is known", async (t) => {
  t.match(runtimeVersion(), { name: "onnxruntime-node", version: /^\d+\.\d+\.\d+$/ });
});

t.test("a missing runtime is told with the flag that installs it", async (t) => {
  const load = () => Promise.reject(new Error("Cannot find package"));
  const error = await loadRuntime(load).catch((e: unknown) => e);
  t.ok(error instanceof BenchError);
  t.match(
    (error as BenchError).render(),
    /could not be loaded\nfix:.*--onnxruntime-node-install=skip/,
  );
});
