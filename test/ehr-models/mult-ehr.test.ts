import t from "tap";
import { prepare } from "../../ehr-models/graph-model.ts";
import { makeTrainer, trainingBatch } from "../../ehr-models/model-graphs.ts";
import { multEhr, multEhrModel, withLoss } from "../../ehr-models/mult-ehr.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  type MadeSample,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";
import { SMALL_MODELS } from "../support/small-models.ts";
import { A01, DIAGNOSIS, sourceWith, subject } from "../support/subject.ts";

const SMALL = SMALL_MODELS["mult-ehr"]?.settings ?? {};
const SIZES = { inputWidth: 12, width: 8, heads: 2, layers: 3, maxVisits: 4, denoising: false };
const PROCEDURE = 1;

/** Weights and biases of an i × o layer. */
const layer = (i: number, o: number) => i * o + o;

/** One stack: every layer updates the sample, all but the last the visits too. */
function stackParameters(D: number, H: number, layers: number): number {
  const relation = 2 * H * (D / H) ** 2 + H; // A_r, M_r and μ_r
  const node = layer(D, D) + 1 + 2 * D; // O_t, skip and the norm
  const sample = 3 * layer(D, D) + relation + node; // query, and keys and values of visits
  const visits = layer(D, D) + 4 * 2 * layer(D, D) + 5 * relation + node;
  return layers * sample + (layers - 1) * visits;
}

t.test("it has as many parameters as its equations say", async (t) => {
  const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);
  const facts = 3 + 3 + 4 + 4;
  const inputs = 2 * 12 + 4 * layer(12, 8) + layer(2, 8) + layer(facts, 8);
  const sums = layer(8 + facts + 2 * 12, 10) + layer(10, 3);
  for (const [tokenizer, codes, denoising, stacks, readout, head] of [
    [undefined, (CODE_COUNT + 2) * 12, true, 2, "summary", layer(8, 3)],
    [undefined, (CODE_COUNT + 2) * 12, true, 2, "summary+sums", sums],
    [vectorTokenizer(false), layer(CODE_COUNT, 12) + CODE_COUNT, false, 1, "summary+sums", sums],
  ] as const) {
    const more = tokenizer === undefined ? {} : { tokenizer };
    const context = contextOf({ train, epochs: 1, pretrainEpochs: 0, ...more });
    const model = await multEhr.fit(context, { ...SIZES, denoising, readout, hidden: 10 });
    const expected = codes + inputs + stacks * stackParameters(8, 2, 3) + head;
    t.equal(model.summary.parameters, expected);
    await model.dispose();
  }
});

t.test("with the second stack every parameter is trained, and the loss falls", async (t) => {
  const train = sourceOf(makeSamples(64, LABELS.binary), LABELS.binary);
  const context = contextOf({ train });
  const still = { dropout: 0, inputDropout: 0, codeDropout: 0 };
  const sizes = { ...SIZES, ...still, layers: 2, denoising: true };
  const setup = prepare(multEhrModel, context, sizes);
  const model = withLoss("binary", setup.hyperparameters);
  const source = model.inputs(train, context.tokenizer, setup.hyperparameters);
  const trainer = await makeTrainer({ ...setup, model }, source, context);
  const before = trainer.state.exportParameters();
  const all = Int32Array.from({ length: 64 }, (_, i) => i);
  const losses: number[] = [];
  const noise = model.lossFeeds?.(all, 1, context.random) ?? {};
  const batch = trainingBatch(source, train, all, noise);
  const optimizer = { ...OPTIMIZER_DEFAULTS, learningRate: 5e-3 };
  for (let i = 0; i < 6; i++) losses.push((await trainer.step([batch], optimizer)).loss);
  // A key's bias shifts all scores of a query alike, which the softmax takes back; and the made-up codes
  // are all of a named type.
  const isFlat = (name: string) => name.endsWith("key.bias") || name.includes("other");
  for (const [name, values] of trainer.state.exportParameters())
    t.ok(values.some((x, i) => x !== before.get(name)?.[i]) || isFlat(name), name);
  t.ok([...before.keys()].some((name) => name.startsWith("trivial.")));
  t.ok((losses[5] ?? 9) < (losses[0] ?? 0), `${losses}`);
  await trainer.release();
});

