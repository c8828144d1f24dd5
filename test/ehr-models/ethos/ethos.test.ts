import t from "tap";
import { BenchError } from "../../../core/errors.ts";
import type { FitContext, Hyperparameters } from "../../../core/model.ts";
import { Random } from "../../../core/random.ts";
import type { SampleSource } from "../../../core/samples.ts";
import type { Outcome } from "../../../core/task.ts";
import { lossGraph } from "../../../ehr-models/ethos/network.ts";
import { ethos } from "../../../ehr-models/ethos.ts";
import { State } from "../../../engine/state.ts";
import { baseline } from "../../../tokenizers/baseline.ts";
import { atDischarge, context, predictions, SMALL, source } from "../../support/planted-fits.ts";
import {
  type Course,
  DIED,
  DIES_NEXT,
  plantedSubjects,
  READMITTED,
  whole,
  wholeRecord,
} from "../../support/planted-records.ts";
import { averagePrecision, labelsOf } from "../../support/samples.ts";

/** Subjects of each group whose futures are drawn. */
const ASKED = 20;

const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length;

t.test(
  "in a planted course the share of futures is the true conditional probability",
  async (t) => {
    const course: Course = { again: [0.5, 0.8], soon: 0.3, dies: [0.75, 0.15] };
    const subjects = plantedSubjects(500, course, 1);
    const group = (isIll: boolean) => subjects.filter((s) => s.isIll === isIll);
    const asked = [...group(true).slice(0, ASKED), ...group(false).slice(0, ASKED)];
    const prompts = source(atDischarge(asked, () => false));
    const died = (isIll: boolean) =>
      share(
        group(isIll)
          .filter((s) => s.isAgain)
          .map((s) => s.isDead),
      );
    const back = (isIll: boolean) => share(group(isIll).map((s) => s.isSoon));
    for (const [name, outcome, truth] of [
      ["death, given an admission", DIES_NEXT, died],
      ["an admission within 15 days", READMITTED, back],
    ] as const) {
      const fit = context(prompts, whole(subjects), outcome, { epochs: 25 });
      const estimate = outcome === READMITTED ? "weighted" : "share";
      // Two layers: which stay ends is told by its beginning, who is ill by the stay before.
      const p = await predictions(fit, { estimate, futures: 20, layers: 2 }, prompts);
      const meanOf = (some: Float32Array) => some.reduce((sum, x) => sum + x, 0) / some.length;
      const [ill, well] = [meanOf(p.subarray(0, ASKED)), meanOf(p.subarray(ASKED))];
      t.ok(Math.abs(ill - truth(true)) < 0.1, `${name}: ${ill}, in the records ${truth(true)}`);
      t.ok(Math.abs(well - truth(false)) < 0.1, `${name}: ${well}, ${truth(false)}`);
    }
  },
);

t.test("32 subjects are learned by heart", async (t) => {
  const course: Course = { again: [1, 1], soon: 0.5, dies: [1, 0] };
  const subjects = plantedSubjects(32, course, 2);
  const train = source(atDischarge(subjects, (s) => s.isDead));
  const p = await predictions(
    context(train, whole(subjects), DIES_NEXT, { epochs: 60 }),
    { futures: 4, batchSize: 8 },
    train,
  );
  t.equal(averagePrecision(p, labelsOf(train)), 1);
  t.ok(Math.max(...p) > 0.9 && Math.min(...p) < 0.1);
});

t.test("one future gives 0 or 1; company, order and padding change nothing", async (t) => {
  const course: Course = { again: [0.6, 0.6], soon: 0.5, dies: [0.5, 0.5] };
  const subjects = plantedSubjects(40, course, 4);
  const samples = atDischarge(subjects, () => false);
  const fit = context(source(samples), whole(subjects), READMITTED, { epochs: 2 });
  const single = await predictions(fit, { futures: 1, estimate: "share" }, source(samples));
  t.ok(single.every((p) => p === 0 || p === 1));
  t.ok(single.includes(0) && single.includes(1));
  const model = await ethos.fit(fit, { ...SMALL, futures: 7 });
  t.teardown(() => model.dispose());
  const all = await model.predict(source(samples));
  t.same(
    await model.predict(source([...samples].reverse())),
    all.slice().reverse(),
    "in another order",
  );
  for (const i of [0, 17, 39])
    t.equal((await model.predict(source(samples.slice(i, i + 1))))[0], all[i], `sample ${i} alone`);
});

t.test(
  "what happens after the prediction time and other splits do not reach a prediction",
  async (t) => {
    const course: Course = { again: [1, 1], soon: 0.5, dies: [0.5, 0.5] };
    const subjects = plantedSubjects(30, course, 5);
    const train = source(atDischarge(subjects, (s) => s.isDead));
    const flipped = source(atDischarge(subjects, (s) => !s.isDead));
    const fit = (labels: SampleSource) =>
      predictions(
        context(labels, whole(subjects), DIES_NEXT, { epochs: 2 }),
        { futures: 3 },
        labels,
      );
    t.same(await fit(train), await fit(flipped), "labels are never read");
  },
);

