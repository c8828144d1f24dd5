/** Quantization in the graph against brute force, its gradients, ties, and the straight-through estimate. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import { gradients } from "../../../engine/gradient.ts";
import { Graph, type Tensor } from "../../../engine/graph.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { mul } from "../../../engine/ops/elementwise.ts";
import { sum } from "../../../engine/ops/reduction.ts";
import { Session } from "../../../engine/runner.ts";
import type { Region } from "../../../tokenizers/medtok/codebook.ts";
import { medTokConfig } from "../../../tokenizers/medtok/config.ts";
import { Quantizer } from "../../../tokenizers/medtok/quantizer.ts";
import { quantizeByBruteForce } from "../../support/brute-force.ts";

const ROWS = 60;
const WIDTH = 8;
const REGION: Region = { name: "shared", from: 20, to: 40 };
const config = medTokConfig(
  { codebookSize: ROWS, width: WIDTH, heads: 2, perPart: 3, temperature: 0.5 },
  10,
);

function build(batch: number, dtype: "float32" | "float64") {
  const g = new Graph({ dtype });
  const codebook = g.parameter("codebook", [ROWS, WIDTH], (_, size) => new Float32Array(size));
  const e = g.input("e", [batch, WIDTH]);
  e.tracked = true;
  const quantizer = new Quantizer(codebook, config);
  const [part] = quantizer.quantize([e], REGION, batch);
  if (part === undefined) throw new Error("nothing quantized");
  return { g, e, codebook, part, quantizer };
}

const draw = (size: number, seed: number) => {
  const random = Random.fromSeed(seed);
  return Float64Array.from({ length: size }, () => random.normal());
};

t.test("tokens, weights and vectors equal brute force (K4)", async (t) => {
  const batch = 16;
  const { g, part } = build(batch, "float64");
  const [e, codebook] = [draw(batch * WIDTH, 1), draw(ROWS * WIDTH, 2)];
  const session = await Session.create(toOnnx(g, [part.ids, part.weights, part.vector, part.unit]));
  const results = await session.run({ e, codebook });
  await session.release();
  const raw: unknown = results.get(part.ids.name);
  const ids = raw as Int32Array;
  const weights = results.get(part.weights.name) as Float64Array;
  const vectors = results.get(part.vector.name) as Float64Array;
  const book = Float32Array.from(codebook);
  for (let i = 0; i < batch; i++) {
    const own = e.subarray(i * WIDTH, (i + 1) * WIDTH);
    const wanted = quantizeByBruteForce(own, book, REGION, 3, 0.5);
    t.same([...ids.subarray(i * 3, i * 3 + 3)], [...wanted.rows]);
    for (let k = 0; k < 3; k++)
      t.ok(Math.abs((weights[i * 3 + k] as number) - (wanted.weights[k] as number)) < 1e-6);
    for (let j = 0; j < WIDTH; j++)
      t.ok(Math.abs((vectors[i * WIDTH + j] as number) - (wanted.vector[j] as number)) < 1e-6);
    const ids3 = [...ids.subarray(i * 3, i * 3 + 3)];
    t.equal(new Set(ids3).size, 3);
    t.ok(
      ids3.every((id) => id >= REGION.from && id < REGION.to),
      "global ids within the region",
    );
    const own3 = weights.subarray(i * 3, i * 3 + 3);
    t.ok(Math.abs(own3.reduce((a, b) => a + b, 0) - 1) < 1e-9);
    t.ok((own3[0] as number) >= (own3[1] as number) && (own3[1] as number) >= (own3[2] as number));
  }
});

t.test("a row is its own nearest; equal rows go by index", async (t) => {
  const { g, part } = build(2, "float32");
  const codebook = Float32Array.from(draw(ROWS * WIDTH, 3));
  for (const row of [33, 27]) codebook.copyWithin(row * WIDTH, 25 * WIDTH, 26 * WIDTH);
  const e = new Float32Array(2 * WIDTH);
  e.set(codebook.subarray(25 * WIDTH, 26 * WIDTH));
  e.set(
    codebook.subarray(38 * WIDTH, 39 * WIDTH).map((x) => 7 * x),
    WIDTH,
  );
  const session = await Session.create(toOnnx(g, [part.ids]));
  const raw: unknown = (await session.run({ e, codebook })).get(part.ids.name);
  await session.release();
  const ids = raw as Int32Array;
  t.same([...ids.subarray(0, 3)], [25, 27, 33]);
  t.equal(ids[3], 38, "length does not matter");
});

/** Σ (ê ⊙ w) and its gradients with respect to e and the rows chosen. */
function vectorSlopes() {
  const { g, e, part, quantizer } = build(3, "float64");
  const w = g.input("w", [3, WIDTH]);
  const total = sum(mul(part.vector, w));
  const found = gradients(total, g.scalar(1));
  const rows = g.lookups[0]?.rows as Tensor;
  return {
    g,
    outputs: [
      total,
      found.get(e) as Tensor,
      found.get(rows) as Tensor,
      quantizer.searches[0] as Tensor,
    ],
  };
}

t.test("the quantized vector's gradients agree with central differences", async (t) => {
  const { g, outputs } = vectorSlopes();
  const session = await Session.create(toOnnx(g, outputs));
  const feeds = { e: draw(3 * WIDTH, 4), codebook: draw(ROWS * WIDTH, 5), w: draw(3 * WIDTH, 6) };
  const run = async () => {
    const results = await session.run(feeds);
    return outputs.map((output) => results.get(output.name) as Float64Array);
  };
  const [, de, dRows, chosen] = await run();
  const raw: unknown = chosen;
  const dBook = new Float64Array(ROWS * WIDTH);
  for (const [at, id] of (raw as Int32Array).entries())
    for (let j = 0; j < WIDTH; j++)
      dBook[id * WIDTH + j] =
        (dBook[id * WIDTH + j] as number) + (dRows?.[at * WIDTH + j] as number);
  const step = 1e-6;
  for (const [values, slopes] of [
    [feeds.e, de],
    [feeds.codebook, dBook],
  ] as const)
    for (let i = 0; i < values.length; i += 3) {
      const x = values[i] as number;
      values[i] = x + step;
      const up = (await run())[0]?.[0] as number;
      values[i] = x - step;
      const down = (await run())[0]?.[0] as number;
      values[i] = x;
      const wanted = (up - down) / (2 * step);
      const difference = Math.abs(wanted - (slopes?.[i] as number));
      if (!(difference < 1e-7)) t.fail(`${i}: ${wanted} but ${slopes?.[i]}`);
    }
  await session.release();
  t.ok(dBook.some((x) => x !== 0));
});

t.test("straight through: the value is ê, the gradient goes to e as it came", async (t) => {
  const { g, part } = build(2, "float64");
  const seed = g.input("seed", [2, WIDTH]);
  const found = gradients(part.through, seed);
  t.equal(found.get(part.base), seed, "the base receives the upstream gradient itself");
  t.notOk(found.has(g.lookups[0]?.rows as Tensor), "and the codebook nothing");
  const session = await Session.create(toOnnx(g, [part.through, part.vector]));
  const results = await session.run({ e: draw(2 * WIDTH, 7), codebook: draw(ROWS * WIDTH, 8) });
  await session.release();
  const [a, b] = [part.through, part.vector].map((x) => results.get(x.name) as Float64Array);
  for (let i = 0; i < 2 * WIDTH; i++)
    t.ok(Math.abs((a?.[i] as number) - (b?.[i] as number)) < 1e-14);
});
