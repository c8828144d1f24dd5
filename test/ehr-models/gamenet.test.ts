import t from "tap";
import { COIN, TEMPERATURE } from "../../ehr-models/drug-loss.ts";
import { gamenet, gamenetModel } from "../../ehr-models/gamenet.ts";
import { earlierDrugs } from "../../ehr-models/gamenet-memory.ts";
import { prepare } from "../../ehr-models/graph-model.ts";
import { makePredictor, makeTrainer, trainingBatch } from "../../ehr-models/model-graphs.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { type Feeds, Session } from "../../engine/runner.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { ddiFile } from "../support/ddi-file.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  type MadeSample,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";
import { A01, A02, A03, DIAGNOSIS, sourceWith, subject } from "../support/subject.ts";

const SPEC = LABELS.multilabel;
const SIZES = { width: 8, maxVisits: 4 };
const WITHOUT = { ...SIZES, interactions: false };

t.test("targets that are no drugs are refused with the reason", async (t) => {
  const tokenizer = tokenizers.get("baseline");
  const why = (labels: typeof SPEC) => gamenet.refuses?.({ labels, outcome: null }, tokenizer);
  t.equal(why(SPEC), null);
  t.match(why(LABELS.binary), /no drugs/);
  t.match(why({ ...SPEC, classCodes: [["ICD10CM/E11*"]] }), /no drugs/);
  t.same(gamenet.accepts, ["multilabel"]);
});

/** Inputs of some samples, by name. */
async function feedsOf(...samples: MadeSample[]) {
  const source = sourceWith(...samples);
  const context = contextOf({ train: source });
  const { hyperparameters } = prepare(gamenetModel, context, WITHOUT);
  const ready = await gamenetModel.withData?.(context, hyperparameters);
  const inputs = ready?.inputs(source, context.tokenizer, hyperparameters);
  return inputs?.collate(Int32Array.from(samples, (_, i) => i)).feeds ?? {};
}

