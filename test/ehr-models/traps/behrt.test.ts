/** Traps of BEHRT and GT-BEHRT (models.md, sections 4 and 5); the others are named in other tests' titles. */
import t from "tap";
import type { Hyperparameters } from "../../../core/model.ts";
import { behrt } from "../../../ehr-models/behrt.ts";
import { embedVisits, gtBehrt, gtBehrtModel } from "../../../ehr-models/gt-behrt.ts";
import { embedWords } from "../../../ehr-models/visit-graph-encoder.ts";
import type { Tensor } from "../../../engine/graph.ts";
import { scale } from "../../../engine/ops/elementwise.ts";
import { GRAPH_INPUTS } from "../../support/graph-models.ts";
import { modelValues } from "../../support/model-values.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../../support/samples.ts";
import { SMALL_MODELS } from "../../support/small-models.ts";

const SPEC = LABELS.binary;
const train = sourceOf(makeSamples(32, SPEC), SPEC);
const BEHRT = { ...SMALL_MODELS["behrt"]?.settings };
const GT_BEHRT = { ...SMALL_MODELS["gt-behrt"]?.settings };

t.test("warm-up knows the number of steps, and decay arrives, in both stages (B5)", async (t) => {
  const fitWith = async (given: Hyperparameters) => {
    const context = contextOf({ train, epochs: 2, pretrainEpochs: 2 });
    const model = await behrt.fit(context, { ...BEHRT, pretrainLearningRate: 1e-2, ...given });
    await model.dispose();
    const { curve, pretraining } = model.summary;
    return {
      pretraining: pretraining?.[0]?.losses ?? [],
      training: curve.map(({ train_loss }) => train_loss),
    };
  };
  const plain = await fitWith({});
  const slow = await fitWith({ warmup: 1 });
  const decayed = await fitWith({ weightDecay: 3 });
  for (const stage of ["pretraining", "training"] as const) {
    t.not(slow[stage][1], plain[stage][1], `${stage}: a rise over all steps shows`);
    t.not(decayed[stage][1], plain[stage][1], `${stage}: and so does decay`);
  }
});

t.test("the epoch is chosen on tuning subjects, however low its scores are (B6, M9)", async (t) => {
  const tuning = sourceOf(makeSamples(8, SPEC, 5), SPEC);
  const fitWith = async (scores: readonly number[], epochs = scores.length) => {
    const left = [...scores];
    const seen: number[] = [];
    const score = (probabilities: Float32Array) => {
      seen.push(probabilities.length);
      return { value: left.shift() ?? 0, name: "auprc" as const };
    };
    const context = { ...contextOf({ train, tuning, epochs, pretrainEpochs: 0 }), score };
    const model = await behrt.fit(context, BEHRT);
    const p = await model.predict(train);
    await model.dispose();
    return { p, seen, best: model.summary.best_epoch };
  };
  const chosen = await fitWith([-9, -3, -7]);
  t.equal(chosen.best, 2);
  t.same(chosen.seen, [8, 8, 8], "the tuning split, whole, once an epoch");
  t.same(chosen.p, (await fitWith([-9, -3])).p, "and that epoch's parameters are kept");
});

t.test("positions, ages and days are sinusoids, whatever the initialiser does (GB1)", async (t) => {
  const g = 8;
  const settings = { ...GT_BEHRT, nodeWidth: g, readout: "summary" };
  const run = await modelValues(gtBehrtModel, train, settings, (context) => ({
    rows: embedVisits(embedWords(context), context),
    mask: scale(context.inputs["visitMask"] as Tensor, 1), // read, so that the graph has it
  }));
  const tables = [...run.parameters.keys()].filter((name) => name.endsWith(".table")).sort();
  t.same(tables, ["codes.table", "special.table", "type.table"], "none is learned");
  const rows = run.of["rows"]?.values ?? new Float32Array();
  const wave = (x: number) =>
    Array.from({ length: g }, (_, j) => {
      const angle = x / 10000 ** ((2 * Math.floor(j / 2)) / g);
      return j % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    });
  const isNear = (slot: number, part: number, x: number) =>
    wave(x).every((w, j) => Math.abs(w - (rows[(slot * 5 + part) * g + j] ?? 9)) < 1e-3);
  const { visitMask, visitsAfter, ageYears, ageKnown, daysBefore } = run.feeds;
  let visits = 0;
  for (let slot = 0; slot < (visitMask?.length ?? 0); slot++) {
    if (visitMask?.[slot] !== 1) continue;
    visits += 1;
    t.ok(isNear(slot, 2, Number(visitsAfter?.[slot])), "position");
    t.ok(ageKnown?.[slot] === 0 || isNear(slot, 3, Number(ageYears?.[slot])), "age");
    t.ok(isNear(slot, 4, Number(daysBefore?.[slot])), "days");
  }
  t.ok(visits > 40);
});

t.test("how long stays last and how far they are apart is no input (GB3)", async (t) => {
  const feedsOf = async (samples: ReturnType<typeof makeSamples>, readout: string) => {
    const source = sourceOf(samples, SPEC);
    const settings = { ...GT_BEHRT, readout };
    const inputs = await GRAPH_INPUTS["gt-behrt"]?.(contextOf({ train }), settings, source);
    return inputs?.collate(Int32Array.from(samples, (_, i) => i)).feeds ?? {};
  };
  const samples = makeSamples(8, SPEC);
  const longer = samples.map((sample) => {
    const visitEnd = sample.history.visitEnd.map((end) => end - 1.5);
    return { ...sample, history: { ...sample.history, visitEnd } };
  });
  t.same(await feedsOf(longer, "summary"), await feedsOf(samples, "summary"), "as published");
  // Our own output reads utilisation: the last gap, and the last stay where it is over. Nothing else may differ.
  const { utilisation: before, ...rest } = await feedsOf(samples, "summary+sums");
  const { utilisation: after, ...same } = await feedsOf(longer, "summary+sums");
  t.same(same, rest);
  t.notSame(after, before);
});

t.test("predictions are those of every part of a split, each in its place (GB7)", async (t) => {
  const samples = makeSamples(300, SPEC, 3, 80);
  const model = await gtBehrt.fit(contextOf({ train, epochs: 1, pretrainEpochs: 0 }), GT_BEHRT);
  const all = await model.predict(sourceOf(samples, SPEC));
  t.equal(all.length, 300);
  for (const i of [0, 1, 149, 298, 299]) {
    const [alone] = await model.predict(sourceOf(samples.slice(i, i + 1), SPEC));
    t.ok(Math.abs((alone ?? 9) - (all[i] ?? 0)) < 1e-5, `sample ${i}`);
  }
  await model.dispose();
});
