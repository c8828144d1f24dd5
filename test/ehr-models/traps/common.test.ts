/** Traps that concern every model (models.md, 0.14) or a comparison of models, which no other test names. */
import t from "tap";
import { models } from "../../../ehr-models/index.ts";
import { transformehrModel } from "../../../ehr-models/transformehr.ts";
import { loadLabels } from "../../../harness/labels.ts";
import type { ResultRecord } from "../../../harness/record.ts";
import { runSeeds } from "../../../harness/run.ts";
import { drugrec } from "../../../tasks/drugrec.ts";
import { modelValues } from "../../support/model-values.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../../support/samples.ts";
import { SMALL_MODELS } from "../../support/small-models.ts";
import { silent, smallPlan, twinStore } from "../../support/small-run.ts";
import { A01, DIAGNOSIS, sourceWith, subject } from "../../support/subject.ts";

const PROCEDURE = 1;

t.test(
  "retain and gamenet read the same visits and answer about the same samples (R4)",
  async (t) => {
    for (const name of ["retain", "gamenet"]) {
      const settings = { ...SMALL_MODELS[name]?.settings };
      const train = sourceOf(makeSamples(16, LABELS.multilabel), LABELS.multilabel);
      const context = contextOf({ train, epochs: 2, pretrainEpochs: 0 });
      const model = await models.get(name).fit(context, settings);
      const now = [subject([PROCEDURE, A01], [DIAGNOSIS]), subject([PROCEDURE, A01], [3])];
      const first = [subject([DIAGNOSIS]), subject([3])];
      const p = await model.predict(sourceWith(...now, ...first));
      t.notSame(p.slice(0, 3), p.slice(3, 6), `${name}: the current visit's diagnoses are read`);
      t.notSame(p.slice(6, 9), p.slice(9), `${name}: a first visit is a sample like any other`);
      await model.dispose();
    }
  },
);

t.test(
  "of one task all models are scored on the samples of the label file (R4, H3, H8)",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 120, dir);
    t.teardown(() => store.close());
    const labels = await loadLabels(store, drugrec, {});
    const held = [...labels.split.keys()].filter((i) => labels.split[i] === 2);
    const C = labels.spec.classes.length;
    const shares = labels.spec.classes.map(
      (_, c) => held.filter((i) => labels.value[i * C + c] === 1).length / held.length,
    );
    const records: ResultRecord[] = [];
    for (const name of ["retain", "gamenet", "logistic"])
      records.push(...(await runSeeds(store, smallPlan("drugrec", name, dir), silent)));
    for (const { cohort, metrics } of records) {
      t.same(cohort.steps, records[0]?.cohort.steps);
      t.equal(cohort.splits.held_out.samples, held.length);
      const prevalence = metrics.auprc.per_class?.map((one) => one.prevalence);
      t.same(prevalence, shares, "the prevalence that is scored is the one there is");
      t.equal(metrics.sample_jaccard?.threshold, 0.5, "one threshold for sets");
    }
  },
);

t.test("an answer is one position, and no code to be written is fed for it (TE2)", async (t) => {
  const train = sourceOf(makeSamples(6, LABELS.multilabel), LABELS.multilabel);
  const given = { ...SMALL_MODELS["transformehr"]?.settings };
  let inputs: string[] = [];
  const run = await modelValues(transformehrModel, train, given, (context) => {
    const logits = transformehrModel.forward(context);
    inputs = [...context.graph.inputs.keys()];
    return { logits };
  });
  t.same(run.of["logits"]?.shape, [6, 3]);
  t.same(
    inputs.filter((name) => name.startsWith("target") || name === "y"),
    [],
  );
});
