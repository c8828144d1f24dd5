/** Every loss term: its value by hand or tfjs, its gradient by central differences, and where gradients must not go. */
import * as tf from "@tensorflow/tfjs";
import t from "tap";
import { Random } from "../../../core/random.ts";
import { gradients } from "../../../engine/gradient.ts";
import { Graph, type Tensor } from "../../../engine/graph.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { Session } from "../../../engine/runner.ts";
import { medTokConfig } from "../../../tokenizers/medtok/config.ts";
import {
  alignment,
  codebookLoss,
  contrast,
  divergence,
  LOSS_TERMS,
  orthogonality,
  trainingLosses,
} from "../../../tokenizers/medtok/losses.ts";
import type { QuantizedPart } from "../../../tokenizers/medtok/quantizer.ts";
import { type Case, worstAgainstOracle, worstDifference } from "../../engine/check-gradient.ts";

type T = Tensor;
type O = tf.Tensor;

const unitOracle = (x: O) => x.div(x.square().sum(-1, true).add(1e-12).sqrt());

/** By the definition: cross entropy of each row of similarities against its own diagonal. */
function contrastOracle(a: O, b: O, tau: number): O {
  const logits = tf.matMul(unitOracle(a), unitOracle(b), false, true).div(tau) as tf.Tensor2D;
  const labels = tf.oneHot(tf.range(0, logits.shape[0], 1, "int32"), logits.shape[0]);
  return tf.losses.softmaxCrossEntropy(labels, logits);
}

function divergenceOracle(u: O, v: O, rows: O, tau: number): O {
  const distance = (x: O) =>
    tf.sub(2, tf.matMul(x, rows, false, true).mul(2)).div(-tau) as tf.Tensor2D;
  const [p, q] = [tf.softmax(distance(u)), tf.softmax(distance(v))];
  return p.mul(p.log().sub(q.log())).sum(1).mean();
}

const PAIR = [
  ["B*L", 4],
  ["B*L", 4],
] as const;

const ROWS = Array.from({ length: 20 }, (_, i) => Math.sin(i + 1));

const cases: Case[] = [
  {
    name: "contrast",
    shapes: PAIR,
    ours: ([a, b]) => contrast(a as T, b as T, 0.5),
    oracle: ([a, b]) => contrastOracle(a as O, b as O, 0.5),
  },
  {
    name: "alignment",
    shapes: PAIR,
    ours: ([a, b]) => alignment(a as T, b as T),
    oracle: ([a, b]) =>
      unitOracle(a as O)
        .mul(unitOracle(b as O))
        .sum(1)
        .mean(),
  },
  {
    name: "orthogonality",
    shapes: PAIR,
    ours: ([a, b]) => orthogonality(a as T, b as T, false),
    oracle: ([a, b]) =>
      tf
        .matMul(a as O, b as O, true)
        .square()
        .sum()
        .sqrt()
        .div(6),
  },
  {
    name: "orthogonality as published",
    shapes: PAIR,
    ours: ([a, b]) => orthogonality(a as T, b as T, true),
    oracle: ([a, b]) =>
      tf
        .matMul(a as O, b as O, true)
        .square()
        .sum()
        .sqrt(),
  },
  {
    name: "divergence",
    shapes: PAIR,
    ours: ([a, b]) => divergence(a as T, b as T, (a as T).graph.floats(ROWS, [5, 4]), 0.3),
    oracle: ([a, b]) => divergenceOracle(a as O, b as O, tf.tensor(ROWS, [5, 4]), 0.3),
  },
];

t.test("values and gradients agree with tfjs and central differences", async (t) => {
  for (const c of cases) {
    const difference = await worstDifference(c);
    t.ok(difference < 1e-7, `${c.name}: ${difference}`);
    const oracle = await worstAgainstOracle(c);
    t.ok(oracle < 1e-5, `${c.name} against tfjs: ${oracle}`);
  }
});

async function evaluate(
  outputs: T[],
  feeds: Record<string, Float64Array>,
): Promise<Float64Array[]> {
  const g = (outputs[0] as T).graph;
  const nodes = outputs.map((x) => g.emit("Identity", [x], x.shape));
  const session = await Session.create(toOnnx(g, nodes));
  const names = new Set(session.model.inputs.map(({ name }) => name));
  const own = Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
  const results = await session.run(own);
  await session.release();
  return nodes.map((node) => results.get(node.name) as Float64Array);
}

