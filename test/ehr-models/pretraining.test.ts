/** Pretraining stages: what they hand on, how they are skipped, and that an interrupted one resumes. */
import t from "tap";
import type { Checkpoints, FitContext } from "../../core/model.ts";
import { PART_TOKENS } from "../../ehr-models/batch-source.ts";
import { fitGraphModel } from "../../ehr-models/graph-model.ts";
import { sequenceInputs } from "../../ehr-models/inputs.ts";
import { type GraphModel, TRAINING_DEFAULTS } from "../../ehr-models/model-graphs.ts";
import { type PretrainStage, runStage } from "../../ehr-models/pretraining.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { dropout } from "../../engine/layers/dropout.ts";
import { lookup, table } from "../../engine/layers/embedding.ts";
import { linear } from "../../engine/layers/linear.ts";
import { takeRows } from "../../engine/ops/indexing.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { softmaxLoss } from "../../engine/ops/losses.ts";
import { maskedMean } from "../../engine/ops/reduction.ts";
import {
  averagePrecision,
  contextOf,
  LABELS,
  labelsOf,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";

const WIDTH = 8;
const HYPER = { ...TRAINING_DEFAULTS, batchSize: 8, learningRate: 5e-2 };

/** Vectors [B*L, WIDTH] of the codes, from the table that both stages share. */
function vectors(g: Graph, codes: Tensor, units: number): Tensor {
  return reshape(lookup(table(g, "units", units, WIDTH), codes), ["B*L", WIDTH]);
}

/** Guesses one code per sample from a place that was drawn. */
function stageOf(context: FitContext, more: Partial<PretrainStage> = {}): PretrainStage {
  const { vocabularySize: units } = context.tokenizer;
  return {
    name: "guess",
    source: sequenceInputs(context.train, context.tokenizer, ["codes"]),
    limits: { tokens: PART_TOKENS, bytesOfSample: () => 0 },
    hyperparameters: HYPER,
    epochs: 3,
    loss: ({ graph: g, inputs, total }) => {
      const x = dropout(vectors(g, inputs["codes"] as Tensor, units), 0.2, "drop");
      const rows = takeRows(x, g.input("place", ["B"], "int32"));
      const logits = linear(rows, units, "head", { fewRows: true });
      const weighting = { weight: g.input("weight", ["B", 1]), total };
      return softmaxLoss(logits, g.input("answer", ["B", units]), weighting);
    },
    feeds: (samples, { feeds, dims }, random) => {
      const L = dims["L"] as number;
      const codes = feeds["codes"] as Int32Array;
      const place = Int32Array.from(samples, (_, b) => b * L + random.below(4));
      const answer = new Float32Array(samples.length * units);
      for (const [b, at] of place.entries()) answer[b * units + (codes[at] as number)] = 1;
      const weight = new Float32Array(samples.length).fill(1);
      return { feeds: { place, answer, weight }, weight: samples.length };
    },
    ...more,
  };
}

const model: GraphModel<typeof HYPER> = {
  name: "toy",
  version: 1,
  description: "mean of code vectors",
  reference: "none",
  accepts: ["binary"],
  defaults: HYPER,
  presets: {},
  history: () => ({ maxCodes: 64, repeats: "every" }),
  inputs: (source, tokenizer) => sequenceInputs(source, tokenizer, ["codes", "mask"]),
  forward: ({ graph: g, inputs, tokenizer, classes }) => {
    const x = vectors(g, inputs["codes"] as Tensor, tokenizer.vocabularySize);
    const pooled = maskedMean(reshape(x, ["B", "L", WIDTH]), inputs["mask"] as Tensor, 1);
    return linear(pooled, classes, "output", { fewRows: true });
  },
  pretrain: async (context) => {
    const { summary, parameters } = await runStage(stageOf(context), context);
    return { summaries: [summary], parameters };
  },
};

const train = sourceOf(makeSamples(40, LABELS.binary), LABELS.binary);

/** Checkpoints in memory, which stop the fit by throwing after so many were written. */
function memory(
  most = Number.POSITIVE_INFINITY,
): Checkpoints & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  let saved = 0;
  return {
    kept,
    load: async (key) => kept.get(key),
    save: async (key, bytes) => {
      kept.set(key, bytes);
      saved += 1;
      if (saved === most) throw new Error("power cut");
    },
  };
}

