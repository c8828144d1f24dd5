import t from "tap";
import { mlp } from "../../ehr-models/mlp.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";

const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);
const sizes = { width: 12, hidden1: 20, hidden2: 10 };
/** 3 of age, 10 bins, 3 sexes, 4 of utilisation, 4 races. */
const PROFILE = 24;
/** Three windows of 12, then 20 and 10 with their biases. */
const HIDDEN = (3 * 12 + PROFILE) * 20 + 20 + (20 * 10 + 10);
/** 3 classes read the last hidden layer and the bag. */
const LAYERS = HIDDEN + (10 + 3 * 12 + PROFILE) * 3 + 3;

t.test("it has as many parameters as its equations say", async (t) => {
  const model = await mlp.fit(contextOf({ train, epochs: 1 }), sizes);
  t.equal(model.summary.parameters, (CODE_COUNT + 2) * 12 + LAYERS);
  await model.dispose();
});

t.test("one class, or wide=false, reads the last hidden layer alone", async (t) => {
  const narrow = await mlp.fit(contextOf({ train, epochs: 1 }), { ...sizes, wide: false });
  t.equal(narrow.summary.parameters, (CODE_COUNT + 2) * 12 + HIDDEN + 10 * 3 + 3);
  await narrow.dispose();
  const binary = sourceOf(makeSamples(24, LABELS.binary), LABELS.binary);
  const one = await mlp.fit(contextOf({ train: binary, epochs: 1 }), sizes);
  t.equal(one.summary.parameters, (CODE_COUNT + 2) * 12 + HIDDEN + 10 + 1);
  await one.dispose();
});

t.test("given vectors cost a projection and the unknown vector", async (t) => {
  const tokenizer = vectorTokenizer(false);
  const model = await mlp.fit(contextOf({ train, tokenizer, epochs: 1 }), sizes);
  const features = CODE_COUNT; // of similarity, one a code
  t.equal(model.summary.parameters, features * 12 + 12 + features + LAYERS);
  await model.dispose();
});

t.test("it reads every code of the history, repeats too", async (t) => {
  t.same(mlp.history({}), { maxCodes: 1e9, repeats: "every" });
});

t.test("sizes and shares that make no sense are refused", async (t) => {
  const fitWith = (given: Record<string, number>) =>
    mlp.fit(contextOf({ train, epochs: 1 }), given);
  await t.rejects(fitWith({ hidden1: 0 }), { name: "BenchError", message: /hidden1 is 0/ });
  await t.rejects(fitWith({ codeDropout: 1 }), { name: "BenchError", message: /codeDropout is 1/ });
});