t.test("codebook and commitment: each side moves by its own term only", async (t) => {
  const g = new Graph({ dtype: "float64" });
  const [base, vector] = [g.input("e", [2, 3]), g.input("v", [2, 3])];
  base.tracked = true;
  vector.tracked = true;
  const loss = codebookLoss({ base, vector } as QuantizedPart, 0.25);
  const found = gradients(loss, g.scalar(1));
  const e = Float64Array.of(1, 2, 3, -1, 0, 0.5);
  const v = Float64Array.of(0.5, 2, 1, 0, 1, 0.25);
  const outputs = [loss, found.get(base) as T, found.get(vector) as T];
  const [value, de, dv] = await evaluate(outputs, { e, v });
  // The other side is fixed at its value, as sg[·] says: central differences of plain functions.
  const term = (x: Float64Array, y: Float64Array) =>
    x.reduce((sum, xi, i) => sum + (xi - (y[i] as number)) ** 2, 0) / x.length;
  t.ok(Math.abs((value?.[0] as number) - 1.25 * term(e, v)) < 1e-12);
  for (let i = 0; i < 6; i++) {
    const moved = (x: Float64Array, by: number) => x.map((xi, j) => (i === j ? xi + by : xi));
    const slope = (f: (by: number) => number) => (f(1e-5) - f(-1e-5)) / 2e-5;
    const wantedE = slope((by) => 0.25 * term(moved(e, by), v));
    const wantedV = slope((by) => term(e, moved(v, by)));
    t.ok(Math.abs((de?.[i] as number) - wantedE) < 1e-8);
    t.ok(Math.abs((dv?.[i] as number) - wantedV) < 1e-8);
  }
});

t.test("by hand for two codes in two dimensions", async (t) => {
  const g = new Graph({ dtype: "float64" });
  const x = g.input("x", [2, 2]);
  const y = g.input("y", [2, 2]);
  const outputs = [
    contrast(x, x, 1),
    contrast(x, y, 1),
    alignment(x, y),
    orthogonality(x, x, true),
    orthogonality(x, x, false),
    divergence(x, x, g.floats([1, 0], [1, 2]), 1),
  ];
  const feeds = { x: Float64Array.of(2, 0, 0, 3), y: Float64Array.of(0, 1, 0, 1) };
  const values = (await evaluate(outputs, feeds)).map((v) => v[0] as number);
  const wanted = [
    Math.log(Math.E + 1) - 1, // own similarity 1, the other's 0
    // row 1 is at right angles to both of y, row 2 equal to both: each is a coin toss
    Math.log(2),
    0.5,
    Math.sqrt(4 ** 2 + 9 ** 2),
    Math.sqrt(4 ** 2 + 9 ** 2) / 2,
    0,
  ];
  for (const [i, value] of values.entries())
    t.ok(Math.abs(value - (wanted[i] as number)) < 1e-9, `${i}: ${value}`);
});

t.test("orthogonality grows with the batch in the published reading alone", async (t) => {
  const random = Random.fromSeed(4);
  const row = Array.from({ length: 4 }, () => random.normal());
  const values: number[][] = [];
  for (const count of [1, 8]) {
    const g = new Graph({ dtype: "float64" });
    const x = g.floats(Array.from({ length: count }, () => row).flat(), [count, 4]);
    const made = await evaluate([orthogonality(x, x, false), orthogonality(x, x, true)], {});
    values.push(made.map((v) => v[0] as number));
  }
  t.ok(Math.abs((values[1]?.[0] as number) - (values[0]?.[0] as number)) < 1e-9);
  t.ok(Math.abs((values[1]?.[1] as number) / (values[0]?.[1] as number) - 8) < 1e-9);
});

const SIZES = { codes: 9, words: 5, textWidth: 6, nodes: 7, buckets: 1 };

function termsOf(options: Record<string, string | number>): string[] {
  const g = new Graph({ training: true });
  const config = medTokConfig({ codebookSize: 48, width: 8, heads: 2, klRows: 4, ...options }, 9);
  return [...trainingLosses(g, config, SIZES).terms.keys()];
}

t.test(
  "which terms there are: all in strict, no KL in paper, packing of one side without the other",
  async (t) => {
    t.same(termsOf({}), LOSS_TERMS);
    t.same(
      termsOf({ protocol: "paper", klWeight: 0 }),
      LOSS_TERMS.filter((name) => name !== "kl"),
    );
    const single = ["codebook", "specificContrast", "orthogonality"];
    t.same(termsOf({ modality: "text" }), single);
    t.same(termsOf({ modality: "graph" }), single);
  },
);

t.test("gradients reach the codebook from the codebook term only", async (t) => {
  const g = new Graph({ training: true });
  const config = medTokConfig({ codebookSize: 48, width: 8, heads: 2, klRows: 4 }, 9);
  const { terms } = trainingLosses(g, config, SIZES);
  const chosen = g.lookups.filter(({ table }) => table.name === "codebook");
  t.equal(chosen.length, 3, "one search a region");
  for (const [name, term] of terms) {
    const found = gradients(term, g.scalar(1));
    const reached = chosen.filter(({ rows }) => found.has(rows)).length;
    t.equal(reached, name === "codebook" ? 3 : 0, name);
    const isPacking = name !== "codebook";
    if (isPacking)
      t.ok(
        g.parameters.some(({ tensor }) => found.has(tensor)),
        `${name} reaches the encoders`,
      );
  }
});
