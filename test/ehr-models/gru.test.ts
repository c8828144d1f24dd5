import t from "tap";
import type { History } from "../../core/samples.ts";
import { gru, gruModel } from "../../ehr-models/gru.ts";
import { modelValues } from "../support/model-values.ts";
import {
  affinePlain,
  codePlain,
  daysPlain,
  factsPlain,
  gruPlain,
  visitSumsPlain,
} from "../support/plain-layers.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  learnedTokenizer,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";

const SIZES = { width: 5, hidden: 4, maxVisits: 6, initialScale: 1 };
const samples = makeSamples(6, LABELS.multiclass, 4, 20);
const train = sourceOf(samples, LABELS.multiclass);

/** Σ E[c] over the distinct codes among the visits that are read. */
function distinctSumPlain(
  parameters: ReadonlyMap<string, Float32Array>,
  history: History,
  width: number,
) {
  const units = new Map<number, number>();
  for (const code of history.code) units.set(learnedTokenizer().unit[code] as number, code);
  const sum = new Array<number>(width).fill(0);
  for (const code of units.values())
    for (const [i, x] of codePlain(parameters, code, width).entries())
      sum[i] = (sum[i] as number) + x;
  return sum;
}

for (const readout of ["summary", "summary+sums"])
  t.test(`${readout}: its logits come from the latest visits, oldest first`, async (t) => {
    const run = await modelValues(gruModel, train, { ...SIZES, readout }, (context) => ({
      logits: gruModel.forward(context),
    }));
    for (const [b, sample] of samples.entries()) {
      const { visitStart } = sample.history;
      const visits = visitSumsPlain(run.parameters, sample.history, 5);
      const steps = visits.map((sum, v) => {
        const start = visitStart[v] as number;
        const gap = v === 0 ? 0 : (visitStart[v - 1] as number) - start;
        return [...sum, daysPlain(start), daysPlain(gap)];
      });
      const last = gruPlain(run.parameters, "gru", 4, steps).at(-1) ?? [];
      const distinct = distinctSumPlain(run.parameters, sample.history, 5);
      const sums = readout === "summary" ? [] : [...distinct, ...(visits.at(-1) ?? [])];
      const facts = factsPlain(sample).map((x) => gruModel.defaults.factsScale * x);
      const wanted = affinePlain(run.parameters, "output", [...last, ...sums, ...facts]);
      for (const [k, z] of wanted.entries())
        t.ok(Math.abs(z - (run.of["logits"]?.values[3 * b + k] as number)) < 1e-5);
    }
  });

t.test("it has as many parameters as its equations say", async (t) => {
  const cell = 3 * (7 * 4 + 4 * 4) + 4 * 4;
  const model = await gru.fit(contextOf({ train, epochs: 1 }), SIZES);
  t.equal(model.summary.parameters, (CODE_COUNT + 2) * 5 + cell + (4 + 2 * 5 + 14) * 3 + 3);
  await model.dispose();
  const alone = await gru.fit(contextOf({ train, epochs: 1 }), { ...SIZES, readout: "summary" });
  t.equal(alone.summary.parameters, (CODE_COUNT + 2) * 5 + cell + (4 + 14) * 3 + 3);
  await alone.dispose();
  const binary = sourceOf(makeSamples(6, LABELS.binary, 4), LABELS.binary);
  const one = await gru.fit(contextOf({ train: binary, epochs: 1 }), SIZES);
  t.equal(one.summary.parameters, (CODE_COUNT + 2) * 5 + cell + 4 + 14 + 1);
  await one.dispose();
});

t.test("a readout that it does not know is refused", async (t) => {
  const fit = gru.fit(contextOf({ train, epochs: 1 }), { ...SIZES, readout: "sums" });
  await t.rejects(fit, { name: "BenchError", message: /readout/ });
});
