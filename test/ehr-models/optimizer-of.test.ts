/** What hyperparameters ask of the optimizer. */
import t from "tap";
import { optimizerOf, TRAINING_DEFAULTS } from "../../ehr-models/model-graphs.ts";
import { LABELS } from "../support/samples.ts";

const hyper = { ...TRAINING_DEFAULTS, learningRate: 0.02, epsilon: 0.006, weightDecay: 0.5 };

t.test("epsilon is that of one class: a mean over classes has smaller gradients", async (t) => {
  const C = LABELS.multilabel.classes.length;
  t.ok(C > 1);
  t.equal(optimizerOf(hyper, LABELS.multilabel).epsilon, 0.006 / C);
  t.equal(optimizerOf(hyper, LABELS.binary).epsilon, 0.006);
  t.equal(optimizerOf(hyper, LABELS.multiclass).epsilon, 0.006);
  t.equal(optimizerOf(hyper).epsilon, 1e-8, "stages without labels have Adam's own");
});

t.test("the rest is taken as it is", async (t) => {
  const { learningRate, weightDecay, clipNorm } = optimizerOf(hyper, LABELS.multilabel);
  t.same(
    { learningRate, weightDecay, clipNorm },
    { learningRate: 0.02, weightDecay: 0.5, clipNorm: 1 },
  );
});

t.test("a model may have the decay of one class", async (t) => {
  const hyper = { ...TRAINING_DEFAULTS, weightDecay: 0.6 };
  const C = LABELS.multilabel.classes.length;
  t.equal(optimizerOf(hyper, LABELS.multilabel, true).weightDecay, 0.6 / C);
  t.equal(optimizerOf(hyper, LABELS.multilabel).weightDecay, 0.6);
  for (const kind of ["binary", "multiclass"] as const)
    t.equal(optimizerOf(hyper, LABELS[kind], true).weightDecay, 0.6);
});
