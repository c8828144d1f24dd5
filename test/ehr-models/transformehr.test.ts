import t from "tap";
import { transformehr, transformehrModel } from "../../ehr-models/transformehr.ts";
import { Graph } from "../../engine/graph.ts";
import { decoderBlock } from "../../engine/layers/decoder-block.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
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
import { SMALL_MODELS } from "../support/small-models.ts";

const V = CODE_COUNT + 2;
const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);
const SMALL = SMALL_MODELS["transformehr"]?.settings ?? {};

/** Weights and biases of an i × o layer. */
const layer = (i: number, o: number) => i * o + o;

/** Without codes; a hidden layer reads the answer, 14 facts and two sums. A single query needs no query and key of its own. */
function expectedParameters(
  d: number,
  f: number,
  encoder: number,
  decoder: number,
  C: number,
  hidden = 0,
) {
  const feedForward = layer(d, f) + layer(f, d);
  const encoderBlock = 4 * layer(d, d) + feedForward + 2 * 2 * d;
  const decoderOf = 2 * layer(d, d) + 4 * layer(d, d) + feedForward + 3 * 2 * d;
  const facts = 3 * d + 4 * d + layer(2, d); // sex, race (4 of them), age
  const query = d + 64 * d + 2 * d; // query, positions, norm
  const head =
    layer(d, d) + (hidden > 0 ? layer(3 * d + 14, hidden) + layer(hidden, C) : layer(d, C));
  return facts + 2 * d + encoder * encoderBlock + query + decoder * decoderOf + head;
}

t.test("it has as many parameters as its equations say", async (t) => {
  const sizes = { width: 16, heads: 2, encoderLayers: 3, decoderLayers: 2, feedForward: 24 };
  for (const [tokenizer, codes, hidden] of [
    [undefined, V * 16, 10],
    [vectorTokenizer(false), layer(CODE_COUNT, 16) + CODE_COUNT, 0],
  ] as const) {
    const more = tokenizer === undefined ? {} : { tokenizer };
    const context = contextOf({ train, epochs: 1, pretrainEpochs: 0, ...more });
    const readout = hidden > 0 ? { readout: "summary+sums", hidden } : { readout: "summary" };
    const model = await transformehr.fit(context, { ...sizes, ...readout });
    t.equal(model.summary.parameters, codes + expectedParameters(16, 24, 3, 2, 3, hidden));
    await model.dispose();
  }
});

t.test("pretraining writes visits: its loss falls, and training starts from it", async (t) => {
  for (const tokenizer of [undefined, vectorTokenizer(true)]) {
    const fitWith = async (pretrainEpochs: number) => {
      const more = tokenizer === undefined ? {} : { tokenizer };
      const timelines = sourceOf(makeSamples(64, LABELS.multiclass, 4), LABELS.multiclass);
      const context = contextOf({ train, timelines, epochs: 1, pretrainEpochs, ...more });
      const model = await transformehr.fit(context, {
        ...SMALL,
        initialScale: 0.02,
        pretrainLearningRate: 1e-2,
      });
      const p = await model.predict(train);
      await model.dispose();
      return { p, stages: model.summary.pretraining };
    };
    const without = await fitWith(0);
    t.same(without.stages, [{ stage: "written-visits", epochs: 0, losses: [] }]);
    const { p, stages } = await fitWith(8);
    const losses = stages?.[0]?.losses ?? [];
    t.equal(losses.length, 8);
    t.ok(Math.abs((losses[0] ?? 0) - Math.log(CODE_COUNT)) < 0.5, "it starts near chance");
    t.ok((losses[7] ?? 9) < (losses[0] ?? 0) - 0.4, `${losses}`);
    t.notSame(p, without.p);
  }
});

t.test(
  "pretraining reads whole timelines of training subjects and nothing else (TE8)",
  async (t) => {
    const timelines = sourceOf(makeSamples(16, LABELS.multiclass, 4), LABELS.multiclass);
    const read = new Set<number>();
    const watched = {
      ...timelines,
      read: (i: number) => {
        read.add(i);
        return timelines.read(i);
      },
    };
    const other = sourceOf(makeSamples(8, LABELS.multiclass, 5), LABELS.multiclass);
    const stages = async (tuning: typeof other) => {
      const context = contextOf({
        train,
        tuning,
        timelines: watched,
        epochs: 1,
        pretrainEpochs: 2,
      });
      const model = await transformehr.fit(context, SMALL);
      await model.dispose();
      return model.summary.pretraining;
    };
    const changed = sourceOf(makeSamples(8, LABELS.multiclass, 6), LABELS.multiclass);
    t.same(await stages(other), await stages(changed), "tuning subjects do not show");
    t.equal(read.size, 16);
  },
);

