import t from "tap";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { relu } from "../../engine/ops/activation.ts";
import { product } from "../../engine/ops/matmul.ts";
import { startProfiling, summarise, takeProfiles } from "../../engine/profile.ts";
import { Session } from "../../engine/runner.ts";
import { profileTable } from "../../harness/profile-table.ts";

function model() {
  const g = new Graph();
  const a = g.input("a", [64, 64]);
  return toOnnx(g, [g.scope("layer", () => product(relu(a), relu(a)))]);
}

async function run(times: number): Promise<Float32Array> {
  const session = await Session.create(model(), { label: "training" });
  const a = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i));
  let last = new Float32Array();
  for (let i = 0; i < times; i++) last = [...(await session.run({ a })).values()][0] as never;
  await session.release();
  return last;
}

t.test("a profile names operations, modules and shares, and changes no number", async (t) => {
  const plain = await run(3);
  t.same(takeProfiles(), [], "off unless asked for");
  startProfiling();
  t.same(await run(30), plain);
  const profiles = takeProfiles();
  t.equal(profiles.length, 1);
  const [profile] = profiles;
  t.match(profile, { session: "training", runs: 20 });
  const operations = profile?.operations ?? [];
  t.same(operations.map(({ operation }) => operation).sort(), [
    "(outside operations)",
    "MatMul",
    "Relu",
  ]);
  t.ok(Math.abs(operations.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  const matmul = operations.find(({ operation }) => operation === "MatMul");
  t.match(matmul, { calls: 1, modules: ["layer"] });
  t.match(profileTable(profiles), /training, mean of 20 runs[\s\S]*MatMul[\s\S]* %/);
  await run(1);
  t.same(takeProfiles(), [], "off again");
});

t.test("a session that ran less than a profile needs is told as far as it came", async (t) => {
  startProfiling();
  await run(2);
  t.match(takeProfiles(), [{ runs: 1 }]);
});

t.test("sums are per run, without the first runs", async (t) => {
  const node = (name: string, op_name: string, ts: number, dur: number) =>
    ({ cat: "Node", name: `${name}_kernel_time`, ts, dur, args: { op_name } }) as const;
  const events = [0, 1, 2, 3, 4, 5].flatMap((i) => [
    { cat: "Session", name: "model_run", ts: 100 * i, dur: i < 4 ? 1000 : 50 },
    node("a.b.mul#1", "Mul", 100 * i + 1, i < 4 ? 900 : 30),
    node("add#2", "Add", 100 * i + 35, 10),
  ]);
  t.same(summarise("s", events, 6), {
    session: "s",
    runs: 2,
    operations: [
      { operation: "Mul", modules: ["a.b"], calls: 1, milliseconds: 0.03, share: 0.6 },
      { operation: "Add", modules: ["(model)"], calls: 1, milliseconds: 0.01, share: 0.2 },
      { operation: "(outside operations)", modules: [], calls: 1, milliseconds: 0.01, share: 0.2 },
    ],
  });
});

t.test("the time of a loop is not counted twice", async (t) => {
  const node = (name: string, op_name: string, ts: number, dur: number) =>
    ({ cat: "Node", name: `${name}_kernel_time`, ts, dur, args: { op_name } }) as const;
  const events = [
    { cat: "Session", name: "model_run", ts: 0, dur: 100 },
    node("scan#1", "Scan", 0, 80),
    node("a.mul#2", "Mul", 5, 30),
    node("a.mul#2", "Mul", 40, 30),
    node("add#3", "Add", 80, 20),
  ];
  const { operations } = summarise("s", events, 1);
  t.same(
    operations.map(({ operation, share }) => [operation, share]),
    [
      ["Mul", 0.6],
      ["Scan", 0.2],
      ["Add", 0.2],
      ["(outside operations)", 0],
    ],
  );
});
