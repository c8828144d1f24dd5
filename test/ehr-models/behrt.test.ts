import t from "tap";
import { behrt, behrtModel, hideCodes, positions } from "../../ehr-models/behrt.ts";
import { ageRows } from "../../ehr-models/sentence-inputs.ts";
import { modelValues } from "../support/model-values.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  makeSamples,
  otherFacts,
  sourceOf,
  vectorTokenizer,
} from "../support/samples.ts";
import { shuffledWithinVisits, turnedVisits } from "../support/turned.ts";

const SIZES = { width: 8, heads: 2, layers: 1, feedForward: 12, maxLength: 24, batchSize: 8 };
const V = CODE_COUNT + 2;
const train = sourceOf(makeSamples(24, LABELS.multiclass), LABELS.multiclass);
const layer = (i: number, o: number) => i * o + o;

/** Block: four projections, two feed-forward layers, two norms. */
const block = (d: number, f: number) => 4 * layer(d, d) + layer(d, f) + layer(f, d) + 4 * d;

t.test("it has as many parameters as its equations say, whatever its length (B4)", async (t) => {
  const d = 8;
  // Table of codes, 4 special tokens, 2 segments, 112 ages, a norm, a block, and the pooler.
  const wanted = (V + 4 + 2 + 112) * d + 2 * d + block(d, 12) + layer(d, d);
  for (const [maxLength, readout, head] of [
    [24, "summary", layer(d, 3)],
    [48, "summary", layer(d, 3)],
    [48, "summary+sums", layer(d + 14 + 2 * d, 10) + layer(10, 3)], // 3 of age, 3 sexes, 4 races, 4 of utilisation
  ] as const) {
    const settings = { ...SIZES, maxLength, readout, hidden: 10, pretrainEpochs: 0 };
    const model = await behrt.fit(contextOf({ train, epochs: 1 }), settings);
    t.equal(model.summary.parameters, wanted + head, "positions are no parameter");
    await model.dispose();
  }
});

t.test("the paper's sizes give the paper's blocks, pooler and ages", async (t) => {
  const {
    width: d,
    feedForward: f,
    layers,
    monthsPerAge,
  } = { ...behrtModel.defaults, ...behrtModel.presets["paper"] };
  t.equal(layers * block(d, f), 3_778_752); // 3.78 M
  t.equal(layer(d, d), 83_232); // 83 k
  t.equal(ageRows(monthsPerAge) * d, 380_736); // 381 k
});

t.test(
  "positions are the sinusoid after initialisation, and scaled like the tables (B1, B2)",
  async (t) => {
    const run = await modelValues(behrtModel, train, SIZES, (context) => ({
      position: positions(context),
      logits: behrtModel.forward(context),
    }));
    const position = run.feeds["position"] as Float32Array;
    const values = run.of["position"]?.values ?? new Float32Array();
    const at = (p: number) => {
      const row = Array.from(position).indexOf(p);
      return Array.from(values.slice(8 * row, 8 * row + 8));
    };
    const isNear = (a: readonly number[], b: readonly number[]) =>
      a.every((x, i) => Math.abs(x - (b[i] as number)) < 1e-6);
    t.ok(isNear(at(0), [0, 1, 0, 1, 0, 1, 0, 1]), "alternately 0 and 1");
    const second = [0, 2, 4, 6].flatMap((i) => [
      Math.sin(10000 ** (-i / 8)),
      Math.cos(10000 ** (-i / 8)),
    ]);
    t.ok(isNear(at(1), second), "sin 1, cos 1, and frequencies that fall by 10000^(2/d)");
  },
);

t.test("the order of codes inside a visit says nothing, that of visits does", async (t) => {
  const samples = makeSamples(30, LABELS.multiclass, 6);
  const base = samples.find(({ history }) => history.visitCount === 3 && history.length > 6);
  if (base === undefined) throw new Error("no sample with three visits");
  const source = sourceOf(
    [base, shuffledWithinVisits(base), turnedVisits(base)],
    LABELS.multiclass,
  );
  const settings = { ...SIZES, maxLength: 64, initialScale: 1 };
  const run = await modelValues(behrtModel, source, settings, (context) => ({
    logits: behrtModel.forward(context),
  }));
  const logits = run.of["logits"]?.values ?? [];
  t.ok(Math.abs((logits[0] as number) - (logits[3] as number)) < 1e-5);
  t.ok(Math.abs((logits[0] as number) - (logits[6] as number)) > 1e-3);
});

t.test("the output reads age, sex and race beside a sentence that lacks them", async (t) => {
  const [base] = makeSamples(30, LABELS.multiclass).filter(
    ({ sex, race }) => sex === 1 && race === 1,
  );
  if (base === undefined) throw new Error("no such sample");
  const source = sourceOf(otherFacts(base), LABELS.multiclass);
  const logitsOf = async (readout: string) => {
    const settings = { ...SIZES, maxLength: 64, readout };
    const run = await modelValues(behrtModel, source, settings, (context) => ({
      logits: behrtModel.forward(context),
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

t.test("hiding a code changes its token to MASK, and no other column's row", async (t) => {
  const codes = Int32Array.of(0, 9, 5, 0);
  const special = Int32Array.of(1, 0, 0, 2);
  const { feeds, weight } = hideCodes(codes, special, (all) => ({
    codes: Int32Array.from(all, (unit, i) => (i === 1 ? 0 : i === 2 ? 7 : unit)),
    masked: Int32Array.of(1),
    at: Int32Array.of(1, 2),
    hidden: Int32Array.of(9, 5),
  }));
  t.equal(weight, 2);
  t.same(feeds["codes"], Int32Array.of(0, 0, 7, 0));
  t.same(feeds["special"], Int32Array.of(1, 3, 0, 2));
  t.same(special, Int32Array.of(1, 0, 0, 2), "the batch itself is left alone");
});

for (const tokenizer of [undefined, vectorTokenizer(false), vectorTokenizer(true)]) {
  const kind = tokenizer === undefined ? "learned" : "given";
  t.test(
    `pretraining on ${kind} vectors is a stage of its own, which can be skipped`,
    async (t) => {
      const fitWith = (pretrainEpochs: number, timelines = train) => {
        const more = tokenizer === undefined ? {} : { tokenizer };
        const context = contextOf({ train, timelines, epochs: 2, pretrainEpochs, ...more });
        return behrt.fit(context, { ...SIZES, pretrainLearningRate: 0.01, codeDropout: 0 });
      };
      const model = await fitWith(6);
      const [stage] = model.summary.pretraining ?? [];
      t.match(stage, { stage: "masked-codes", epochs: 6 });
      const { losses = [] } = stage ?? {};
      t.ok((losses[5] ?? 9) < (losses[0] ?? 0), `the loss falls: ${losses}`);
      t.ok(Math.abs((losses[0] ?? 0) - Math.log(CODE_COUNT)) < 0.7, "from that of a guess");
      const skipped = await fitWith(0);
      t.same(skipped.summary.pretraining, [{ stage: "masked-codes", epochs: 0, losses: [] }]);
      t.notSame(await skipped.predict(train), await model.predict(train), "it leaves its mark");
      await model.dispose();
      await skipped.dispose();
    },
  );
}

t.test("heads that do not divide the width, and shares out of range, are refused", async (t) => {
  const fitWith = (given: Record<string, number>) =>
    behrt.fit(contextOf({ train, epochs: 1 }), given);
  await t.rejects(fitWith({ width: 30 }), { name: "BenchError", message: /width 30/ });
  await t.rejects(fitWith({ maskShare: 1 }), { name: "BenchError", message: /maskShare is 1/ });
});
