import * as tf from "@tensorflow/tfjs";
import t from "tap";
import { embedCodes, frozenTables } from "../../ehr-models/code-embedding.ts";
import { denseVectors } from "../../ehr-models/token-rows.ts";
import { transformer } from "../../ehr-models/transformer.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph } from "../../engine/graph.ts";
import { mixed } from "../../engine/mixture.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { asVectors, K, ROWS, SEGMENTS, tokenTokenizer, V, WIDTH } from "../support/made-tokens.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";
import { makeTrainer, trainSteps } from "../support/unit-trainer.ts";

const OUT = 5;
const UNITS = Int32Array.of(2, 7, 7, 0, 61, 1, 30, 2);

t.test("the vector of a unit is the weighted sum of its rows, segment by segment", async (t) => {
  const { representation: r } = tokenTokenizer(false);
  const values = denseVectors(r);
  t.equal(values.length, V * SEGMENTS * WIDTH);
  t.same(values.slice(0, 2 * SEGMENTS * WIDTH), new Float32Array(2 * SEGMENTS * WIDTH));
  for (const unit of [2, 30, 61]) {
    const vector: number[] = [];
    for (let s = 0; s < SEGMENTS; s++)
      for (let j = 0; j < WIDTH; j++) {
        const at = (k: number) => (unit * SEGMENTS + s) * K + k;
        const parts = [0, 1, 2].map(
          (k) => (r.weights[at(k)] ?? 0) * (r.codebook[(r.tokens[at(k)] ?? 0) * WIDTH + j] ?? 0),
        );
        vector.push(parts.reduce((a, b) => a + b, 0));
      }
    const row = values.subarray(unit * SEGMENTS * WIDTH, (unit + 1) * SEGMENTS * WIDTH);
    for (const [i, x] of vector.entries()) t.ok(Math.abs(x - (row[i] ?? Number.NaN)) < 1e-6);
  }
});

t.test("frozen tokens train and predict bit for bit as their vectors", async (t) => {
  const tokens = tokenTokenizer(false);
  const source = sourceOf(makeSamples(24, LABELS.binary), LABELS.binary);
  const sizes = { width: 16, heads: 2, layers: 1, feedForward: 16, batchSize: 8 };
  const probabilities: Float32Array[] = [];
  for (const tokenizer of [tokens, asVectors(tokens)]) {
    const model = await transformer.fit(contextOf({ train: source, tokenizer, epochs: 2 }), sizes);
    probabilities.push(await model.predict(source));
    await model.dispose();
  }
  t.same(probabilities[0], probabilities[1]);
  t.same(Object.keys(frozenTables(tokens)), ["codes.vectors"]);
  t.same(frozenTables(tokenTokenizer(true)), {});
});

type Build = { readonly values: ArrayLike<number>; readonly codebook: Float64Array };

/** Vectors [units × OUT] in float64, and the gradient of sum(vectors ⊙ seed) by the codebook. */
async function embed(seed: Float64Array, codebook: Float64Array): Promise<Build> {
  const { representation: r, ...rest } = tokenTokenizer(true);
  const g = new Graph({ dtype: "float64" });
  const tokenizer = { ...rest, representation: r };
  const y = embedCodes(g.input("u", ["B", "L"], "int32"), tokenizer, OUT, 1);
  const found = gradients(y, g.input("seed", y.shape));
  const [look] = g.lookups;
  const [mixture] = g.mixtures;
  if (look === undefined || mixture === undefined) throw new Error("the codebook is not read");
  const rows = found.get(look.rows);
  if (rows === undefined) throw new Error("the codebook has no gradient");
  const session = await Session.create(toOnnx(g, [y, rows]));
  const draw = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(i + n));
  const results = await session.run(
    {
      u: UNITS,
      seed,
      "codes.rows": mixed(mixture, codebook),
      "codes.unknown": draw(SEGMENTS * WIDTH),
      "codes.projection.weight": draw(SEGMENTS * WIDTH * OUT),
      "codes.projection.bias": draw(OUT),
    },
    { B: 2, L: 4 },
  );
  await session.release();
  const gradient = new Float64Array(codebook.length);
  const values = results.get(rows.name) ?? [];
  for (const [i, unit] of UNITS.entries())
    for (let n = 0; n < SEGMENTS * K; n++)
      for (let j = 0; j < WIDTH; j++) {
        const token = unit * SEGMENTS * K + n;
        const at = (r.tokens[token] ?? Number.NaN) * WIDTH + j;
        const moved = Number(values[(i * SEGMENTS + Math.floor(n / K)) * WIDTH + j] ?? Number.NaN);
        gradient[at] = (gradient[at] ?? 0) + (r.weights[token] ?? 0) * moved;
      }
  return { values: results.get(y.name) ?? [], codebook: gradient };
}

const seedOf = () => Float64Array.from({ length: UNITS.length * OUT }, (_, i) => Math.cos(3 * i));

