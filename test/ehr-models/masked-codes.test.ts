import t from "tap";
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { hiddenCodeLoss, hiddenFeeds, maskCodes } from "../../ehr-models/masked-codes.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { normal } from "../../engine/initial.ts";
import { table } from "../../engine/layers/embedding.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
import { learnedTokenizer, vectorTokenizer } from "../support/samples.ts";

const V = 62;
const stream = (name: string) => Random.fromSeed(2).derive(name);
/** Codes between padding, specials (both 0) and unknown units. */
const codes = Int32Array.from({ length: 20_000 }, (_, i) =>
  i % 4 === 0 ? 0 : i % 4 === 1 ? 1 : 2 + (i % 60),
);

t.test("only known codes are hidden, and only known codes replace them (B3)", async (t) => {
  const before = codes.slice();
  const { codes: changed, at, masked, hidden } = maskCodes(codes, V, { share: 0.15 }, stream("a"));
  t.same(codes, before, "what was given is left alone");
  t.ok(
    at.every((i) => (codes[i] as number) >= 2),
    "no padding, special or unknown unit is hidden",
  );
  t.same(
    [...hidden],
    [...at].map((i) => codes[i]),
  );
  t.ok([...masked].every((i) => changed[i] === 0 && at.includes(i)));
  const replaced = [...at].filter((i) => changed[i] !== codes[i] && changed[i] !== 0);
  t.ok(replaced.every((i) => (changed[i] as number) >= 2 && (changed[i] as number) < V));
  const touched = new Set(at);
  t.ok(
    changed.every((unit, i) => touched.has(i) || unit === codes[i]),
    "the rest stays",
  );
});

t.test("15 % are hidden, of which 80 % are masked and 10 % replaced", async (t) => {
  const { codes: changed, at, masked } = maskCodes(codes, V, { share: 0.15 }, stream("b"));
  const share = at.length / 10_000;
  t.ok(Math.abs(share - 0.15) < 0.015, `${share}`);
  t.ok(Math.abs(masked.length / at.length - 0.8) < 0.04);
  const replaced = [...at].filter((i) => changed[i] !== 0 && changed[i] !== codes[i]).length;
  t.ok(Math.abs(replaced / at.length - 0.1 * (1 - 1 / 60)) < 0.03);
  t.same(
    maskCodes(codes, V, { share: 0.15 }, stream("b")).codes,
    changed,
    "the same again from one stream",
  );
  t.notSame(maskCodes(codes, V, { share: 0.15 }, stream("c")).codes, changed);
});

const d = 3;
const erf = (x: number): number => {
  let sum = 0;
  let term = x;
  for (let n = 0; n < 40; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const gelu = (x: number) => (x * (1 + erf(x / Math.SQRT2))) / 2;

/** The equations at the head of masked-codes.ts in plain loops; `E` is [V, d]. */
function plainLoss(
  p: ReadonlyMap<string, Float32Array>,
  x: Float32Array,
  hidden: readonly [number, number][],
  E: (unit: number, j: number) => number,
): number {
  const of = (name: string) => p.get(`masked.${name}`) ?? new Float32Array();
  let loss = 0;
  for (const [at, unit] of hidden) {
    const u = Array.from({ length: d }, (_, j) => {
      let sum = of("transform.bias")[j] as number;
      for (let i = 0; i < d; i++)
        sum += (x[at * d + i] as number) * (of("transform.weight")[i * d + j] as number);
      return gelu(sum);
    });
    const mean = u.reduce((a, b) => a + b, 0) / d;
    const variance = u.reduce((a, b) => a + (b - mean) ** 2, 0) / d;
    const gain = of("norm.gain");
    const unitNorm = u.map((value, j) => {
      const standard = (value - mean) / Math.sqrt(variance + 1e-5);
      return standard * (gain[j] as number) + (of("norm.bias")[j] as number);
    });
    const logits = Array.from({ length: V - 2 }, (_, k) =>
      unitNorm.reduce((sum, value, j) => sum + value * E(k + 2, j), of("bias")[k] as number),
    );
    loss +=
      Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - (logits[unit - 2] as number);
  }
  return loss / hidden.length;
}

async function lossOf(tokenizer: Tokenizer) {
  const g = new Graph();
  const x = g.input("x", ["n", d]);
  const E: Tensor = table(g, "codes.table", V, d, { initial: normal(1) });
  const loss = hiddenCodeLoss(x, "masked", {
    tokenizer,
    total: g.input("total", []),
    deviation: 1,
  });
  const slope = gradients(loss, g.scalar(1)).get(E);
  const session = await Session.create(toOnnx(g, slope === undefined ? [loss] : [loss, slope]));
  const parameters = new Map<string, Float32Array>();
  for (const { name, shape } of g.parameters) {
    const values = normal(1)(
      stream(name),
      shape.reduce((a, b) => a * b, 1),
    );
    parameters.set(name, values);
    session.hold(name, values);
  }
  const values = normal(1)(stream("x"), 6 * d);
  const hidden = [
    [1, 7],
    [4, 61],
    [5, 2],
  ] as const;
  const { feeds, dims } = hiddenFeeds("masked", {
    at: hidden.map(([at]) => at),
    hidden: hidden.map(([, unit]) => unit),
  });
  const all: Record<string, FeedArray> = { ...feeds, x: values, total: Float32Array.of(3) };
  const run = async () => (await session.run(all, { n: 6, ...dims })).get(loss.name)?.[0] as number;
  const first = await run();
  const results = await session.run(all, { n: 6, ...dims });
  const table0 = parameters.get("codes.table") as Float32Array;
  return {
    loss: first,
    slope: slope && (results.get(slope.name) as Float32Array).slice(),
    plain: (E: (unit: number, j: number) => number) =>
      plainLoss(parameters, values, [...hidden] as unknown as [number, number][], E),
    table: table0,
    parameters,
    release: () => session.release(),
  };
}

t.test(
  "the loss is the cross entropy of hidden codes, tied to the table; unknown is none (B7)",
  async (t) => {
    const run = await lossOf(learnedTokenizer());
    const { table: E, plain } = run;
    const row = (unit: number, j: number) => E[unit * d + j] as number;
    t.ok(Math.abs(run.loss - plain(row)) < 1e-5, `${run.loss} and ${plain(row)}`);
    t.notOk(run.parameters.has("masked.output"));
    for (const [unit, j] of [
      [7, 0],
      [2, 2],
      [30, 1],
    ] as const) {
      const moved = (by: number) => plain((u, i) => row(u, i) + (u === unit && i === j ? by : 0));
      const wanted = (moved(1e-4) - moved(-1e-4)) / 2e-4;
      t.ok(
        Math.abs((run.slope?.[unit * d + j] as number) - wanted) < 1e-4,
        "through the tied table",
      );
    }
    t.ok(
      run.slope?.slice(0, 2 * d).every((x) => x === 0),
      "padding and unknown are never predicted",
    );
    await run.release();
  },
);

t.test("given vectors have an output matrix of their own", async (t) => {
  const run = await lossOf(vectorTokenizer(false));
  const W = run.parameters.get("masked.output") ?? new Float32Array();
  t.equal(W.length, d * (V - 2));
  const loss = run.plain((unit, j) => W[j * (V - 2) + unit - 2] as number);
  t.ok(Math.abs(run.loss - loss) < 1e-5);
  await run.release();
});
