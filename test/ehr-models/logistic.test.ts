import t from "tap";
import { logistic } from "../../ehr-models/logistic.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";

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
