import * as tf from "@tensorflow/tfjs";
import t from "tap";
import { Random } from "../../core/random.ts";
import { embedCodes, frozenTables } from "../../ehr-models/code-embedding.ts";
import { learnedRows, meanSquareWeight } from "../../ehr-models/token-rows.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph } from "../../engine/graph.ts";
import { mixed } from "../../engine/mixture.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { K, ROWS, SEGMENTS, tokenTokenizer, V } from "../support/made-tokens.ts";
import { makeTrainer, trainSteps } from "../support/unit-trainer.ts";

const OUT = 5;
const UNITS = Int32Array.of(2, 7, 7, 0, 61, 1, 30, 2);
const { representation: TOKENS } = tokenTokenizer(false, true);
const EACH = SEGMENTS * K;

interface Embedded {
  readonly values: ArrayLike<number>;
  /** Of sum(values ⊙ seed), by the learned vectors of tokens [ROWS × OUT]. */
  readonly gradient: Float64Array;
}

async function embed(seed: Float64Array, theta: Float64Array): Promise<Embedded> {
  const g = new Graph({ dtype: "float64" });
  const y = learnedRows(g.input("u", ["B", "L"], "int32"), TOKENS, OUT, 1);
  const found = gradients(y, g.input("seed", y.shape));
  const [look] = g.lookups;
  const [mixture] = g.mixtures;
  const rows = look && found.get(look.rows);
  if (mixture === undefined || rows === undefined) throw new Error("tokens have no gradient");
  const session = await Session.create(toOnnx(g, [y, rows]));
  const feeds = { u: UNITS, seed, rows: mixed(mixture, theta) };
  const results = await session.run(feeds, { B: 2, L: 4 });
  await session.release();
  const gradient = new Float64Array(ROWS * OUT);
  const moved = results.get(rows.name) ?? [];
  const { ids, weights } = mixture.rows;
  for (const [i, unit] of UNITS.entries())
    for (let n = unit * EACH; n < (unit + 1) * EACH; n++)
      for (let j = 0; j < OUT; j++) {
        const at = (ids[n] ?? Number.NaN) * OUT + j;
        gradient[at] = (gradient[at] ?? 0) + (weights[n] ?? 0) * Number(moved[i * OUT + j]);
      }
  return { values: results.get(y.name) ?? [], gradient };
}

const seedOf = () => Float64Array.from({ length: UNITS.length * OUT }, (_, i) => Math.cos(3 * i));
const thetaOf = () => Float64Array.from({ length: ROWS * OUT }, (_, i) => Math.sin(2 * i + 1));

/** Mean over units of the squared weights of their distinct tokens, in plain maps. */
function meanSquare(): number {
  let sum = 0;
  for (let unit = 2; unit < V; unit++) {
    const byToken = Array.from({ length: ROWS }, () => 0);
    for (let n = unit * EACH; n < (unit + 1) * EACH; n++) {
      const token = TOKENS.tokens[n] ?? -1;
      byToken[token] = (byToken[token] ?? Number.NaN) + (TOKENS.weights[n] ?? Number.NaN);
    }
    sum += byToken.reduce((total, x) => total + x * x, 0);
  }
  return sum / (V - 2);
}

t.test(
  "a code is the weighted sum of its tokens, and starts as large as a learned vector",
  async (t) => {
    const theta = thetaOf();
    const { values } = await embed(seedOf(), theta);
    t.ok(Math.abs(meanSquareWeight(TOKENS) - meanSquare()) < 1e-6);
    const factor = 1 / Math.sqrt(meanSquare());
    for (const [i, unit] of UNITS.entries())
      for (let j = 0; j < OUT; j++) {
        let wanted = 0;
        for (let n = unit * EACH; n < (unit + 1) * EACH; n++)
          wanted += (TOKENS.weights[n] ?? 0) * (theta[(TOKENS.tokens[n] ?? 0) * OUT + j] ?? 0);
        const got = values[i * OUT + j] ?? Number.NaN;
        t.ok(Math.abs(got - factor * wanted) < 1e-6, `unit ${unit}`);
        if (unit < 2) t.equal(got, 0, "padding and unknown have no tokens");
      }
    const random = Random.fromSeed(1);
    const normals = Float64Array.from({ length: ROWS * OUT }, () => random.normal());
    const all = await embed(seedOf(), normals);
    t.ok(Array.from(all.values).every(Number.isFinite));
  },
);