t.test("every setting of training has a say", async (t) => {
  const course: Course = { again: [1, 1], soon: 0.5, dies: [0.5, 0.5] };
  const subjects = plantedSubjects(30, course, 7);
  const samples = source(atDischarge(subjects, () => false));
  const fit = context(samples, whole(subjects), DIES_NEXT, { epochs: 1 });
  const plain = await predictions(fit, { futures: 2 }, samples);
  for (const other of [
    { epsilon: 1e-2 },
    { readout: "attention" },
    { endingWeight: 0 },
    { codeDropout: 0 },
  ])
    t.notSame(
      await predictions(fit, { futures: 2, ...other }, samples),
      plain,
      Object.keys(other).join(),
    );
});

t.test("a fit that was stopped goes on from its checkpoint to the same predictions", async (t) => {
  const course: Course = { again: [0.6, 0.6], soon: 0.5, dies: [0.5, 0.5] };
  const subjects = plantedSubjects(40, course, 4);
  const train = source(atDischarge(subjects, () => false));
  const settings = { futures: 2, batchSize: 8, dropout: 0.1, averaging: 0.9 };
  const plain = context(train, whole(subjects), READMITTED, { epochs: 4 });
  const wanted = await predictions(plain, settings, train);
  const kept = new Map<string, Uint8Array>();
  const checkpoints = {
    load: (key: string) => Promise.resolve(kept.get(key)),
    save: (key: string, bytes: Uint8Array) => Promise.resolve(void kept.set(key, bytes)),
  };
  const controller = new AbortController();
  const epochs: number[] = [];
  const report: FitContext["report"] = ({ epoch }) => {
    epochs.push(epoch);
    if (epoch === 3) controller.abort(new Error("enough"));
  };
  const stopped = { ...plain, checkpoints, report, signal: controller.signal };
  await t.rejects(predictions(stopped, settings, train), /enough/);
  epochs.length = 0;
  const resumed = { ...plain, checkpoints, report: stopped.report, signal: plain.signal };
  t.same(await predictions(resumed, settings, train), wanted);
  t.equal(epochs[0], 3, "the first two epochs are not trained again");
});

t.test("a history with a death in it has no future", async (t) => {
  const course: Course = { again: [1, 1], soon: 1, dies: [1, 1] };
  const subjects = plantedSubjects(12, course, 6);
  const train = source(atDischarge(subjects, () => false));
  const dead = source(subjects.map(({ record }) => wholeRecord(record)));
  const p = await predictions(
    context(train, whole(subjects), READMITTED, { epochs: 1 }),
    { futures: 3 },
    dead,
  );
  t.ok(p.every((x) => x === 0));
});

t.test("parameters are as many as counted by hand", (t) => {
  const [V, d, n, f, P] = [40, 16, 2, 24, 50];
  const network = {
    vocabulary: V,
    width: d,
    heads: 2,
    layers: n,
    feedForward: f,
    context: P,
    dropout: 0,
    attentionDropout: 0,
  };
  const { graph } = lossGraph(network, true);
  const state = new State(graph.parameters, Random.fromSeed(0));
  // Per block four d × d and two d × f matrices without biases, and two layer norms; the output is tied.
  t.equal(state.parameterCount, V * d + P * d + n * (4 * d * d + 2 * d * f + 4 * d) + 2 * d);
  const deviation = (name: string) =>
    Math.sqrt(
      state.parameter(name).reduce((sum, x) => sum + x * x, 0) / state.parameter(name).length,
    );
  t.ok(Math.abs(deviation("layer0.query.weight") - 0.02) < 0.003);
  t.ok(Math.abs(deviation("layer1.output.weight") - 0.01) < 0.002, "0.02 / sqrt(2 n)");
  t.end();
});

t.test(
  "tasks without an event to wait for are refused, and settings that cannot work",
  async (t) => {
    const labels = DIED;
    t.match(ethos.refuses?.({ labels, outcome: null }, baseline), /no event/);
    t.equal(ethos.refuses?.({ labels, outcome: READMITTED }, baseline), null);
    const subjects = plantedSubjects(4, { again: [1, 1], soon: 1, dies: [0, 0] }, 1);
    const train = source(atDischarge(subjects, () => false));
    const fit = (settings: Hyperparameters, outcome: Outcome | null = READMITTED) =>
      ethos.fit(
        { ...context(train, whole(subjects), READMITTED, { epochs: 1 }), outcome },
        { ...SMALL, ...settings },
      );
    await t.rejects(fit({}, null), BenchError);
    await t.rejects(fit({ context: 25 }), /no room for a history/);
    await t.rejects(fit({ estimate: "guess" }), /estimate "guess"/);
    await t.rejects(fit({ temperature: 0 }), /temperature is 0/);
    await t.rejects(fit({ futures: 0.5 }), /futures is 0.5/);
    await t.rejects(fit({ readout: "guess" }), /readout "guess"/);
    await t.rejects(fit({ endingWeight: -1 }), /endingWeight is -1/);
    await t.rejects(fit({ codeDropout: 1 }), /codeDropout is 1/);
    const two = { classes: [["ATC/B01AB01"], ["ATC/C07AB02"]], until: [], withinDays: 9 };
    await t.rejects(fit({ estimate: "weighted" }, two), /one class/);
    await t.rejects(fit({ estimate: "weighted", topK: 5 }), /topK 0/);
  },
);
