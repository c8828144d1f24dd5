/** Sums of code vectors beside a summary: weights of every layout counted anew, sums by plain loops. */
import t from "tap";
import type { SampleSource } from "../../core/samples.ts";
import type { BatchSource } from "../../ehr-models/batch-source.ts";
import { codeSums, readSums, sharesOf } from "../../ehr-models/code-sums.ts";
import { sentenceInputs } from "../../ehr-models/sentence-inputs.ts";
import { graphInputs } from "../../ehr-models/visit-graphs.ts";
import { visitInputs } from "../../ehr-models/visit-inputs.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { LABELS, learnedTokenizer, makeSamples, sourceOf } from "../support/samples.ts";

const samples = makeSamples(20, LABELS.binary, 6);
const source: SampleSource = sourceOf(samples, LABELS.binary);
const tokenizer = learnedTokenizer();
const all = Int32Array.from(samples, (_, i) => i);

const LAYOUTS: Readonly<Record<string, { inputs: BatchSource; units: string }>> = {
  visits: {
    units: "codes",
    inputs: visitInputs(
      source,
      tokenizer,
      { maxVisits: 8, maxVisitCodes: 64, order: "oldest-first", fixedVisits: true },
      ["codes", "share", "isLast"],
    ),
  },
  sentences: {
    units: "codes",
    inputs: sentenceInputs(source, tokenizer, { maxLength: 256, monthsPerRow: 12, sums: true }),
  },
  graphs: {
    units: "nodes",
    inputs: graphInputs(source, tokenizer, {
      maxVisits: 8,
      maxNodes: 64,
      visitTypes: new Uint8Array(),
      wide: false,
      sums: true,
    }),
  },
};

/** Sums of a weight by unit over the sample's codes, from its history alone. */
function expected(sample: number): { share: Map<number, number>; isLast: Map<number, number> } {
  const { code, visit, length, visitCount } = source.read(sample);
  const counts = new Map<number, number>();
  const isLast = new Map<number, number>();
  for (let i = 0; i < length; i++) {
    const unit = tokenizer.unit[code[i] as number] as number;
    counts.set(unit, (counts.get(unit) ?? 0) + 1);
    if (visit[i] === visitCount - 1) isLast.set(unit, (isLast.get(unit) ?? 0) + 1);
  }
  return { share: new Map([...counts].map(([unit]) => [unit, 1])), isLast };
}

function sumsOf(collated: { inputs: BatchSource; units: string }, sample: number, name: string) {
  const { feeds } = collated.inputs.collate(all.slice(sample, sample + 1));
  const sums = new Map<number, number>();
  const weights = feeds[name] as Float32Array;
  for (const [i, unit] of (feeds[collated.units] as Int32Array).entries())
    if (weights[i] !== 0) sums.set(unit, (sums.get(unit) ?? 0) + (weights[i] as number));
  return sums;
}

for (const [layout, made] of Object.entries(LAYOUTS)) {
  t.test(
    `${layout}: codes share log(1 + n) over the history, the last visit counts 1`,
    async (t) => {
      for (const sample of all) {
        const wanted = expected(sample);
        for (const name of ["share", "isLast"] as const) {
          const found = sumsOf(made, sample, name);
          t.same([...found.keys()].sort(), [...wanted[name].keys()].sort(), `${name} of ${sample}`);
          for (const [unit, sum] of wanted[name])
            t.ok(Math.abs(sum - (found.get(unit) ?? 0)) < 1e-5, `${name}, unit ${unit}`);
        }
      }
    },
  );
}

t.test("a sum of vectors is that of plain loops", async (t) => {
  const [B, L, d] = [3, 5, 4];
  const g = new Graph();
  const vectors = g.input("vectors", [B * L, d]);
  const weights = [g.input("w1", [B, L]), g.input("w2", [B, L])] as const;
  const sums = codeSums(vectors, weights, { codeDropout: 0.5, dropout: 0.5, hidden: 2 });
  const session = await Session.create(toOnnx(g, [sums]));
  const wave = (n: number, step: number) =>
    Float32Array.from({ length: n }, (_, i) => Math.sin(1 + step * i));
  const feeds = { vectors: wave(B * L * d, 0.7), w1: wave(B * L, 1.3), w2: wave(B * L, 2.1) };
  const found = (await session.run(feeds, {})).get(sums.name) as Float32Array;
  for (let b = 0; b < B; b++)
    for (let w = 0; w < 2; w++)
      for (let j = 0; j < d; j++) {
        let sum = 0;
        for (let p = b * L; p < (b + 1) * L; p++)
          sum +=
            ((w === 0 ? feeds.w1 : feeds.w2)[p] as number) * (feeds.vectors[p * d + j] as number);
        // Column j of a pair of sums stands at 2j + w: [d, 2] row by row.
        t.ok(Math.abs(sum - (found[b * 2 * d + 2 * j + w] as number)) < 1e-5);
      }
  await session.release();
});

t.test("a second reading shares the layers of the first, and has masks of its own", async (t) => {
  const g = new Graph({ training: true });
  const options = { codeDropout: 0, dropout: 0.5, hidden: 6 };
  const [summary, sums] = [g.input("summary", ["B", 3]), g.input("sums", ["B", 4])];
  readSums(summary, sums, 2, options);
  const parameters = g.parameters.map(({ name }) => name);
  readSums(summary, sums, 2, options, "again");
  t.same(
    g.parameters.map(({ name }) => name),
    parameters,
  );
  t.equal(g.masks.length, 4);
});

t.test("shares of no units are none", async (t) => {
  t.same(sharesOf(new Int32Array()), new Float32Array());
});