t.test("the current visit's drugs change no input, earlier ones do (G4, G8)", async (t) => {
  const drugs = async (...visits: (readonly number[])[]) =>
    (await feedsOf(subject(...visits)))["drugs"];
  t.same(await drugs([A01], [DIAGNOSIS, A02]), await drugs([A01], [DIAGNOSIS, A01]));
  t.same([...((await drugs([A01, A03], [DIAGNOSIS, A02])) ?? [])].slice(0, 6), [1, 0, 1, 0, 0, 0]);
  t.notSame(await drugs([A01], [DIAGNOSIS]), await drugs([A02], [DIAGNOSIS]));
  const long = [[A01], [A02], [A03], [A01], [DIAGNOSIS]];
  t.same(
    [...((await drugs(...long)) ?? [])],
    [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
    "the latest visits",
  );
});

t.test("what was given in the visit before and ever before is told apart", async (t) => {
  const feeds = await feedsOf(
    subject([A01, A02], [A01], [A03, DIAGNOSIS], [DIAGNOSIS, A02]),
    subject([A02], [DIAGNOSIS], [DIAGNOSIS]),
    subject([DIAGNOSIS, A01]),
  );
  const g = new Graph();
  const inputs = {
    drugs: g.input("drugs", ["B", 4, 3]),
    visitMask: g.input("visitMask", ["B", 4]),
  };
  const [before, ever] = earlierDrugs({ graph: g, inputs }, 4, 3) as [Tensor, Tensor];
  const session = await Session.create(toOnnx(g, [before, ever]));
  const { drugs, visitMask } = feeds as Record<string, Float32Array>;
  const found = await session.run({ drugs, visitMask } as Feeds, { B: 3 });
  const rows = ({ name }: Tensor) => [...(found.get(name) as Float32Array)];
  t.same(rows(before), [0, 0, 1, 0, 0, 0, 0, 0, 0]);
  t.same(rows(ever), [1, 1, 1, 0, 1, 0, 0, 0, 0]);
  await session.release();
});

/** A model that was trained for some epochs on 20 made-up samples. */
async function fitted() {
  const train = sourceOf(makeSamples(20, SPEC), SPEC);
  const timelines = sourceWith(subject([A01, A02], [A03])); // in a complete graph all classes are alike
  return gamenet.fit(contextOf({ train, timelines, epochs: 3 }), { ...WITHOUT, batchSize: 8 });
}

t.test(
  "earlier drugs are read: they change a prediction; padding visits are not (G2, G4)",
  async (t) => {
    const model = await fitted();
    const of = async (...visits: (readonly number[])[]) =>
      [...(await model.predict(sourceWith(subject(...visits))))].map((p) => p.toFixed(6));
    const first = await of([DIAGNOSIS, A01], [DIAGNOSIS]);
    t.notSame(await of([DIAGNOSIS, A03], [DIAGNOSIS]), first);
    t.same(
      await of([DIAGNOSIS, A01], [DIAGNOSIS, A02]),
      first,
      "the current visit's drugs are not",
    );
    const both = sourceWith(
      subject([DIAGNOSIS, A01], [DIAGNOSIS]),
      subject([DIAGNOSIS], [1], [2], [DIAGNOSIS]),
    );
    const beside = [...(await model.predict(both))].slice(0, 3).map((p) => p.toFixed(6));
    t.same(beside, first, "nor does a longer neighbour show");
    await model.dispose();
  },
);

t.test("one visit alone reads the memory by the query only", async (t) => {
  const model = await fitted();
  const alone = await model.predict(sourceWith(subject([DIAGNOSIS]), subject([DIAGNOSIS, A01])));
  t.same(alone.slice(0, 3), alone.slice(3));
  t.ok(alone.every((p) => p > 0 && p < 1));
  await model.dispose();
});

/** Weights and biases of an i × o layer. */
const layer = (i: number, o: number) => i * o + o;

t.test("it has as many parameters as its equations say", async (t) => {
  const [e, D, C] = [8, 3, 3];
  const H = 2 * e;
  const recurrent = 3 * e * H + 3 * H * H + 4 * H;
  const graph = layer(D, e) + layer(e, e);
  const query = layer(2 * H, e);
  const published = layer(3 * e, 2 * e) + layer(2 * e, C);
  // Two sums and two sets of earlier drugs beside the summary, and a layer of the sets' own.
  const sums = layer(3 * e + 2 * e + 2 * D, 10) + layer(10, C) + layer(2 * D, C);
  const train = sourceOf(makeSamples(12, SPEC), SPEC);
  const files = { ddi: ddiFile(t, "A01A,A02A") };
  for (const [settings, readout, count] of [
    [WITHOUT, "summary", graph + published],
    [SIZES, "summary", 2 * graph + 1 + published],
    [WITHOUT, "summary+sums", graph + sums],
  ] as const) {
    const context = contextOf({ train, files, epochs: 1 });
    const model = await gamenet.fit(context, { ...settings, readout, hidden: 10 });
    t.equal(model.summary.parameters, (CODE_COUNT + 2) * e + 2 * recurrent + query + count);
    await model.dispose();
  }
});

t.test("after five steps every parameter has moved and the loss fell (G2, G5)", async (t) => {
  const train = sourceOf(makeSamples(64, SPEC), SPEC);
  const context = contextOf({ train, files: { ddi: ddiFile(t, "A01A,A02A") } });
  const { hyperparameters } = prepare(gamenetModel, context, { ...SIZES, interactionTarget: 0.9 });
  const model = await gamenetModel.withData?.(context, hyperparameters);
  if (model === undefined) throw new Error("no model");
  const setup = prepare(model, context, hyperparameters);
  const source = model.inputs(train, context.tokenizer, hyperparameters);
  const trainer = await makeTrainer(setup, source, context);
  const again = await makeTrainer(setup, source, context);
  const before = trainer.state.exportParameters();
  t.same(again.state.exportParameters(), before, "all start from the seed, λ too");
  const samples = Int32Array.from({ length: 64 }, (_, i) => i);
  const feeds = model.lossFeeds?.(samples, 1, context.random) ?? {};
  const batch = trainingBatch(source, train, samples, feeds);
  const losses: number[] = [];
  for (let i = 0; i < 5; i++) losses.push((await trainer.step([batch], OPTIMIZER_DEFAULTS)).loss);
  for (const [name, values] of trainer.state.exportParameters())
    t.ok(
      values.some((x, i) => x !== before.get(name)?.[i]),
      name,
    );
  t.ok((losses[4] ?? 9) < (losses[0] ?? 0), `${losses}`);
  await again.release();
  await trainer.release();
});

t.test("however its parameter turns, λ only takes interactions away (G9)", async (t) => {
  const train = sourceOf(makeSamples(12, SPEC), SPEC);
  const context = contextOf({ train, files: { ddi: ddiFile(t, "A01A,A02A") } });
  const { hyperparameters } = prepare(gamenetModel, context, SIZES);
  const model = await gamenetModel.withData?.(context, hyperparameters);
  if (model === undefined) throw new Error("no model");
  const setup = prepare(model, context, hyperparameters);
  const source = model.inputs(train, context.tokenizer, hyperparameters);
  const trainer = await makeTrainer(setup, source, context);
  const at = async (weight: number) => {
    const parameters = trainer.state.exportParameters();
    parameters.set("interactionWeight", Float32Array.of(weight));
    const predictor = await makePredictor(
      setup,
      source,
      (name) => parameters.get(name) as Float32Array,
    );
    const p = await predictor.predict(source);
    await predictor.release();
    return p;
  };
  const [none, less, full] = [await at(-100), await at(-200), await at(100)];
  t.same(less, none, "far below zero it is nothing, and not its opposite");
  t.notSame(full, none);
  await trainer.release();
});

t.test("coins are drawn anew for each part of a batch, and τ falls with the epoch", async (t) => {
  const context = contextOf({
    train: sourceWith(subject([DIAGNOSIS])),
    files: { ddi: ddiFile(t, "A01A,A02A") },
  });
  const { hyperparameters } = prepare(gamenetModel, context, SIZES);
  const model = await gamenetModel.withData?.(context, hyperparameters);
  const feeds = (epoch: number, part: string) =>
    model?.lossFeeds?.(Int32Array.of(0, 1), epoch, context.random.derive(part)) ?? {};
  t.same(feeds(1, "a"), feeds(1, "a"));
  t.notSame(feeds(1, "a")[COIN], feeds(1, "b")[COIN]);
  t.equal(feeds(1, "a")[TEMPERATURE]?.[0], 0.5);
  t.equal(feeds(3, "a")[TEMPERATURE]?.[0], Math.fround(0.5 * 0.85 ** 2));
});
