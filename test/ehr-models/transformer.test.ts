import t from "tap";
import { frozenTables } from "../../ehr-models/code-embedding.ts";
import { transformer } from "../../ehr-models/transformer.ts";
import { Graph } from "../../engine/graph.ts";
import { sinusoid } from "../../engine/layers/embedding.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import {
  averagePrecision,
  CODE_COUNT,
  contextOf,
  LABELS,
  labelsOf,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";

const V = CODE_COUNT + 2;
const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);

/** Weights and biases of an i × o layer. */
const layer = (i: number, o: number) => i * o + o;

function expectedParameters(
  d: number,
  f: number,
  layers: number,
  C: number,
  codes: number,
  head = layer(3 * d + 3 + 3 + 4 + 4, 128) + layer(128, C), // facts: three of age, three sexes, four races, utilisation
): number {
  const block = 4 * layer(d, d) + layer(d, f) + layer(f, d) + 2 * 2 * d;
  const leading = d + 3 * d + 4 * d + layer(2, d); // cls, sex, race (4 of them), age
  return codes + 128 * (d - 4) + leading + layers * block + head;
}

t.test("it has as many parameters as its equations say: one output layer (T2)", async (t) => {
  const sizes = { width: 32, heads: 4, layers: 3, feedForward: 48 };
  const model = await transformer.fit(contextOf({ train, epochs: 1 }), sizes);
  t.equal(model.summary.parameters, expectedParameters(32, 48, 3, 3, V * 32));
  await model.dispose();
  const pre = await transformer.fit(contextOf({ train, epochs: 1 }), { ...sizes, norm: "pre" });
  t.equal(pre.summary.parameters, expectedParameters(32, 48, 3, 3, V * 32) + 64, "a final norm");
  await pre.dispose();
  const plain = { ...sizes, readout: "summary" };
  const summary = await transformer.fit(contextOf({ train, epochs: 1 }), plain);
  const published = expectedParameters(32, 48, 3, 3, V * 32, layer(32, 3));
  t.equal(summary.summary.parameters, published, "the summary token alone");
  await summary.dispose();
});

t.test(
  "given vectors cost a projection and the unknown vector, and their own size when trained",
  async (t) => {
    const sizes = { width: 16, heads: 2, layers: 1, feedForward: 16 };
    const m = V - 2; // a feature of similarity to each known code
    const fixed = layer(m, 16) + m;
    for (const [trainable, codes] of [
      [false, fixed],
      [true, fixed + V * m],
    ] as const) {
      const tokenizer = vectorTokenizer(trainable);
      const model = await transformer.fit(contextOf({ train, tokenizer, epochs: 1 }), sizes);
      t.equal(model.summary.parameters, expectedParameters(16, 16, 1, 3, codes));
      await model.dispose();
    }
    t.same(Object.keys(frozenTables(vectorTokenizer(false))), ["codes.vectors"]);
    t.same(frozenTables(vectorTokenizer(true)), {});
  },
);

for (const trainable of [false, true]) {
  t.test(
    `it learns from ${trainable ? "trained" : "frozen"} vectors and leaves the tokenizer's own alone`,
    async (t) => {
      const tokenizer = vectorTokenizer(trainable);
      if (tokenizer.representation.kind !== "vectors") throw new Error("vectors wanted");
      const before = tokenizer.representation.values.slice();
      const source = sourceOf(makeSamples(32, LABELS.binary), LABELS.binary);
      const settings = {
        width: 32,
        layers: 1,
        dropout: 0,
        inputDropout: 0,
        codeDropout: 0,
        batchSize: 8,
        learningRate: 3e-3,
      };
      const model = await transformer.fit(
        contextOf({ train: source, tokenizer, epochs: 40 }),
        settings,
      );
      t.equal(averagePrecision(await model.predict(source), labelsOf(source)), 1);
      t.same(tokenizer.representation.values, before);
      await model.dispose();
    },
  );
}

t.test("gelu, norms before the sublayers and dropout of weights can be chosen", async (t) => {
  const options = {
    activation: "gelu",
    norm: "pre",
    attentionDropout: 0.1,
    width: 16,
    feedForward: 16,
    batchSize: 8,
  };
  const model = await transformer.fit(contextOf({ train, epochs: 15 }), options);
  const losses = model.summary.curve.map((epoch) => epoch.train_loss);
  const mean = (some: readonly number[]) => some.reduce((sum, x) => sum + x, 0) / some.length;
  t.ok(
    mean(losses.slice(-5)) < mean(losses.slice(0, 5)),
    "one epoch's loss is noise under dropout",
  );
  await model.dispose();
});

t.test("sizes and words that do not fit are refused", async (t) => {
  const fitWith = (given: Record<string, number | string>) =>
    transformer.fit(contextOf({ train, epochs: 1 }), given);
  await t.rejects(fitWith({ width: 30, heads: 4 }), { name: "BenchError", message: /width 30/ });
  await t.rejects(fitWith({ activation: "swish" }), { name: "BenchError", message: /swish/ });
  await t.rejects(fitWith({ norm: "none" }), { name: "BenchError", message: /none/ });
  await t.rejects(fitWith({ dropout: 1 }), { name: "BenchError", message: /dropout is 1/ });
  await t.rejects(fitWith({ layers: 0 }), { name: "BenchError", message: /layers is 0/ });
});

t.test("it asks for the most recent codes, each once a visit, as many as it is told", async (t) => {
  t.same(transformer.history({}), { maxCodes: 512, repeats: "once-per-visit" });
  t.same(transformer.history({ maxCodes: 64 }), { maxCodes: 64, repeats: "once-per-visit" });
});

t.test("the sinusoid is that of Vaswani et al., section 3.5", async (t) => {
  const g = new Graph();
  const y = sinusoid(g.input("x", ["B", 1]), 6);
  const session = await Session.create(toOnnx(g, [y]));
  const x = Float32Array.of(0, 1, 2.5, 700);
  const values = (await session.run({ x }, { B: 4 })).get(y.name) ?? [];
  t.same([...values.slice(0, 6)], [0, 1, 0, 1, 0, 1]);
  for (const [row, position] of x.entries()) {
    for (let i = 0; i < 3; i++) {
      const angle = position / 10000 ** ((2 * i) / 6);
      t.ok(Math.abs((values[6 * row + 2 * i] as number) - Math.sin(angle)) < 1e-4);
      t.ok(Math.abs((values[6 * row + 2 * i + 1] as number) - Math.cos(angle)) < 1e-4);
    }
  }
  await session.release();
});
