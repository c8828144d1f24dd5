import t from "tap";
import { gtBehrt, gtBehrtModel } from "../../ehr-models/gt-behrt.ts";
import { modelValues } from "../support/model-values.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  learnedTokenizer,
  makeSamples,
  otherFacts,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";
import { shuffledWithinVisits, turnedVisits } from "../support/turned.ts";

const V = CODE_COUNT + 2;
const SIZES = {
  nodeWidth: 6,
  graphHeads: 2,
  graphLayers: 2,
  width: 8,
  heads: 2,
  layers: 1,
  feedForward: 10,
  maxVisits: 4,
  maxNodes: 12,
  batchSize: 8,
};
const samples = makeSamples(24, LABELS.multiclass);
const train = sourceOf(samples, LABELS.multiclass);
const layer = (i: number, o: number) => i * o + o;

t.test("it has as many parameters as its equations say", async (t) => {
  const { nodeWidth: g, width: d, feedForward: f } = SIZES;
  // Queries, keys and values of two heads, types of edges, two norms, two feed-forward layers.
  const graph = 3 * layer(g, 2 * g) + 7 * g + g * 2 * g + 4 * g + 2 * layer(g, g);
  const merge = layer(2 * g, g); // in all but the last
  const rows = 5 * g + 2 * 5 * g + layer(5 * g, d) + layer(d, d) + 2 * d; // cls, a norm, two layers, a norm
  const block = 4 * layer(d, d) + layer(d, f) + layer(f, d) + 4 * d;
  const tables = (V + 3 + 11) * g;
  const facts = 3 + 3 + 4 + 4; // age in three numbers, sex, race, utilisation
  for (const [readout, head] of [
    ["summary", layer(d, 3)],
    ["summary+sums", layer(d + facts + 2 * g, 10) + layer(10, 3)],
  ] as const) {
    const context = contextOf({ train, epochs: 1, pretrainEpochs: 0 });
    const model = await gtBehrt.fit(context, { ...SIZES, readout, hidden: 10 });
    const body = tables + 2 * graph + merge + rows + block + layer(d, d);
    t.equal(model.summary.parameters, body + head);
    await model.dispose();
  }
});

t.test("the output reads age, sex and race, which no visit says", async (t) => {
  const base = samples.find(({ sex, race }) => sex === 1 && race === 1);
  if (base === undefined) throw new Error("no such sample");
  const source = sourceOf(otherFacts(base), LABELS.multiclass);
  const logitsOf = async (readout: string) => {
    const run = await modelValues(gtBehrtModel, source, { ...SIZES, readout }, (context) => ({
      logits: gtBehrtModel.forward(context),
    }));
    return Array.from(run.of["logits"]?.values ?? []);
  };
  const published = await logitsOf("summary");
  const ours = await logitsOf("summary+sums");
  for (const row of [1, 2, 3]) {
    t.ok(Math.abs((published[0] as number) - (published[3 * row] as number)) < 1e-6);
    t.ok(Math.abs((ours[0] as number) - (ours[3 * row] as number)) > 1e-4, `row ${row}`);
  }
});

t.test("the order of codes inside a visit says nothing, that of visits does", async (t) => {
  const base = samples.find(({ history }) => history.visitCount === 3 && history.length > 6);
  if (base === undefined) throw new Error("no sample with three visits");
  const source = sourceOf(
    [base, shuffledWithinVisits(base), turnedVisits(base)],
    LABELS.multiclass,
  );
  const settings = { ...SIZES, initialScale: 1, maxNodes: 64 };
  const run = await modelValues(gtBehrtModel, source, settings, (context) => ({
    logits: gtBehrtModel.forward(context),
  }));
  const logits = run.of["logits"]?.values ?? [];
  t.ok(Math.abs((logits[0] as number) - (logits[3] as number)) < 1e-5);
  t.ok(Math.abs((logits[0] as number) - (logits[6] as number)) > 1e-4);
});

for (const tokenizer of [learnedTokenizer(), vectorTokenizer(false)]) {
  const { kind } = tokenizer.representation;
  t.test(`both stages run before training on ${kind} vectors, and can be skipped`, async (t) => {
    const fitWith = (pretrainEpochs: number) =>
      gtBehrt.fit(contextOf({ train, tokenizer, epochs: 1, pretrainEpochs }), {
        ...SIZES,
        codeDropout: 0,
        dropout: 0,
        pretrainLearningRate: 0.01,
      });
    const model = await fitWith(8);
    const stages = model.summary.pretraining ?? [];
    t.same(
      stages.map(({ stage, epochs }) => [stage, epochs]),
      [
        ["masked-nodes", 8],
        ["missing-nodes", 8],
      ],
    );
    for (const { stage, losses } of stages)
      t.ok((losses[7] ?? 9) < (losses[0] ?? 0), `${stage}: ${losses}`);
    await model.dispose();
    const skipped = await fitWith(0);
    t.same(
      skipped.summary.pretraining?.map(({ epochs }) => epochs),
      [0, 0],
    );
    await skipped.dispose();
  });
}
