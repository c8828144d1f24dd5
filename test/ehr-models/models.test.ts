/** What every registered model promises. */
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import type { LabelKind } from "../../core/label.ts";
import type { FittedModel, Hyperparameters } from "../../core/model.ts";
import { models } from "../../ehr-models/index.ts";
import {
  averagePrecision,
  contextOf,
  LABELS,
  labelsOf,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";

const KINDS: readonly LabelKind[] = ["binary", "multiclass", "multilabel"];

/** Small and without regularisation, so that 32 samples can be learned by heart in seconds. */
const SMALL: Readonly<Record<string, Hyperparameters>> = {
  transformer: {
    width: 32,
    heads: 2,
    layers: 1,
    feedForward: 64,
    dropout: 0,
    inputDropout: 0,
    codeDropout: 0,
    batchSize: 8,
    learningRate: 3e-3,
    weightDecay: 0,
    schedule: "constant",
  },
  logistic: { batchSize: 8, learningRate: 0.05, weightDecay: 0, schedule: "constant" },
};

const small = (name: string): Hyperparameters => SMALL[name] ?? {};
const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? Number.NaN))), 0);

async function using<T>(model: FittedModel, use: (model: FittedModel) => Promise<T>): Promise<T> {
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

for (const definition of models.all) {
  const { name } = definition;

  t.test(`${name} learns 32 samples of every label kind by heart`, async (t) => {
    t.same(definition.accepts, KINDS);
    for (const kind of KINDS) {
      const train = sourceOf(makeSamples(32, LABELS[kind]), LABELS[kind]);
      const model = await definition.fit(contextOf({ train, epochs: 60 }), small(name));
      const probabilities = await using(model, (fitted) => fitted.predict(train));
      t.equal(averagePrecision(probabilities, labelsOf(train)), 1, kind);
      const { curve } = model.summary;
      t.ok(
        (curve.at(-1)?.train_loss ?? 9) < 0.3 * (curve[0]?.train_loss ?? 0),
        `${kind}: the loss falls`,
      );
    }
  });

  t.test(`${name} finds the planted signal in subjects it has not seen`, async (t) => {
    const train = sourceOf(makeSamples(600, LABELS.binary, 1), LABELS.binary);
    const tuning = sourceOf(makeSamples(150, LABELS.binary, 2), LABELS.binary);
    const held = sourceOf(makeSamples(300, LABELS.binary, 3), LABELS.binary);
    const context = contextOf({ train, tuning, epochs: 15, patience: 5 });
    const model = await definition.fit(context, { ...small(name), batchSize: 32 });
    const probabilities = await using(model, (fitted) => fitted.predict(held));
    const score = averagePrecision(probabilities, labelsOf(held));
    t.ok(score > 0.95, `average precision ${score}; prevalence is 0.4`);
  });

  t.test(
    `${name} gives a sample one probability, alone, in a batch and in any order`,
    async (t) => {
      const samples = makeSamples(40, LABELS.multilabel);
      const train = sourceOf(samples, LABELS.multilabel);
      const model = await definition.fit(contextOf({ train, epochs: 3 }), small(name));
      await using(model, async (fitted) => {
        const all = await fitted.predict(train);
        const backwards = await fitted.predict(sourceOf([...samples].reverse(), LABELS.multilabel));
        for (const [i, sample] of samples.entries()) {
          const row = all.slice(3 * i, 3 * i + 3);
          const alone = await fitted.predict(sourceOf([sample], LABELS.multilabel));
          const at = 3 * (samples.length - 1 - i);
          t.ok(furthest(row, alone) < 1e-5, `sample ${i} alone`);
          t.ok(furthest(row, backwards.slice(at, at + 3)) < 1e-5, `sample ${i} in another order`);
        }
      });
    },
  );

  t.test(`${name} does not depend on how far its neighbours make it be padded`, async (t) => {
    const samples = makeSamples(20, LABELS.binary);
    const long = makeSamples(1, LABELS.binary, 9, 300).concat(
      makeSamples(3, LABELS.binary, 10, 300),
    );
    const train = sourceOf(samples, LABELS.binary);
    const model = await definition.fit(contextOf({ train, epochs: 2 }), small(name));
    await using(model, async (fitted) => {
      const short = await fitted.predict(train);
      const padded = await fitted.predict(sourceOf([...samples, ...long], LABELS.binary));
      t.ok(furthest(short, padded.slice(0, 20)) < 1e-5);
    });
  });

  t.test(
    `${name} fitted again from one seed is equal bit for bit, and not from another`,
    async (t) => {
      const train = sourceOf(makeSamples(48, LABELS.multiclass), LABELS.multiclass);
      const fitWith = async (seed: number, threads: number) => {
        const model = await definition.fit(contextOf({ train, epochs: 3, seed, threads }), {});
        const probabilities = await using(model, (fitted) => fitted.predict(train));
        return { probabilities, curve: model.summary.curve };
      };
      const first = await fitWith(1, 1);
      t.same(await fitWith(1, 1), first);
      t.same(await fitWith(1, 2), first, "nor do threads show");
      t.notSame(await fitWith(2, 1), first);
    },
  );

  t.test(`${name} gives probabilities: in range, rows of exclusive classes sum to 1`, async (t) => {
    const train = sourceOf(makeSamples(30, LABELS.multiclass), LABELS.multiclass);
    const model = await definition.fit(contextOf({ train, epochs: 20 }), small(name));
    const probabilities = await using(model, (fitted) => fitted.predict(train));
    t.equal(probabilities.length, 90);
    for (let i = 0; i < 30; i++) {
      const row = probabilities.slice(3 * i, 3 * i + 3);
      t.ok(row.every((p) => p >= 0 && p <= 1));
      t.ok(Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-5);
    }
    t.ok(Math.max(...probabilities) > 0.9, "no second softmax flattens them");
  });

  t.test(
    `${name} copes with one sample, one class, empty histories and no known subject facts`,
    async (t) => {
      const [one] = makeSamples(1, LABELS.binary);
      if (one === undefined) throw new Error("no sample");
      const empty = { ...one.history, length: 0, visitCount: 0 };
      const bare = {
        ...one,
        history: empty,
        ageYears: Number.NaN,
        sex: 0,
        race: 0,
        label: Uint8Array.of(1),
      };
      for (const samples of [[one], [bare], [bare, { ...one, label: Uint8Array.of(1) }]]) {
        const train = sourceOf(samples, LABELS.binary);
        const model = await definition.fit(contextOf({ train, epochs: 2 }), small(name));
        const probabilities = await using(model, (fitted) => fitted.predict(train));
        t.equal(probabilities.length, samples.length);
        t.ok(probabilities.every((p) => Number.isFinite(p)));
      }
      const none = sourceOf([], LABELS.binary);
      await t.rejects(definition.fit(contextOf({ train: none }), {}), BenchError);
      const model = await definition.fit(
        contextOf({ train: sourceOf([one], LABELS.binary), epochs: 1 }),
        {},
      );
      t.equal((await using(model, (fitted) => fitted.predict(none))).length, 0);
    },
  );

  t.test(`${name} stops when it is told to`, async (t) => {
    const train = sourceOf(makeSamples(64, LABELS.binary), LABELS.binary);
    const controller = new AbortController();
    let steps = 0;
    const report = () => {
      steps += 1;
      if (steps === 2) controller.abort(new Error("enough"));
    };
    const context = contextOf({ train, epochs: 50, report, signal: controller.signal });
    await t.rejects(definition.fit(context, small(name)), /enough/);
    t.equal(steps, 2);
  });

  t.test(
    `${name} refuses hyperparameters it does not have, and values of another type`,
    async (t) => {
      const train = sourceOf(makeSamples(4, LABELS.binary), LABELS.binary);
      const fitWith = (given: Hyperparameters) =>
        definition.fit(contextOf({ train, epochs: 1 }), given);
      await t.rejects(fitWith({ learnigRate: 1 }), {
        message: 'unknown hyperparameter "learnigRate"',
      });
      await t.rejects(fitWith({ learningRate: "fast" }), { message: /learningRate is "fast"/ });
      await t.rejects(fitWith({ batchSize: 0 }), { message: /batchSize is 0/ });
      await t.rejects(fitWith({ schedule: "stairs" }), {
        message: /unknown learning-rate schedule/,
      });
      t.throws(() => definition.history({ wrong: 1 }), BenchError);
    },
  );

  t.test(`${name} has presets that set hyperparameters it has`, async (t) => {
    for (const [preset, values] of Object.entries(definition.presets))
      for (const [key, value] of Object.entries(values))
        t.equal(typeof value, typeof definition.defaults[key], `${preset}: ${key}`);
  });

  t.test(
    `${name} cannot be used once it is disposed of, and can be disposed of twice`,
    async (t) => {
      const train = sourceOf(makeSamples(8, LABELS.binary), LABELS.binary);
      const model = await definition.fit(contextOf({ train, epochs: 1 }), small(name));
      await model.dispose();
      await model.dispose();
      await t.rejects(model.predict(train), /disposed/);
    },
  );
}
