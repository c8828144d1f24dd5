/** Operations for quantization: gradients both ways, the straight-through estimate, ties of the selection. */
import * as tf from "@tensorflow/tfjs";
import t from "tap";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { add, mul, stopGradient } from "../../engine/ops/elementwise.ts";
import { gatherRows } from "../../engine/ops/indexing.ts";
import {
  frobeniusNorm,
  highest,
  logSumExp,
  matmulTransposed,
  straightThrough,
  transposedMatmul,
} from "../../engine/ops/nearest.ts";
import { l2Normalise } from "../../engine/ops/normalization.ts";
import { Session } from "../../engine/runner.ts";
import { type Case, worstAgainstOracle, worstDifference } from "./check-gradient.ts";

type T = Tensor;
type O = tf.Tensor;

const unitOracle = (x: O) => x.div(x.square().sum(-1, true).add(1e-12).sqrt());

const cases: Case[] = [
  {
    name: "l2Normalise",
    shapes: [["B", "L", 4]],
    ours: ([x]) => l2Normalise(x as T),
    oracle: ([x]) => unitOracle(x as O),
  },
  {
    name: "logSumExp",
    shapes: [["B*L", 4]],
    ours: ([x]) => logSumExp(x as T),
    oracle: ([x]) => tf.logSumExp(x as O, -1, true),
  },
  {
    name: "frobeniusNorm",
    shapes: [["B*L", 4]],
    ours: ([x]) => frobeniusNorm(x as T),
    oracle: ([x]) => (x as O).square().sum().add(1e-12).sqrt(),
  },
  {
    name: "matmulTransposed",
    shapes: [
      ["B", "L", 4],
      [5, 4],
    ],
    ours: ([a, b]) => matmulTransposed(a as T, b as T),
    oracle: ([a, b]) => tf.matMul(a as O, tf.broadcastTo(b as O, [2, 5, 4]), false, true),
  },
  {
    name: "transposedMatmul",
    shapes: [
      ["B*L", 4],
      ["B*L", 5],
    ],
    ours: ([a, b]) => transposedMatmul(a as T, b as T),
    oracle: ([a, b]) => tf.matMul(a as O, b as O, true, false),
  },
];

t.test("gradients agree with central differences and with tfjs", async (t) => {
  for (const c of cases) {
    const difference = await worstDifference(c);
    t.ok(difference < 1e-7, `${c.name}: ${difference}`);
    const oracle = await worstAgainstOracle(c);
    t.ok(oracle < 1e-5, `${c.name} against tfjs: ${oracle}`);
  }
});

async function run(
  g: Graph,
  outputs: T[],
  feeds: Record<string, Float32Array>,
): Promise<unknown[]> {
  const session = await Session.create(toOnnx(g, outputs));
  const results = await session.run(feeds);
  await session.release();
  return outputs.map((output) => results.get(output.name));
}

t.test("straight-through has the value of one and the gradient of the other", async (t) => {
  const g = new Graph();
  const x = g.input("x", [3]);
  const y = g.input("y", [3]);
  x.tracked = true;
  y.tracked = true;
  const through = straightThrough(x, y);
  const loss = mul(through, through);
  const found = gradients(loss, g.floats([1, 1, 1]));
  t.notOk(found.has(y), "nothing reaches y");
  const [value, slope] = await run(g, [through, found.get(x) as T], {
    x: Float32Array.of(0.5, 1, 2),
    y: Float32Array.of(3, -1, 0.25),
  });
  t.same([...(value as Float32Array)], [3, -1, 0.25]);
  t.same([...(slope as Float32Array)], [6, -2, 0.5], "as if x had the value of y");
});

t.test("a detached value has no gradient", async (t) => {
  const g = new Graph();
  const x = g.input("x", [2]);
  x.tracked = true;
  const square = mul(x, x);
  const seed = g.floats([1, 1]);
  t.equal(gradients(add(x, stopGradient(square)), seed).get(x), seed, "only the direct way counts");
  t.not(gradients(add(x, square), seed).get(x), seed);
});

t.test("a row of zeros stays finite", async (t) => {
  const g = new Graph();
  const x = g.input("x", [1, 3]);
  x.tracked = true;
  const y = l2Normalise(x);
  const found = gradients(y, g.floats([1, 1, 1], [1, 3]));
  const [value, slope] = await run(g, [y, found.get(x) as T], { x: new Float32Array(3) });
  t.same([...(value as Float32Array)], [0, 0, 0]);
  t.ok((slope as Float32Array).every(Number.isFinite));
});

t.test("the highest come first, ties by position, whatever the number of columns", async (t) => {
  for (const width of [9, 40, 1000]) {
    const g = new Graph();
    const x = g.input("x", [2, width]);
    const values = new Float32Array(2 * width);
    for (const column of [2, 5, width - 1]) values[column] = 7;
    values[width + 4] = 1;
    const [ids] = await run(g, [highest(x, 4)], { x: values });
    t.same([...(ids as Int32Array)], [2, 5, width - 1, 0, 4, 0, 1, 2]);
  }
});

t.test("rows chosen in the graph leave it with their gradient", async (t) => {
  const g = new Graph();
  const table = g.parameter("table", [4, 2], () => new Float32Array(8));
  const x = g.input("x", [1, 4]);
  const ids = highest(x, 2);
  const rows = gatherRows(table, ids);
  const found = gradients(mul(rows, rows), g.floats([1, 1, 1, 1], [1, 2, 2]));
  t.equal(g.lookups.length, 1);
  t.equal(g.lookups[0]?.ids, ids);
  const [chosen, slope] = await run(g, [ids, found.get(rows) as T], {
    x: Float32Array.of(0, 3, 1, 5),
    table: Float32Array.of(0, 0, 1, 2, 0, 0, 3, 4),
  });
  t.same([...(chosen as Int32Array)], [3, 1]);
  t.same([...(slope as Float32Array)], [6, 8, 2, 4]);
  t.throws(() => gatherRows(mul(table, table), ids), /computed/);
});
