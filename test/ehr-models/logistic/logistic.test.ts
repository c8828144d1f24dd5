import t from "tap";
import type { Checkpoints, FitContext } from "../../../core/model.ts";
import { inverseOf } from "../../../ehr-models/logistic/path.ts";
import { logistic } from "../../../ehr-models/logistic.ts";
import {
  CODE_COUNT,
  type ContextOptions,
  contextOf,
  LABELS,
  labelsOf,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../../support/samples.ts";

const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);
/** 3 of age, 10 bins, 3 sexes, 4 of utilisation, 4 races. */
const PROFILE = 24;

t.test("it has as many parameters as its equations say, whatever the vectors are", async (t) => {
  // Three windows of one weight a unit and class, the profile's weights, and biases.
  const wanted = 3 * (CODE_COUNT + 2) * 3 + PROFILE * 3 + 3;
  for (const more of [{}, { tokenizer: vectorTokenizer(false) }]) {
    const model = await logistic.fit(contextOf({ train, epochs: 1, ...more }), {});
    t.equal(model.summary.parameters, wanted);
    await model.dispose();
  }
});

t.test("it reads every code of the history, repeats too", async (t) => {
  t.same(logistic.history({}), { maxCodes: 1e9, repeats: "every" });
});

/** A label of 19 classes, so that there are three strips of them. */
const MANY = {
  kind: "multilabel" as const,
  classes: Array.from({ length: 19 }, (_, c) => `class ${c}`),
};

function manyLabels(size: number, seed: number) {
  const samples = makeSamples(size, LABELS.multilabel, seed, 30).map((sample) => {
    const codes = new Set(sample.history.code);
    return { ...sample, label: Uint8Array.from(MANY.classes, (_, c) => Number(codes.has(c))) };
  });
  return sourceOf(samples, MANY);
}

/** A context that scores by minus the log loss of the tuning split. */
function losing(options: ContextOptions): FitContext {
  const truth = labelsOf(options.tuning ?? options.train);
  const score = (probabilities: Float32Array) => {
    const losses = probabilities.map((p, i) => -Math.log(truth[i] === 1 ? p : 1 - p));
    return {
      value: -losses.reduce((a, b) => a + b, 0) / truth.length,
      name: "negative_loss" as const,
    };
  };
  return { ...contextOf(options), score };
}

t.test("the penalty that does best on tuning is kept, and is what predicts", async (t) => {
  const [many, tuning] = [manyLabels(60, 1), manyLabels(40, 2)];
  const context = losing({ train: many, tuning, epochs: 12, patience: 12 });
  const model = await logistic.fit(context, { smallestC: 1e-3, largestC: 1e6, tolerance: 1e-6 });
  const { curve, best_epoch } = model.summary;
  const scores = curve.map(({ tuning_score }) => tuning_score);
  t.equal(scores[best_epoch - 1], Math.max(...scores));
  t.ok(best_epoch > 1 && best_epoch < 12, `neither end of the path: ${best_epoch}`);
  const losses = curve.map(({ train_loss }) => train_loss);
  t.ok(
    losses.every((loss, e) => e === 0 || loss < (losses[e - 1] as number) + 1e-6),
    "the weaker the penalty, the lower the loss",
  );
  t.ok((losses[11] as number) < 0.1 * (losses[0] as number));
  const again = context.score(await model.predict(tuning)).value;
  t.ok(Math.abs(again - Math.max(...scores)) < 1e-5, `${again} and ${Math.max(...scores)}`);
  await model.dispose();
});

t.test("a path is as fine as it has epochs, and ends when patience does", async (t) => {
  const ends = { smallestC: 1e-3, largestC: 10, profilePenalty: 1, tolerance: 1e-5 };
  const path = (epochs: number) =>
    Array.from({ length: epochs }, (_, e) => inverseOf(e + 1, epochs, ends));
  const near = (a: number, b: number) => Math.abs(a - b) < 1e-12 * b;
  t.ok(near(path(1)[0] ?? 0, 0.1));
  t.ok([0.01, 1].every((C, e) => near(path(2)[e] ?? 0, C)));
  const score = () => ({ value: 0.5, name: "auprc" as const });
  const flat = { ...contextOf({ train, epochs: 9, patience: 3 }), score };
  const model = await logistic.fit(flat, {});
  t.match(model.summary, { epochs: 4, best_epoch: 1, stopped_by: "patience" });
  await model.dispose();
});

t.test("a fit that was stopped goes on from its last penalty, to the same bits", async (t) => {
  const many = manyLabels(40, 3);
  const saved = new Map<string, Uint8Array>();
  const checkpoints: Checkpoints = {
    load: (key) => Promise.resolve(saved.get(key)),
    save: (key, bytes) => Promise.resolve(void saved.set(key, bytes)),
  };
  const fit = async (more: Partial<FitContext>) => {
    const model = await logistic.fit({ ...losing({ train: many, epochs: 5 }), ...more }, {});
    const probabilities = await model.predict(many);
    await model.dispose();
    return { summary: model.summary, probabilities };
  };
  const whole = await fit({});
  const stop = new AbortController();
  const report: FitContext["report"] = ({ epoch, step }) => {
    if (epoch === 4 && step === 2) stop.abort(new Error("power cut"));
  };
  await t.rejects(fit({ checkpoints, signal: stop.signal, report }), /power cut/);
  const seen: number[] = [];
  const resumed = await fit({ checkpoints, report: ({ epoch }) => seen.push(epoch) });
  t.same(resumed, whole);
  t.equal(Math.min(...seen), 4, "what was done is not done again");
  saved.set("train", Uint8Array.of(1, 2, 3));
  t.same(await fit({ checkpoints }), whole, "a checkpoint that is none is no checkpoint");
});

t.test("it refuses paths that lead nowhere", async (t) => {
  const refuses = (given: Record<string, number>, message: RegExp) =>
    t.throws(() => logistic.check(given), { name: "BenchError", message });
  refuses({ smallestC: 0 }, /smallestC is 0/);
  refuses({ largestC: -1 }, /largestC is -1/);
  refuses({ tolerance: 0 }, /tolerance is 0/);
  refuses({ profilePenalty: -0.1 }, /profilePenalty is -0.1/);
  refuses({ smallestC: 2, largestC: 1 }, /largestC is 1 and smallestC 2/);
  refuses({ learningRate: 1 }, /learningRate/);
  t.doesNotThrow(() => logistic.check({ smallestC: 1, largestC: 1, profilePenalty: 0 }));
});

t.test("it says where a loss was lost", async (t) => {
  const [sample, ...others] = makeSamples(8, LABELS.binary);
  if (sample === undefined) throw new Error("no sample");
  const visitStart = sample.history.visitStart.map(() => Number.POSITIVE_INFINITY);
  const endless = { ...sample, history: { ...sample.history, visitStart } };
  const wild = sourceOf([endless, ...others], LABELS.binary);
  await t.rejects(logistic.fit(contextOf({ train: wild, epochs: 1 }), {}), {
    name: "BenchError",
    message: /loss became NaN/,
    where: "train, C = 0.1",
  });
});
