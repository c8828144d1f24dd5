import t from "tap";
import type { Hyperparameters } from "../../core/model.ts";
import { behrtModel } from "../../ehr-models/behrt.ts";
import { prepare } from "../../ehr-models/graph-model.ts";
import { gruModel } from "../../ehr-models/gru.ts";
import { gtBehrtModel } from "../../ehr-models/gt-behrt.ts";
import { logisticModel } from "../../ehr-models/logistic.ts";
import { mlpModel } from "../../ehr-models/mlp.ts";
import { type GraphModel, makeTrainer, trainingBatch } from "../../ehr-models/model-graphs.ts";
import { retainModel } from "../../ehr-models/retain.ts";
import { transformehrModel } from "../../ehr-models/transformehr.ts";
import { transformerModel } from "../../ehr-models/transformer.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { contextOf, LABELS, makeSamples, sourceOf, vectorTokenizer } from "../support/samples.ts";

/** Parameters of a model before and after five steps on one batch of 64, and the losses. */
async function fiveSteps<H extends Hyperparameters>(model: GraphModel<H>, isVector: boolean) {
  const train = sourceOf(makeSamples(64, LABELS.multilabel), LABELS.multilabel);
  const tokenizer = isVector ? { tokenizer: vectorTokenizer(true) } : {};
  const context = contextOf({ train, ...tokenizer });
  const setup = prepare(model, context, {});
  const source = model.inputs(train, setup.tokenizer, setup.hyperparameters);
  const trainer = await makeTrainer(setup, source, context);
  const before = trainer.state.exportParameters();
  const batch = trainingBatch(
    source,
    train,
    Int32Array.from({ length: 64 }, (_, i) => i),
  );
  const losses: number[] = [];
  for (let i = 0; i < 5; i++) losses.push((await trainer.step([batch], OPTIMIZER_DEFAULTS)).loss);
  const after = trainer.state.exportParameters();
  await trainer.release();
  return { before, after, losses };
}

/** A key's bias shifts all scores of a query alike, which the softmax takes back: its gradient is zero. */
const isFlat = (name: string) => name.endsWith("key.bias");

function check<H extends Hyperparameters>(model: GraphModel<H>): void {
  for (const isVector of [false, true]) {
    const from = isVector ? "given" : "learned";
    t.test(
      `five steps on ${from} vectors move all of ${model.name}, its loss falls (H2, H16)`,
      async (t) => {
        const { before, after, losses } = await fiveSteps(model, isVector);
        for (const [name, values] of before) {
          const hasMoved = values.some((x, i) => x !== after.get(name)?.[i]);
          t.ok(hasMoved || isFlat(name), name);
        }
        t.ok((losses[4] as number) < (losses[0] as number), `${losses}`);
      },
    );
  }
}

check(transformerModel);
check(logisticModel);
check(mlpModel);
check(gruModel);
check(retainModel);
check(behrtModel);
check(gtBehrtModel);
check(transformehrModel);