t.test(
  "the gradient of the tokens' vectors agrees with central differences in float64",
  async (t) => {
    const [seed, theta] = [seedOf(), thetaOf()];
    const dot = (a: ArrayLike<number>) => seed.reduce((sum, x, i) => sum + x * (a[i] ?? 0), 0);
    const { gradient } = await embed(seed, theta);
    let worst = 0;
    for (let i = 0; i < theta.length; i++) {
      const moved = async (by: number) =>
        dot(
          (
            await embed(
              seed,
              theta.map((x, j) => (j === i ? x + by : x)),
            )
          ).values,
        );
      const numeric = ((await moved(1e-4)) - (await moved(-1e-4))) / 2e-4;
      worst = Math.max(worst, Math.abs(numeric - (gradient[i] ?? Number.NaN)));
    }
    t.ok(worst < 1e-8, `${worst}`);
    t.ok(Math.max(...gradient) > 0.1, "and it is not zero");
  },
);

t.test("values and gradient agree with tfjs", async (t) => {
  await tf.setBackend("cpu");
  const seed = seedOf();
  const ours = await embed(seed, thetaOf());
  const theta = tf.variable(tf.tensor2d(Float32Array.from(thetaOf()), [ROWS, OUT]));
  const units = tf.tensor1d(UNITS, "int32");
  const value = () => {
    const ids = tf.tensor2d(TOKENS.tokens, [V, EACH], "int32").gather(units);
    const shares = tf.tensor2d(TOKENS.weights, [V, EACH]).gather(units).expandDims(2);
    const rows = tf.gather(theta, ids as tf.Tensor2D).mul(shares);
    return rows.sum(1).mul(1 / Math.sqrt(meanSquare()));
  };
  const weights = tf.tensor2d(Float32Array.from(seed), [UNITS.length, OUT]);
  const { grads } = tf.variableGrads(() => value().mul(weights).sum() as tf.Scalar, [theta]);
  const values = value().dataSync();
  t.equal(values.length, ours.values.length);
  for (const [i, x] of values.entries()) t.ok(Math.abs(x - (ours.values[i] ?? 9)) < 1e-5);
  const theirs = grads[theta.name]?.dataSync() ?? [];
  t.equal(theirs.length, ours.gradient.length);
  for (const [i, x] of theirs.entries()) t.ok(Math.abs(x - (ours.gradient[i] ?? 9)) < 1e-5);
});

t.test("what one code learns its tokens say of the codes that share them", async (t) => {
  const tokenizer = tokenTokenizer(false, true);
  t.same(frozenTables(tokenizer), {});
  const g = new Graph();
  embedCodes(g.input("u", ["B", "L"], "int32"), tokenizer, OUT, 0.5);
  t.same(
    g.parameters.map(({ name, shape }) => [name, shape]),
    [["codes.vocabulary", [ROWS, OUT]]],
    "tokens alone: no projection, no vector a code",
  );
  const residual = Uint8Array.from({ length: V }, (_, unit) => (unit >= 10 ? 1 : 0));
  const both = { ...tokenizer, representation: { ...tokenizer.representation, residual } };
  const more = new Graph();
  embedCodes(more.input("u", ["B", "L"], "int32"), both, OUT, 0.5);
  t.same(more.parameters.map(({ name }) => name).sort(), ["codes.table", "codes.vocabulary"]);
  const trainer = await makeTrainer(1, both);
  const names = ["codes.table", "codes.vocabulary"];
  const before = names.map((name) => trainer.state.parameter(name).slice());
  await trainSteps(trainer, 3);
  for (const [i, name] of names.entries())
    t.notSame(trainer.state.parameter(name), before[i], `${name} is learnt`);
  await trainer.release();
});
