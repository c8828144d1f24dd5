/** What every registered model promises. A newcomer adds its small settings to test/support/small-models.ts. */
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import type { LabelKind } from "../../core/label.ts";
import type { FittedModel, Hyperparameters, TuningScore } from "../../core/model.ts";
import type { History, SampleSource } from "../../core/samples.ts";
import { models } from "../../ehr-models/index.ts";
import { kindsOf, outcomeFor } from "../support/kinds-of.ts";
import {
  averagePrecision,
  contextOf,
  LABELS,
  labelsOf,
  type MadeSample,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";
import { SMALL_MODELS } from "../support/small-models.ts";

/** Minus the log loss, so that the epoch that is kept is the surest one, not the first that ranks well. */
function fitScore(tuning: SampleSource): (probabilities: Float32Array) => TuningScore {
  const truth = labelsOf(tuning);
  const logLoss = (p: number, i: number) => -Math.log(truth[i] === 1 ? p : 1 - p);
  return (probabilities) => ({
    value: -probabilities.reduce((sum, p, i) => sum + logLoss(p, i), 0),
    name: "negative_loss",
  });
}

const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? Number.NaN))), 0);

async function using<T>(model: FittedModel, use: (model: FittedModel) => Promise<T>): Promise<T> {
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/** The arrays of a history, followed by rubbish that is not part of it. */
function withRubbish(history: History): History {
  const more = <A extends Int32Array | Uint8Array | Float32Array>(values: A, n: number): A => {
    const longer = new (values.constructor as { new (size: number): A })(n + 5).fill(3) as A;
    longer.set(values.subarray(0, n));
    return longer;
  };
  const { length, visitCount } = history;
  return {
    length,
    visitCount,
    code: more(history.code, length),
    kind: more(history.kind, length),
    visit: more(history.visit, length),
    daysBefore: more(history.daysBefore, length),
    visitStart: more(history.visitStart, visitCount),
    visitEnd: more(history.visitEnd, visitCount),
  };
}

/** A source as the harness makes them: each `read` overwrites what the one before it gave. */
function overwriting(source: SampleSource): SampleSource {
  let last: History | undefined;
  const read = (sample: number): History => {
    if (last !== undefined)
      for (const values of Object.values(last)) if (typeof values === "object") values.fill(1);
    last = withRubbish(source.read(sample));
    return last;
  };
  return { ...source, read };
}

/** Values of `TRAINING_DEFAULTS` that no training can use. */
const WRONG: readonly Hyperparameters[] = [
  { batchSize: 1.5 },
  { schedule: "stairs" },
  { learningRate: 0 },
  { learningRate: -1 },
  { epsilon: 0 },
  { weightDecay: -0.1 },
  { clipNorm: -1 },
  { averaging: 1 },
  { warmup: 1.2 },
];

for (const definition of models.all) {
  const { name } = definition;
  const small = SMALL_MODELS[name];
  if (small === undefined) {
    t.fail(`add ${name} to test/support/small-models.ts`);
    continue;
  }
  const kinds = kindsOf(definition);
  const someKind = kinds[0] ?? "binary";
  const labels = LABELS[someKind];
  /** Whether it is trained in steps, and so has what every training loop has (`TRAINING_DEFAULTS`). */
  const hasSteps = "learningRate" in definition.defaults;
  const made = (size: number, seed?: number) => makeSamples(size, labels, seed);
  const fitOn = (
    train: SampleSource,
    more: Partial<Parameters<typeof contextOf>[0]> = {},
    settings: Hyperparameters = small.settings,
  ) => {
    const { kind } = train.labelSpec;
    const context = { train, outcome: outcomeFor(kind), epochs: 2, pretrainEpochs: 0, ...more };
    return definition.fit(
      { ...contextOf(context), score: fitScore(more.tuning ?? train) },
      settings,
    );
  };

  const ownTests = small.isZeroShot === true && `it reads no labels; see test/ehr-models/${name}`;
  t.test(
    `${name} learns 32 samples by heart, and a sample's company changes nothing (H6, H20)`,
    { skip: ownTests },
    async (t) => {
      t.ok(kinds.length > 0, "it takes some kind of label");
      for (const kind of kinds) {
        const samples = makeSamples(32, LABELS[kind]);
        const before = structuredClone(samples);
        const train = sourceOf(samples, LABELS[kind]);
        const C = LABELS[kind].classes.length;
        await using(await fitOn(train, { epochs: small.epochs }), async (model) => {
          const all = await model.predict(train);
          t.equal(averagePrecision(all, labelsOf(train)), 1, kind);
          const { curve } = model.summary;
          const fell = (curve.at(-1)?.train_loss ?? 9) < 0.3 * (curve[0]?.train_loss ?? 0);
          t.ok(fell, `${kind}: the loss falls`);
          checkRange(t, all, kind, C);
          await checkCompany(t, model, samples, kind, all);
        });
        t.same(samples, before, `${kind}: what it read is as it was`);
      }
    },
  );

  t.test(
    `${name} finds the planted signal in subjects it has not seen (H1)`,
    { skip: ownTests },
    async (t) => {
      const [train, tuning, held] = [300, 80, 160].map((size, i) =>
        sourceOf(made(size, 5 + i), labels),
      );
      if (train === undefined || tuning === undefined || held === undefined)
        throw new Error("no samples");
      const settings = hasSteps ? { ...small.settings, batchSize: 32 } : small.settings;
      const score = await using(
        await fitOn(train, { tuning, epochs: 10 }, settings),
        async (model) => averagePrecision(await model.predict(held), labelsOf(held)),
      );
      t.ok(score > 0.9, `average precision ${score}; prevalence is 0.4`);
    },
  );

  t.test(`${name} is the same again from one seed, and reads only what it is given`, async (t) => {
    const train = sourceOf(made(20), labels);
    const fitWith = async (source: SampleSource, more: { seed: number; threads?: number }) =>
      using(await fitOn(source, { pretrainEpochs: 1, ...more }), async (model) => ({
        probabilities: await model.predict(source),
        summary: model.summary,
      }));
    const first = await fitWith(train, { seed: 1 });
    t.same(await fitWith(train, { seed: 1, threads: 2 }), first, "bit for bit, on two threads");
    t.same(await fitWith(overwriting(train), { seed: 1 }), first, "from buffers that are reused");
    const other = await fitWith(train, { seed: 2 });
    if (small.isDeterministic === true) t.same(other, first, "no seed changes it");
    else t.notSame(other, first, "another seed is another model");
  });

  t.test(`${name} copes with one sample, one class, no history and no known facts`, async (t) => {
    const [one] = made(1);
    if (one === undefined) throw new Error("no sample");
    const empty = { ...one.history, length: 0, visitCount: 0 };
    const label = Uint8Array.from(one.label, (_, c) => (c === 0 ? 1 : 0));
    const bare = { ...one, history: empty, ageYears: Number.NaN, sex: 0, race: 0, label };
    for (const samples of [[one], [bare], [bare, { ...one, label }]]) {
      const train = sourceOf(samples, labels);
      const model = await fitOn(train, { pretrainEpochs: 1 });
      const probabilities = await using(model, () => model.predict(train));
      t.equal(probabilities.length, samples.length * labels.classes.length);
      t.ok(probabilities.every((p) => Number.isFinite(p)));
    }
    const none = sourceOf([], labels);
    await t.rejects(fitOn(none), BenchError);
    const model = await fitOn(sourceOf([one], labels), { epochs: 1 });
    t.equal((await model.predict(none)).length, 0);
    await model.dispose();
    await model.dispose();
    await t.rejects(model.predict(none), /disposed/, "nor can it be used after it was disposed of");
  });

  t.test(`${name} stops when told to, and says where a loss was lost`, async (t) => {
    const train = sourceOf(made(32), labels);
    const controller = new AbortController();
    let steps = 0;
    const report = () => {
      steps += 1;
      if (steps === 2) controller.abort(new Error("enough"));
    };
    await t.rejects(fitOn(train, { epochs: 9, report, signal: controller.signal }), /enough/);
    t.equal(steps, 2);
    if (!hasSteps) return; // no rate of theirs could lose it
    const wild = { ...small.settings, learningRate: 1e38, clipNorm: 0 };
    await t.rejects(fitOn(train, { epochs: 5 }, wild), {
      name: "BenchError",
      message: /loss became/,
      where: /^train, epoch \d+, step \d+$/,
    });
  });

  t.test(`${name} refuses hyperparameters that it does not have or cannot use`, async (t) => {
    const train = sourceOf(made(4), labels);
    const fitWith = (given: Hyperparameters) =>
      fitOn(train, { epochs: 1 }, { ...small.settings, ...given });
    await t.rejects(fitWith({ learnigRate: 1 }), { message: /hyperparameter "learnigRate"/ });
    if (hasSteps) {
      await t.rejects(fitWith({ learningRate: "fast" }), { message: /learningRate is "fast"/ });
      await t.rejects(fitWith({ batchSize: 0 }), { message: /batchSize is 0/ });
    }
    for (const wrong of hasSteps ? WRONG : []) {
      const message = new RegExp(Object.keys(wrong).join());
      t.throws(() => definition.check(wrong), { name: "BenchError", message });
    }
    t.doesNotThrow(() => definition.check(small.settings));
    t.throws(() => definition.history({ wrong: 1 }), BenchError);
    for (const [preset, values] of Object.entries(definition.presets))
      for (const [key, value] of Object.entries(values))
        t.equal(typeof value, typeof definition.defaults[key], `preset ${preset}: ${key}`);
  });
}

function checkRange(t: Test, all: Float32Array, kind: LabelKind, C: number): void {
  t.ok(
    all.every((p) => p >= 0 && p <= 1),
    `${kind}: probabilities`,
  );
  t.ok(Math.max(...all) > 0.8, `${kind}: no second softmax flattens them`);
  if (kind !== "multiclass") return;
  for (let i = 0; i < all.length; i += C)
    t.ok(Math.abs(all.slice(i, i + C).reduce((a, b) => a + b, 0) - 1) < 1e-5);
}

/** Alone, backwards, and beside histories that make it be padded much further. */
async function checkCompany(
  t: Test,
  model: FittedModel,
  samples: readonly MadeSample[],
  kind: LabelKind,
  all: Float32Array,
): Promise<void> {
  const spec = LABELS[kind];
  const C = spec.classes.length;
  const rowOf = (values: Float32Array, i: number) => values.slice(C * i, C * (i + 1));
  const backwards = await model.predict(sourceOf([...samples].reverse(), spec));
  const long = [...makeSamples(2, spec, 9, 150), ...samples.slice(0, 2)];
  const padded = await model.predict(sourceOf(long, spec));
  for (const i of [0, 1]) {
    const row = rowOf(all, i);
    const alone = await model.predict(sourceOf(samples.slice(i, i + 1), spec));
    t.ok(furthest(row, alone) < 1e-5, `${kind}: sample ${i} alone`);
    const turned = rowOf(backwards, samples.length - 1 - i);
    t.ok(furthest(row, turned) < 1e-5, `${kind}: sample ${i} in another order`);
    t.ok(furthest(row, rowOf(padded, 2 + i)) < 1e-5, `${kind}: sample ${i} padded`);
  }
}
