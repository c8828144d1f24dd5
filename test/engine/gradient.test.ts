import t from "tap";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { relu } from "../../engine/ops/activation.ts";
import { add, mul } from "../../engine/ops/elementwise.ts";
import { Session } from "../../engine/runner.ts";
import { worstAgainstOracle, worstDifference } from "./check-gradient.ts";
import { broadcastCases, cases } from "./gradient-cases.ts";

t.test("every rule agrees with central differences in float64 to 1e-7", async (t) => {
  for (const c of cases) {
    if (c.float64 === false) continue;
    const worst = await worstDifference(c);
    t.ok(worst < 1e-7, `${c.name}: ${worst}`);
  }
});

t.test("every operation and rule agrees with tfjs", async (t) => {
  for (const c of cases) {
    const worst = await worstAgainstOracle(c);
    t.ok(worst < 1e-5, `${c.name}: ${worst}`);
  }
});

t.test("all broadcast patterns up to rank 3 agree with tfjs", async (t) => {
  for (const c of broadcastCases) {
    const worst = await worstAgainstOracle(c);
    if (!(worst < 1e-5)) t.fail(`${c.name}: ${worst}`);
  }
  t.equal(broadcastCases.length, 4 * 15 * 15);
});

t.test("a fair share of the broadcast patterns agrees with central differences", async (t) => {
  for (const [i, c] of broadcastCases.entries()) {
    if (i % 7 !== 0) continue;
    const worst = await worstDifference(c);
    if (!(worst < 1e-7)) t.fail(`${c.name}: ${worst}`);
  }
  t.pass();
});

t.test("a gradient that is off by one part in 100,000 is detected", async (t) => {
  const c = cases.find(({ name }) => name === "affine");
  if (c === undefined) throw new Error("no such case");
  const worst = await worstDifference(c, (gradient) => {
    gradient[0] = (gradient[0] as number) * (1 + 1e-5);
  });
  t.ok(worst > 1e-7, `seen as ${worst}`);
});

t.test("a rule that forgets one use of a value is detected", async (t) => {
  const worst = await worstDifference({
    name: "forgetful square",
    shapes: [[3]],
    ours: ([x]) => {
      if (x === undefined) throw new Error("no operand");
      const y = x.graph.withoutGradient(() => mul(x, x));
      return x.graph.record(y, [x], (dy) => [() => mul(dy, x)]);
    },
  });
  t.ok(worst > 1e-3, `seen as ${worst}`);
});

t.test("values without a parameter among their ancestors get no backward nodes", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B", 4]);
  const w = g.parameter("w", [4], () => new Float32Array(4));
  const fixed = mul(x, x);
  const y = add(fixed, w);
  const found = gradients(y, g.input("seed", ["B", 4]));
  t.notOk(fixed.tracked);
  t.notOk(found.has(fixed));
  t.ok(found.has(w));
});

t.test("relu lets a gradient through wherever its output is above 0, however small", async (t) => {
  const g = new Graph();
  const x = g.parameter("x", [6], () => new Float32Array(6));
  const dx = gradients(relu(x), g.input("seed", [6])).get(x) as Tensor;
  const session = await Session.create(toOnnx(g, [dx]));
  const feeds = {
    x: Float32Array.of(-1, 0, 1.2e-38, 1e-20, 1, 3e38),
    seed: Float32Array.of(1, 2, 3, 4, 5, 6),
  };
  const found = (await session.run(feeds)).get(dx.name) as Float32Array;
  t.same([...found], [0, 0, 3, 4, 5, 6]);
  await session.release();
});
