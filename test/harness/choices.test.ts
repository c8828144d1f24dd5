/** What is chosen on tuning, seen through a model that knows the answers and says what it is asked. */
import t from "tap";
import type { FitContext, FittedModel } from "../../core/model.ts";
import type { SampleSource } from "../../core/samples.ts";
import { models } from "../../ehr-models/index.ts";
import { runSeeds } from "../../harness/run.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

/** Probabilities that rank perfectly; of tuning cut best at 0.875, of other samples at 0.625. */
function perfect(samples: SampleSource, isTuning: boolean): Float32Array {
  const [high, low] = isTuning ? [0.875, 0.75] : [0.625, 0.5];
  return Float32Array.from({ length: samples.size }, (_, i) =>
    samples.label(i)[0] === 1 ? high : low,
  );
}

t.test(
  "epochs and thresholds are chosen on tuning, and held-out samples are asked once",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    let scored: number | undefined;
    const asked: number[] = [];
    const sizes: number[] = [];
    const fit = async ({ train, tuning, score }: FitContext): Promise<FittedModel> => {
      scored = score(perfect(tuning, true)).value;
      sizes.push(train.size, tuning.size);
      return {
        summary: {
          ...{
            epochs: 1,
            best_epoch: 1,
            stopped_by: "epochs",
            selected_on: "auprc",
            parameters: 0,
          },
          curve: [{ epoch: 1, train_loss: 0, tuning_score: 1 }],
        },
        predict: async (samples) => {
          asked.push(samples.size);
          return perfect(samples, samples === tuning);
        },
        dispose: async () => {},
      };
    };
    const model = { ...models.get("logistic"), fit };
    const plan = { ...smallPlan("readmission", "logistic", dir), model };
    const [record] = await runSeeds(store, plan, silent);
    t.equal(scored, 1, "the tuning labels are what an epoch is scored by");
    t.equal(record?.metrics.auprc.value, 1);
    t.equal(record?.metrics.f1.threshold, 0.875, "the best cut of tuning");
    t.equal(record?.metrics.f1.value, 0, "whatever it does to held-out samples");
    const held = record?.cohort.splits.held_out.samples;
    t.same(asked, [sizes[1], held], "tuning, then held-out, each once and whole");
  },
);
