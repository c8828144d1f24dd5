import * as tf from "@tensorflow/tfjs";
import t from "tap";
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { denseVectors, embedCodes, frozenTables } from "../../ehr-models/code-embedding.ts";
import { transformer } from "../../ehr-models/transformer.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { Session } from "../../engine/runner.ts";
import { TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";
import { CODE_COUNT, contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";

const SEGMENTS = 4;
const K = 3;
const WIDTH = 2;
const ROWS = 12;
const V = CODE_COUNT + 2;
const OUT = 5;
const UNITS = Int32Array.of(2, 7, 7, 0, 61, 1, 30, 2);

/** Made-up tokens: distinct rows within a segment, weights that sum to 1, nothing at units 0 and 1. */
function tokenTokenizer(trainable: boolean): Tokenizer & {
  representation: Extract<Tokenizer["representation"], { kind: "tokens" }>;
} {
  const random = Random.fromSeed(8).derive("tokens");
  const tokens = new Int32Array(V * SEGMENTS * K);
  const weights = new Float32Array(V * SEGMENTS * K);
  for (let place = 2 * SEGMENTS; place < V * SEGMENTS; place++) {
    const first = random.below(ROWS);
    const shares = Array.from({ length: K }, () => 0.1 + random.uniform());
    const total = shares.reduce((a, b) => a + b, 0);
    for (const [k, share] of shares.entries()) {
      tokens[place * K + k] = (first + k) % ROWS;
      weights[place * K + k] = share / total;
    }
  }
  const codebook = Float32Array.from({ length: ROWS * WIDTH }, () => random.normal());
  return {
    name: "made-up",
    vocabularySize: V,
    unit: Int32Array.from({ length: CODE_COUNT }, (_, row) => (row < 55 ? row + 2 : 1)),
    representation: {
      kind: "tokens",
      tokens,
      weights,
      segments: SEGMENTS,
      perSegment: K,
      codebook,
      width: WIDTH,
      trainable,
    },
    artefactHash: "made-up",
  };
}

/** The same tokenizer with its vectors written out, F1. */
function asVectors(tokenizer: ReturnType<typeof tokenTokenizer>, trainable = false): Tokenizer {
  const values = denseVectors(tokenizer.representation);
  const width = SEGMENTS * WIDTH;
  return { ...tokenizer, representation: { kind: "vectors", values, width, trainable } };
}

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
  t.same(Object.keys(frozenTables(tokenTokenizer(true))), ["codes.tokens", "codes.weights"]);
});

type Build = { readonly values: ArrayLike<number>; readonly codebook: Float64Array };

/** Vectors [units × OUT] in float64, and the gradient of sum(vectors ⊙ seed) by the codebook. */
async function embed(seed: Float64Array, codebook: Float64Array): Promise<Build> {
  const { representation: r, ...rest } = tokenTokenizer(true);
  const g = new Graph({ dtype: "float64" });
  const tokenizer = { ...rest, representation: r };
  const y = embedCodes(g.input("u", ["B", "L"], "int32"), tokenizer, OUT, 1);
  const found = gradients(y, g.input("seed", y.shape));
  const look = g.lookups.find(({ table }) => table.name === "codes.codebook");
  if (look === undefined) throw new Error("the codebook is not looked up");
  const rows = found.get(look.rows);
  if (rows === undefined) throw new Error("the codebook has no gradient");
  const session = await Session.create(toOnnx(g, [y, rows, look.ids]));
  const draw = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(i + n));
  const results = await session.run(
    {
      u: UNITS,
      seed,
      "codes.tokens": r.tokens,
      "codes.weights": Float64Array.from(r.weights),
      "codes.codebook": codebook,
      "codes.unknown": draw(SEGMENTS * WIDTH),
      "codes.projection.weight": draw(SEGMENTS * WIDTH * OUT),
      "codes.projection.bias": draw(OUT),
    },
    { B: 2, L: 4 },
  );
  await session.release();
  const gradient = new Float64Array(codebook.length);
  const values = results.get(rows.name) ?? [];
  const ids: unknown = results.get(look.ids.name);
  for (const [i, id] of (ids as Int32Array).entries())
    for (let j = 0; j < WIDTH; j++)
      gradient[id * WIDTH + j] =
        (gradient[id * WIDTH + j] ?? 0) + Number(values[i * WIDTH + j] ?? Number.NaN);
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
    const given = sums.add(isUnknown.mul(tf.tensor2d(draw(SEGMENTS * WIDTH), [1, shape[0]])));
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

/** A trainer of a logit a unit, which reads the codebook. */
async function makeTrainer(threads: number) {
  const tokenizer = tokenTokenizer(true);
  const graph = new Graph({ training: true });
  const codes = graph.input("codes", ["B", "L"], "int32");
  const logits = embedCodes(codes, tokenizer, 1, 1);
  const targets = graph.input("y", logits.shape);
  const weight = graph.input("weight", logits.shape);
  const weighting = { weight, total: graph.input(TOTAL_WEIGHT, []) };
  const loss = binaryLoss(logits, targets, weighting);
  const held = frozenTables(tokenizer);
  return Trainer.create({ graph, loss, random: Random.fromSeed(2), threads, held });
}

/** Codebook after ten steps on 2,048 positions, in one part or two. */
async function trained(threads: number): Promise<Float32Array> {
  const trainer = await makeTrainer(threads);
  const random = Random.fromSeed(4);
  for (let step = 0; step < 10; step++) {
    const codes = Int32Array.from({ length: 2048 }, () => random.below(V));
    const y = Float32Array.from(codes, (unit) => (unit % 2 === 0 ? 1 : 0));
    const weight = new Float32Array(codes.length).fill(1);
    const batch = { feeds: { codes, y, weight }, dims: { B: 32, L: 64 }, weight: codes.length };
    await trainer.step([batch], OPTIMIZER_DEFAULTS);
  }
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
  t.equal((counts[1] ?? 0) - (counts[0] ?? 0), ROWS * WIDTH);
});