t.test("a stage learns, reports under its name, and hands on its parameters", async (t) => {
  const stages = new Set<string | undefined>();
  const context = contextOf({
    train,
    pretrainEpochs: 12,
    report: ({ stage }) => stages.add(stage),
  });
  const { summary, parameters } = await runStage(stageOf(context), context);
  t.match(summary, { stage: "guess", epochs: 12 });
  t.equal(summary.losses.length, 12);
  t.ok((summary.losses[11] ?? 9) < 0.7 * (summary.losses[0] ?? 0), `${summary.losses}`);
  t.same([...stages], ["guess"]);
  t.same([...parameters.keys()].sort(), ["head.bias", "head.weight", "units"]);
});

t.test("training starts from what pretraining left, or says that there was none", async (t) => {
  const losses: number[] = [];
  for (const pretrainEpochs of [0, 30]) {
    const first: number[] = [];
    const report: FitContext["report"] = ({ stage, loss }) => {
      if (stage === undefined) first.push(loss);
    };
    const fitted = await fitGraphModel(
      model,
      contextOf({ train, epochs: 1, pretrainEpochs, report }),
      {},
    );
    await fitted.dispose();
    t.match(fitted.summary.pretraining, [{ stage: "guess", epochs: pretrainEpochs }]);
    losses.push(first[0] as number);
  }
  t.not(losses[0], losses[1], "the first loss is one of other vectors");
  const context = contextOf({ train });
  const { parameters } = await runStage(stageOf(context), context);
  const start = new Map([["units", parameters.get("units") as Float32Array]]);
  const skipped = await runStage(stageOf(context, { start }), {
    ...context,
    training: { ...context.training, pretrainEpochs: 0 },
  });
  t.same(skipped, { summary: { stage: "guess", epochs: 0, losses: [] }, parameters: start });
});

t.test("parameters of another model are refused, not ignored", async (t) => {
  const context = contextOf({ train });
  const start = new Map([["elsewhere", new Float32Array(3)]]);
  await t.rejects(runStage(stageOf(context, { start }), context), /none of the parameters/);
  const wrong = new Map([["units", new Float32Array(3)]]);
  await t.rejects(runStage(stageOf(context, { start: wrong }), context), /units: 3 values given/);
});

t.test("a fit stopped in any epoch of any stage ends as one that was not", async (t) => {
  const options = { train, epochs: 3, pretrainEpochs: 3 };
  const fit = async (checkpoints?: Checkpoints) => {
    const context = { ...contextOf(options), ...(checkpoints && { checkpoints }) };
    const fitted = await fitGraphModel(model, context, {});
    const probabilities = await fitted.predict(train);
    await fitted.dispose();
    return { summary: fitted.summary, probabilities };
  };
  const whole = await fit();
  t.ok(averagePrecision(whole.probabilities, labelsOf(train)) > 0);
  for (const most of [1, 3, 4, 6]) {
    const cut = memory(most);
    await t.rejects(fit(cut), /power cut/);
    t.equal(cut.kept.has("train"), most > 3);
    const again = memory();
    for (const [key, bytes] of cut.kept) again.kept.set(key, bytes);
    t.same(await fit(again), whole, `after ${most} epochs`);
  }
});

t.test("what is no checkpoint of this fit is treated as absent", async (t) => {
  const context = (checkpoints: Checkpoints, epochs: number) => ({
    ...contextOf({ train, epochs, pretrainEpochs: 1 }),
    checkpoints,
  });
  const kept = memory();
  const fitted = await fitGraphModel(model, context(kept, 2), {});
  await fitted.dispose();
  const bytes = kept.kept.get("train") as Uint8Array;
  const other = memory();
  for (const spoiled of [
    bytes.subarray(0, bytes.length - 4),
    Uint8Array.of(1, 2),
    new Uint8Array(),
  ]) {
    other.kept.set("train", spoiled);
    const again = await fitGraphModel(model, context(other, 2), {});
    await again.dispose();
    t.same(again.summary, fitted.summary);
  }
  other.kept.set("train", kept.kept.get("pretrain-guess") as Uint8Array);
  const again = await fitGraphModel(model, context(other, 2), {});
  await again.dispose();
  t.same(again.summary, fitted.summary, "a checkpoint of another graph");
});