t.test("the codebook's gradient agrees with central differences in float64", async (t) => {
  const seed = seedOf();
  const book = Float64Array.from(tokenTokenizer(true).representation.codebook);
  const dot = (a: ArrayLike<number>) => seed.reduce((sum, x, i) => sum + x * (a[i] ?? 0), 0);
  const { codebook } = await embed(seed, book);
  let worst = 0;
  for (let i = 0; i < book.length; i++) {
    const moved = async (by: number) =>
      dot(
        (
          await embed(
            seed,
            book.map((x, j) => (j === i ? x + by : x)),
          )
        ).values,
      );
    const numeric = ((await moved(1e-4)) - (await moved(-1e-4))) / 2e-4;
    worst = Math.max(worst, Math.abs(numeric - (codebook[i] ?? Number.NaN)));
  }
  t.ok(worst < 1e-8, `${worst}`);
  t.ok(Math.max(...codebook) > 0.1, "and it is not zero");
});

t.test("values and the codebook's gradient agree with tfjs", async (t) => {
  await tf.setBackend("cpu");
  const seed = seedOf();
  const { representation: r } = tokenTokenizer(true);
  const ours = await embed(seed, Float64Array.from(r.codebook));
  const draw = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + n));
  const book = tf.variable(tf.tensor2d(r.codebook, [ROWS, WIDTH]));
  const shape: [number, number] = [SEGMENTS * WIDTH, OUT];
  const table = tf.tensor2d(denseVectors(r), [V, SEGMENTS * WIDTH]).slice([2, 0]);
  const centre = table.mean(0, true);
  const size = table.sub(centre).square().sum(1).mean().sqrt().dataSync()[0] ?? Number.NaN;
  const vectors = () => {
    const units = tf.tensor1d(UNITS, "int32");
    const ids = tf.tensor2d(r.tokens, [V, SEGMENTS * K], "int32").gather(units);
    const shares = tf.tensor2d(r.weights, [V, SEGMENTS * K]).gather(units);
    const rows = tf.gather(book, ids as tf.Tensor2D).mul(shares.expandDims(2));
    const sums = rows
      .reshape([-1, SEGMENTS, K, WIDTH])
      .sum(2)
      .reshape([-1, SEGMENTS * WIDTH]);
    const isUnknown = units.equal(1).cast("float32").expandDims(1);
    const isUnit = units.greaterEqual(2).cast("float32").expandDims(1);
    const given = sums
      .sub(isUnit.mul(centre))
      .mul(1 / size)
      .add(isUnknown.mul(tf.tensor2d(draw(SEGMENTS * WIDTH), [1, shape[0]])));
    return given.matMul(tf.tensor2d(draw(shape[0] * OUT), shape)).add(tf.tensor1d(draw(OUT)));
  };
  const weights = tf.tensor2d(Float32Array.from(seed), [UNITS.length, OUT]);
  const { grads } = tf.variableGrads(() => vectors().mul(weights).sum() as tf.Scalar, [book]);
  const values = vectors().dataSync();
  const theirs = grads[book.name]?.dataSync() ?? [];
  t.ok(values.every((x, i) => Math.abs(x - (ours.values[i] ?? Number.NaN)) < 1e-5));
  t.equal(theirs.length, ours.codebook.length);
  for (const [i, x] of theirs.entries()) t.ok(Math.abs(x - (ours.codebook[i] ?? 0)) < 1e-5);
});

/** Codebook after ten steps. */
async function trained(threads: number): Promise<Float32Array> {
  const trainer = await makeTrainer(threads);
  await trainSteps(trainer, 10);
  const codebook = trainer.state.parameter("codes.codebook").slice();
  await trainer.release();
  return codebook;
}

t.test("a trained codebook moves, to the same bits with one thread, two and again", async (t) => {
  const one = await trained(1);
  t.notSame(one, tokenTokenizer(true).representation.codebook);
  t.same(await trained(2), one);
  t.same(await trained(1), one);
});

t.test("a model with a trained codebook learns, and counts it among its parameters", async (t) => {
  const source = sourceOf(makeSamples(32, LABELS.binary), LABELS.binary);
  const sizes = { width: 16, heads: 2, layers: 1, feedForward: 16, batchSize: 8, dropout: 0 };
  const counts: number[] = [];
  for (const tokenizer of [tokenTokenizer(false), tokenTokenizer(true)]) {
    const before = tokenizer.representation.codebook.slice();
    const context = contextOf({ train: source, tokenizer, epochs: 6 });
    const model = await transformer.fit(context, sizes);
    const { curve, parameters } = model.summary;
    t.ok((curve.at(-1)?.train_loss ?? 9) < (curve[0]?.train_loss ?? 0));
    t.same(tokenizer.representation.codebook, before, "the tokenizer's own book is left alone");
    counts.push(parameters);
    await model.dispose();
  }
  // Projection and unknown vector: of a frozen codebook over the features, one a known unit; else over the vectors.
  const read = (d: number) => d * sizes.width + sizes.width + d;
  const more = ROWS * WIDTH + read(SEGMENTS * WIDTH) - read(V - 2);
  t.equal((counts[1] ?? 0) - (counts[0] ?? 0), more);
});
