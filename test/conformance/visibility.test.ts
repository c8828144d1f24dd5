/** What must not show: the future and the label in a prediction, labels and other splits in pretraining. */
import t from "tap";
import type { Hyperparameters } from "../../core/model.ts";
import type { History, SampleSource } from "../../core/samples.ts";
import { models } from "../../ehr-models/index.ts";
import { kindsOf, outcomeFor } from "../support/kinds-of.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";
import { SMALL_MODELS } from "../support/small-models.ts";

/** A history in arrays that go on, as buffers of a whole record do: what comes after it are the signal codes. */
function withFuture({ length, visitCount, ...history }: History): History {
  const later = 6;
  const on = <A extends Int32Array | Uint8Array | Float32Array>(
    values: A,
    size: number,
    value: (i: number) => number,
  ): A => {
    const longer = new (values.constructor as { new (n: number): A })(size + later);
    longer.set(values.subarray(0, size));
    for (let i = 0; i < later; i++) longer[size + i] = value(i);
    return longer;
  };
  return {
    length,
    visitCount,
    code: on(history.code, length, (i) => i % 3),
    kind: on(history.kind, length, (i) => 1 + (i % 2)),
    visit: on(history.visit, length, (i) => visitCount + (i % 2)),
    daysBefore: on(history.daysBefore, length, (i) => -10 * i - 5),
    visitStart: on(history.visitStart, visitCount, (i) => -10 * i - 4),
    visitEnd: on(history.visitEnd, visitCount, (i) => -10 * i - 7),
  };
}

const flipped = (source: SampleSource): SampleSource => ({
  ...source,
  label: (i) => source.label((i + 1) % source.size),
});

for (const definition of models.all) {
  const { name } = definition;
  const settings: Hyperparameters = { ...SMALL_MODELS[name]?.settings };
  const kind = kindsOf(definition)[0] ?? "binary";
  const made = (size: number, seed: number) =>
    sourceOf(makeSamples(size, LABELS[kind], seed), LABELS[kind]);
  const train = made(24, 1);
  const outcome = outcomeFor(kind);

  t.test(
    `neither the future nor the label of a sample changes what ${name} says of it`,
    async (t) => {
      const context = contextOf({ train, outcome, epochs: 2, pretrainEpochs: 0 });
      const model = await definition.fit(context, settings);
      const held = made(16, 2);
      const plain = await model.predict(held);
      const ahead = { ...held, read: (i: number) => withFuture(held.read(i)) };
      t.same(await model.predict(ahead), plain, "what comes later");
      t.same(await model.predict(flipped(held)), plain, "the answer");
      t.notSame(await model.predict(made(16, 3)), plain, "other histories are told apart");
      await model.dispose();
    },
  );

  t.test(`stages before the training of ${name} read no label and no other split`, async (t) => {
    const stagesOf = async (source: SampleSource, tuning: SampleSource, more = {}) => {
      const context = { train: source, tuning, timelines: train, outcome, epochs: 1 };
      const model = await definition.fit(contextOf({ ...context, pretrainEpochs: 2 }), {
        ...settings,
        ...more,
      });
      await model.dispose();
      return model.summary.pretraining ?? [];
    };
    const stages = await stagesOf(train, made(8, 2));
    if (!("pretrainLearningRate" in definition.defaults)) {
      t.same(stages, [], "it has none");
      return;
    }
    t.ok(stages.length > 0 && stages.every(({ epochs }) => epochs === 2));
    t.same(await stagesOf(flipped(train), made(8, 2)), stages, "labels");
    t.same(await stagesOf(train, made(8, 3)), stages, "tuning subjects");
    const wild = { pretrainLearningRate: 1e38, clipNorm: 0 };
    const lost = (stage: string) => new RegExp(`^${stage}, epoch \\d+, step \\d+$`);
    await t.rejects(stagesOf(train, made(8, 2), wild), {
      name: "BenchError",
      message: /loss became/,
      where: lost(stages[0]?.stage ?? ""),
    });
  });
}
