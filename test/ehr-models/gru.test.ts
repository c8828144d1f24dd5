import t from "tap";
import { gru, gruModel } from "../../ehr-models/gru.ts";
import { modelValues } from "../support/model-values.ts";
import {
  affinePlain,
  daysPlain,
  factsPlain,
  gruPlain,
  visitSumsPlain,
} from "../support/plain-layers.ts";
import { CODE_COUNT, contextOf, LABELS, makeSamples, sourceOf } from "../support/samples.ts";

const SIZES = { width: 5, hidden: 4, maxVisits: 6, initialScale: 1 };
const samples = makeSamples(6, LABELS.multiclass, 4);
const train = sourceOf(samples, LABELS.multiclass);

t.test("its logits come from the state after the latest visit, oldest visit first", async (t) => {
  const run = await modelValues(gruModel, train, SIZES, (context) => ({
    logits: gruModel.forward(context),
  }));
  for (const [b, sample] of samples.entries()) {
    const { visitStart } = sample.history;
    const steps = visitSumsPlain(run.parameters, sample.history, 5).map((sum, v) => {
      const start = visitStart[v] as number;
      const gap = v === 0 ? 0 : (visitStart[v - 1] as number) - start;
      return [...sum, daysPlain(start), daysPlain(gap)];
    });
    const last = gruPlain(run.parameters, "gru", 4, steps).at(-1) ?? [];
    const facts = factsPlain(sample).map((x) => gruModel.defaults.factsScale * x);
    const wanted = affinePlain(run.parameters, "output", [...last, ...facts]);
    for (const [k, z] of wanted.entries())
      t.ok(Math.abs(z - (run.of["logits"]?.values[3 * b + k] as number)) < 1e-5);
  }
});

t.test("it has as many parameters as its equations say", async (t) => {
  const model = await gru.fit(contextOf({ train, epochs: 1 }), SIZES);
  const cell = 3 * (7 * 4 + 4 * 4) + 4 * 4;
  t.equal(model.summary.parameters, (CODE_COUNT + 2) * 5 + cell + (4 + 14) * 3 + 3);
  await model.dispose();
});