t.test("dates reach the encoder, and truncation moves none (TE4)", async (t) => {
  const context = contextOf({ train, epochs: 3, pretrainEpochs: 0 });
  // The published end, as the other one is also told the number of visits.
  const model = await transformehr.fit(context, { ...SMALL, readout: "summary" });
  const [one] = makeSamples(1, LABELS.multiclass);
  if (one === undefined) throw new Error("no sample");
  const { history } = one;
  const of = async (daysBefore: Float32Array, more = {}) => {
    const sample = { ...one, history: { ...history, daysBefore, ...more } };
    return [...(await model.predict(sourceOf([sample], LABELS.multiclass)))];
  };
  const before = await of(history.daysBefore);
  t.notSame(await of(history.daysBefore.map((d) => d + 400)), before);
  const earlier = { visit: history.visit.map((v) => v + 2), visitCount: history.visitCount + 2 };
  t.same(await of(history.daysBefore, earlier), before, "two visits that were cut do not show");
  await model.dispose();
});

t.test("pretraining is the same again from one seed, and needs no other file (TE1)", async (t) => {
  const stages = async (seed: number) => {
    const context = contextOf({ train, epochs: 1, pretrainEpochs: 2, seed });
    const model = await transformehr.fit(context, SMALL);
    await model.dispose();
    return model.summary;
  };
  t.same(await stages(1), await stages(1));
  t.notSame(await stages(1), await stages(2));
});

t.test("a subject with nothing at all is no NaN in either stage (TE10)", async (t) => {
  const [one] = makeSamples(1, LABELS.binary);
  if (one === undefined) throw new Error("no sample");
  const empty = { ...one, history: { ...one.history, length: 0, visitCount: 0 } };
  const both = sourceOf([one, empty], LABELS.binary);
  const context = contextOf({ train: both, epochs: 1, pretrainEpochs: 1 });
  const model = await transformehr.fit(context, SMALL);
  const p = await model.predict(both);
  t.ok(p.every((x) => x > 0 && x < 1));
  t.equal(averagePrecision(p, labelsOf(both)) <= 1, true);
  await model.dispose();
});

t.test("it takes every kind of label, one sample alone included (TE5, TE9)", async (t) => {
  t.same(transformehrModel.accepts, ["binary", "multiclass", "multilabel"]);
  for (const kind of transformehrModel.accepts) {
    const source = sourceOf(makeSamples(3, LABELS[kind]), LABELS[kind]);
    const context = contextOf({ train: source, epochs: 1, pretrainEpochs: 0 });
    const model = await transformehr.fit(context, { ...SMALL, batchSize: 1 });
    t.equal((await model.predict(source)).length, 3 * LABELS[kind].classes.length);
    await model.dispose();
  }
});

/** A decoder block over J positions; all of its values are drawn. */
async function decoded(J: number, x: Float32Array, memory: Float32Array, bias: Float32Array) {
  const g = new Graph();
  const y = decoderBlock(g.input("x", [J, 4]), g.input("memory", [3, 4]), "block", {
    heads: 2,
    feedForward: 6,
    dropout: 0,
    attentionDropout: 0,
    batch: 1,
    queries: J,
    keys: 3,
    bias: g.input("bias", [1, 1, 1, 3]),
  });
  const session = await Session.create(toOnnx(g, [y]));
  const feeds: Record<string, FeedArray> = { x, memory, bias };
  for (const { name, shape } of g.parameters) {
    const size = shape.reduce((a, b) => a * b, 1);
    let seed = [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0); // the name's own numbers
    feeds[name] = Float32Array.from({ length: size }, () => Math.sin(seed++));
  }
  const values = (await session.run(feeds)).get(y.name) as Float32Array;
  await session.release();
  return values;
}

const near = (a: Float32Array, b: Float32Array) =>
  a.every((x, i) => Math.abs(x - (b[i] ?? Number.NaN)) < 1e-5);

t.test("a decoder position sees those before it and not those after it", async (t) => {
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.cos(2 * i));
  const memory = Float32Array.from({ length: 12 }, (_, i) => Math.sin(5 * i));
  const bias = new Float32Array(3);
  const three = await decoded(3, x, memory, bias);
  const later = x.map((value, i) => (i < 8 ? value : -value));
  const changed = await decoded(3, later, memory, bias);
  t.ok(near(three.slice(0, 8), changed.slice(0, 8)), "the last position does not reach back");
  t.notOk(near(three.slice(8), changed.slice(8)));
  const first = x.map((value, i) => (i < 4 ? -value : value));
  t.notOk(near(three.slice(8), (await decoded(3, first, memory, bias)).slice(8)));
  t.ok(
    near(three.slice(0, 4), await decoded(1, x.slice(0, 4), memory, bias)),
    "alone it is the same",
  );
});

t.test("hidden memory is not read, even when all of it is hidden", async (t) => {
  const x = Float32Array.from({ length: 4 }, (_, i) => Math.cos(2 * i));
  const memory = Float32Array.from({ length: 12 }, (_, i) => Math.sin(5 * i));
  const bias = Float32Array.of(0, -1e9, -1e9);
  const other = memory.map((value, i) => (i < 4 ? value : -value));
  t.ok(near(await decoded(1, x, memory, bias), await decoded(1, x, other, bias)));
  const none = await decoded(1, x, memory, new Float32Array(3).fill(-1e9));
  t.ok(none.every((value) => Number.isFinite(value)));
});
