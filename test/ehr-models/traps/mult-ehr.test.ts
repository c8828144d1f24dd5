/** Traps of MulT-EHR (models.md, section 7); the others are named in other tests' titles. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import { drugClasses, groupsSeen } from "../../../ehr-models/drug-graphs.ts";
import { readEgoGraph } from "../../../ehr-models/ego-graph.ts";
import { multEhr } from "../../../ehr-models/mult-ehr.ts";
import { tasksLoss } from "../../../ehr-models/mult-ehr-losses.ts";
import { ANSWERS, answersAbout, STAY_CLASSES } from "../../../ehr-models/next-visit.ts";
import { Graph } from "../../../engine/graph.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { Session } from "../../../engine/runner.ts";
import {
  codeTable,
  contextOf,
  LABELS,
  labelsOf,
  makeSamples,
  sourceOf,
} from "../../support/samples.ts";
import { SMALL_MODELS } from "../../support/small-models.ts";
import { A01, DIAGNOSIS, sourceWith, subject } from "../../support/subject.ts";

const stream = (name: string) => Random.fromSeed(6).derive(name);
const draws = (name: string, size: number) => {
  const random = stream(name);
  return Float32Array.from({ length: size }, () => random.normal());
};

/** A session over a graph whose parameters are drawn. */
async function sessionOf(g: Graph, outputs: Parameters<typeof toOnnx>[1]): Promise<Session> {
  const session = await Session.create(toOnnx(g, outputs));
  for (const { name, shape } of g.parameters)
    session.hold(
      name,
      draws(
        name,
        shape.reduce((a, b) => a * b, 1),
      ),
    );
  return session;
}

t.test(
  "drugs that are asked about are ATC classes, never the start of a number (M8)",
  async (t) => {
    const codes = codeTable();
    const NDC = 5; // a drug; here it is one that was not mapped
    const code = codes.code.map((name, row) => (row === NDC ? "NDC/A02A1234567" : name));
    const table = { ...codes, code };
    const timelines = sourceWith(subject([DIAGNOSIS, NDC], [A01, NDC]));
    const groups = groupsSeen(table, timelines);
    t.same(groups, ["A01A"]);
    const answers = answersAbout(timelines.read(0), 1, table, drugClasses(table, groups));
    t.same([...(answers.drugs ?? [])], [0]);
    const before = answersAbout(timelines.read(0), 0, table, drugClasses(table, groups));
    t.equal(before.drugs, undefined, "a stay with that drug alone has no answer");
  },
);

t.test("every task of the stage weighs in its loss, not the last alone (M9)", async (t) => {
  const [B, D, drugs] = [4, 6, 3];
  const g = new Graph();
  const loss = tasksLoss(g, g.input("state", ["B", D]), drugs, g.input("total", []));
  const session = await sessionOf(g, [loss]);
  const width = { died: 1, soon: 1, stay: STAY_CLASSES, drugs } as const;
  const lossOf = async (flipped?: keyof typeof width, unknown?: keyof typeof width) => {
    const feeds: Record<string, Float32Array> = {
      state: draws("state", B * D),
      total: Float32Array.of(B),
    };
    for (const [name, n] of Object.entries(width) as [keyof typeof width, number][]) {
      const answers = Float32Array.from({ length: B * n }, (_, i) => (i % n === 0 ? 1 : 0));
      if (name === flipped && n === 1) answers.fill(0);
      else if (name === flipped) answers.copyWithin(0, n - 1, B * n);
      feeds[ANSWERS[name]] = answers;
      feeds[ANSWERS[`${name}Known`]] = new Float32Array(B).fill(name === unknown ? 0 : 1);
    }
    return (await session.run(feeds, { B })).get(loss.name)?.[0] as number;
  };
  const plain = await lossOf();
  for (const name of ["died", "soon", "stay", "drugs"] as const) {
    t.not(await lossOf(name), plain, `${name} counts`);
    if (name !== "died")
      t.equal(await lossOf(name, name), await lossOf(undefined, name), `${name} unknown`);
  }
  await session.release();
});

t.test("the graph's layers change what they are given, by codes and by times (M10)", async (t) => {
  const [D, T] = [4, 2];
  const g = new Graph();
  const input = (name: string, shape: (number | string)[]) => g.input(name, shape);
  const ofVisit = input("ofVisit", ["B", T, "L"]);
  const sample = input("sample", ["B", D]);
  const codes = { states: input("codes", ["B*L", D]), count: "L" };
  const state = readEgoGraph(
    {
      codes: { diagnosis: codes, procedure: codes, drug: codes, other: codes },
      visits: { states: input("visits", [`B*${T}`, D]), count: T },
      sample: { states: sample, count: 1 },
      ofVisit: { diagnosis: ofVisit, procedure: ofVisit, drug: ofVisit, other: ofVisit },
      before: input("before", ["B", T, T]),
      visitMask: input("visitMask", ["B", 1, T]),
    },
    "causal",
    { width: D, heads: 2, layers: 2, dropout: 0 },
  );
  const session = await sessionOf(g, [state]);
  const feeds = {
    codes: draws("codes", 3 * D),
    visits: draws("visits", T * D),
    sample: draws("sample", D),
    ofVisit: Float32Array.of(1, 1, 0, 0, 0, 1),
    before: Float32Array.of(0, 0, 1, 0),
    visitMask: Float32Array.of(1, 1),
  };
  const run = async (changed: Partial<typeof feeds>) => [
    ...((await session.run({ ...feeds, ...changed }, { B: 1, L: 3 })).get(state.name) ?? []),
  ];
  const plain = await run({});
  t.notSame(plain, [...feeds.sample], "it is not what it was");
  t.notSame(await run({ codes: draws("others", 3 * D) }), plain, "it hears of codes");
  t.notSame(await run({ visits: draws("others", T * D) }), plain, "and of visits");
  await session.release();
});

t.test("training logits are those of prediction, in every epoch alike (M11)", async (t) => {
  const train = sourceOf(makeSamples(24, LABELS.binary), LABELS.binary);
  const settings = { ...SMALL_MODELS["mult-ehr"]?.settings, batchSize: 24, learningRate: 1e-30 };
  const context = contextOf({ train, epochs: 3, pretrainEpochs: 0 });
  const model = await multEhr.fit(context, { ...settings, weightDecay: 0 });
  const p = await model.predict(train);
  await model.dispose();
  const truth = labelsOf(train);
  const logLoss = p.reduce((sum, x, i) => sum - Math.log(truth[i] === 1 ? x : 1 - x), 0) / 24;
  for (const { train_loss } of model.summary.curve)
    t.ok(Math.abs(train_loss - logLoss) < 1e-5, `${train_loss} and ${logLoss}: no temperature`);
});