t.test(
  "h~ of another sample disturbs training, so the second stack touches the first (M5)",
  async (t) => {
    const train = sourceOf(makeSamples(16, LABELS.binary), LABELS.binary);
    const fitWith = async (noiseWeight: number, denoising = true) => {
      const settings = { ...SMALL, denoising, noiseWeight };
      const context = contextOf({ train, epochs: 2, pretrainEpochs: 0 });
      const model = await multEhr.fit(context, settings);
      const p = await model.predict(train);
      await model.dispose();
      return p;
    };
    const disturbed = await fitWith(0);
    t.notSame(disturbed, await fitWith(0, false));
    t.notSame(disturbed, await fitWith(1), "and its push to noise reaches what the stacks share");
  },
);

t.test(
  "edges run forward only: neither later visits nor other subjects reach a visit (M2, M12)",
  async (t) => {
    const train = sourceOf(makeSamples(16, LABELS.multilabel), LABELS.multilabel);
    const model = await multEhr.fit(contextOf({ train, epochs: 2, pretrainEpochs: 0 }), {
      ...SMALL,
      layers: 3,
    });
    const of = async (...samples: MadeSample[]) =>
      [...(await model.predict(sourceWith(...samples)))].map((p) => p.toFixed(5));
    const one = subject([DIAGNOSIS, A01], [PROCEDURE]);
    const alone = await of(one);
    const beside = await of(one, subject([DIAGNOSIS], [PROCEDURE], [A01], [3]), subject([59]));
    t.same(beside.slice(0, 3), alone);
    t.notSame(await of(subject([DIAGNOSIS], [PROCEDURE])), alone, "codes of past visits are read");
    t.notSame(await of(subject([PROCEDURE], [DIAGNOSIS, A01])), alone, "and so is their order");
    t.same(await of(subject([A01, DIAGNOSIS], [PROCEDURE])), alone, "codes of a visit are a set");
    await model.dispose();
  },
);

t.test("both stages of pretraining run, learn, and are where training starts (M4)", async (t) => {
  const timelines = sourceOf(makeSamples(64, LABELS.binary, 4), LABELS.binary);
  const train = sourceOf(makeSamples(16, LABELS.binary), LABELS.binary);
  const fitWith = async (pretrainEpochs: number) => {
    const context = contextOf({ train, timelines, epochs: 1, pretrainEpochs });
    const model = await multEhr.fit(context, { ...SMALL, pretrainLearningRate: 1e-2 });
    const p = await model.predict(train);
    await model.dispose();
    return { p, stages: model.summary.pretraining ?? [] };
  };
  const { p, stages } = await fitWith(8);
  t.same(
    stages.map(({ stage, epochs }) => [stage, epochs]),
    [
      ["edges", 8],
      ["tasks", 8],
    ],
  );
  for (const { stage, losses } of stages)
    t.ok((losses[7] ?? 9) < 0.8 * (losses[0] ?? 0), `${stage}: ${losses}`);
  const without = await fitWith(0);
  t.same(
    without.stages.map(({ losses }) => losses),
    [[], []],
  );
  t.notSame(p, without.p);
});

t.test("tuning subjects do not show in pretraining (M3)", async (t) => {
  const train = sourceOf(makeSamples(16, LABELS.binary), LABELS.binary);
  const stages = async (seed: number) => {
    const tuning = sourceOf(makeSamples(8, LABELS.binary, seed), LABELS.binary);
    const context = contextOf({ train, tuning, epochs: 1, pretrainEpochs: 2 });
    const model = await multEhr.fit(context, SMALL);
    await model.dispose();
    return model.summary.pretraining;
  };
  t.same(await stages(5), await stages(6));
});

t.test("one layer, or fewer visits than a head is wide, is refused", async (t) => {
  const context = contextOf({ train: sourceOf(makeSamples(4, LABELS.binary), LABELS.binary) });
  await t.rejects(multEhr.fit(context, { layers: 1 }), { message: /layers is 1/ });
  await t.rejects(multEhr.fit(context, { maxVisits: 8 }), { message: /maxVisits is 8/ });
});
