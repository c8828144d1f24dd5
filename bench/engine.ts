/**
 * Speed of the training engine. Run: npx tsx bench/engine.ts [threads ...] [names ...]
 * By default 1 and 2 threads and all nets; one net alone (`C-chunked`, say) also tells its memory. `memory`
 * runs 1,000 steps of changing lengths instead, prints how much is resident, and fails when that grows.
 * The share is of the matrix-product peak measured in the same process with the same number of threads.
 * Rates are of the best step, as the peak is of the best run; medians stand beside them. `products alone` is the
 * share that the products of the step's parts reach by themselves, side by side as the parts run: the step's
 * distance to it is all that is not a product. On a shared machine compare only figures of one run.
 */
import { Random } from "../core/random.ts";
import { PART_TOKENS, partSize } from "../ehr-models/batch-source.ts";
import { Graph, type Tensor } from "../engine/graph.ts";
import { ones } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { gru, lastState } from "../engine/layers/gru.ts";
import { linear } from "../engine/layers/linear.ts";
import { transformerBlock } from "../engine/layers/transformer-block.ts";
import { toOnnx } from "../engine/onnx.ts";
import { mul } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import { binaryLoss } from "../engine/ops/losses.ts";
import { product } from "../engine/ops/matmul.ts";
import { mean, sum } from "../engine/ops/reduction.ts";
import { OPTIMIZER_DEFAULTS } from "../engine/optimizer.ts";
import { Session } from "../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../engine/trainer.ts";
import { productsAlone } from "./products.ts";

interface Net {
  readonly name: string;
  readonly B: number;
  readonly L: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
  /** Attention one head at a time, scores computed again on the way back. */
  readonly chunked?: boolean;
}

const NETS: readonly Net[] = [
  { name: "A", B: 64, L: 128, d: 128, ff: 256, heads: 4, layers: 2, vocabulary: 2000 },
  { name: "C", B: 32, L: 512, d: 64, ff: 256, heads: 4, layers: 4, vocabulary: 2000 },
  {
    name: "C-chunked",
    B: 32,
    L: 512,
    d: 64,
    ff: 256,
    heads: 4,
    layers: 4,
    vocabulary: 2000,
    chunked: true,
  },
  { name: "embedding", B: 64, L: 64, d: 128, ff: 0, heads: 1, layers: 0, vocabulary: 40_000 },
];

/** Forward and backward: three times the forward products. */
function gigaflops({ B, L, d, ff, layers }: Net): number {
  return (3 * B * layers * (2 * L * (4 * d * d + 2 * d * ff) + 4 * L * L * d)) / 1e9;
}

interface Timing {
  readonly median: number;
  readonly best: number;
}

async function time(rounds: number, run: () => Promise<unknown>): Promise<Timing> {
  const times: number[] = [];
  for (let i = 0; i < rounds + 2; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const kept = times.slice(2).sort((a, b) => a - b);
  return { median: kept[Math.floor(kept.length / 2)] ?? Number.NaN, best: kept[0] ?? Number.NaN };
}

/** GFLOP/s of a product of two 1024 × 1024 matrices, best of 32 runs of four products. */
async function peak(threads: number): Promise<number> {
  const n = 1024;
  const g = new Graph();
  const a = g.input("a", [n, n]);
  let x: Tensor = a;
  for (let i = 0; i < 4; i++) x = product(x, a);
  const session = await Session.create(toOnnx(g, [sum(x)]), { threads });
  const feeds = { a: new Float32Array(n * n).fill(1e-4) };
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) best = Math.min(best, (await time(8, () => session.run(feeds))).best);
  await session.release();
  return (4 * 2 * n ** 3) / best / 1e6;
}

/** What share of the peak the products of a net's parts reach alone, and the step's share of that. */
async function ceilingOf(
  net: Net,
  parts: readonly Batch[],
  threads: number,
  { best }: Timing,
  peakRate: number,
): Promise<string[]> {
  const samples = parts[0]?.dims["B"];
  if (net.layers === 0 || samples === undefined) return [];
  const time = ((await productsAlone({ ...net, samples })) * net.B) / samples / threads;
  const share = ((100 * gigaflops(net)) / (time / 1000) / peakRate).toFixed(0);
  const reached = ((100 * time) / best).toFixed(0);
  return [`products alone ${time.toFixed(1)} ms = ${share} %, the step at ${reached} % of that`];
}

function logitsOf(g: Graph, net: Net): Tensor {
  const { d, layers } = net;
  const ids = g.input("ids", ["B", "L"], "int32");
  let x = reshape(lookup(table(g, "table", net.vocabulary, d), ids), ["B*L", d]);
  const block = {
    heads: net.heads,
    feedForward: net.ff,
    activation: "relu",
    norm: "post",
    dropout: 0,
    attentionDropout: 0,
    batch: "B",
    length: "L",
    bias: g.input("bias", ["B", 1, 1, "L"]),
    chunked: net.chunked === true,
  } as const;
  for (let i = 0; i < layers; i++) x = transformerBlock(x, `layer${i}`, block);
  return linear(mean(reshape(x, ["B", "L", d]), [1]), 1, "output");
}

function partsOf(net: Net): Batch[] {
  const { B, L, heads, vocabulary } = net;
  const bytesOfSample = () => 4 * heads * L * L;
  const size = Math.min(B, partSize(L, { tokens: PART_TOKENS, bytesOfSample }));
  const random = Random.fromSeed(1).derive(net.name);
  const parts: Batch[] = [];
  for (let start = 0; start < B; start += size) {
    const b = Math.min(size, B - start);
    const ids = Int32Array.from({ length: b * L }, () => random.below(vocabulary));
    const y = Float32Array.from({ length: b }, () => random.below(2));
    const weight = new Float32Array(b).fill(1);
    const feeds =
      net.layers > 0 ? { ids, y, weight, bias: new Float32Array(b * L) } : { ids, y, weight };
    parts.push({ feeds, dims: { B: b, L }, weight: b });
  }
  return parts;
}

function lossOf(graph: Graph, logits: Tensor): Tensor {
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  return binaryLoss(logits, graph.input("y", ["B", 1]), weighting);
}

function report(name: string, threads: number, trainer: Trainer, facts: readonly string[]): void {
  const common = [
    `${(trainer.state.parameterCount / 1e6).toFixed(2)}M parameters`,
    `${trainer.nodeCount} nodes`,
    `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB peak`,
  ];
  console.log(`${name}, ${threads} thread(s): ${[...facts, ...common].join(", ")}`);
}

function speed(gigaflop: number, { median, best }: Timing, ceiling: number): string[] {
  const rate = gigaflop / (best / 1000);
  const share = ((100 * rate) / ceiling).toFixed(0);
  const times = `${best.toFixed(1)} ms (median ${median.toFixed(1)})`;
  return gigaflop === 0 ? [times] : [times, `${rate.toFixed(0)} GFLOP/s, ${share} % of the peak`];
}

async function step(net: Net, threads: number, ceiling: number): Promise<void> {
  const graph = new Graph({ training: true });
  const loss = lossOf(graph, logitsOf(graph, net));
  const start = performance.now();
  const trainer = await Trainer.create({ graph, loss, random: Random.fromSeed(0), threads });
  const parts = partsOf(net);
  await trainer.step(parts, OPTIMIZER_DEFAULTS);
  const first = performance.now() - start;
  const timing = await time(net.layers === 0 ? 60 : 12, () =>
    trainer.step(parts, OPTIMIZER_DEFAULTS),
  );
  const work = net.layers === 0 ? 0 : gigaflops(net);
  report(net.name, threads, trainer, [
    ...speed(work, timing, ceiling),
    ...(await ceilingOf(net, parts, Math.min(threads, parts.length), timing, ceiling)),
    `${parts.length} part(s)`,
    `first step after ${first.toFixed(0)} ms`,
  ]);
  await trainer.release();
}

/** T=32, B=128, d=H=128, loss on the last state: the net of the GRU figures that engines are compared by. */
async function recurrentStep(threads: number, ceiling: number): Promise<void> {
  const [T, B, H] = [32, 128, 128];
  const graph = new Graph({ training: true });
  const x = graph.input("x", ["B", T, H]);
  const states = gru(linearInput(x, H), "gru", { batch: "B", steps: T, width: H });
  const loss = lossOf(graph, linear(lastState(states), 1, "output", { fewRows: true }));
  const trainer = await Trainer.create({ graph, loss, random: Random.fromSeed(0), threads });
  const random = Random.fromSeed(1);
  const limits = { tokens: PART_TOKENS, bytesOfSample: () => 4 * T * 3 * H, recurrent: true };
  const size = Math.ceil(B / Math.ceil(B / partSize(T, limits)));
  const parts: Batch[] = [];
  for (let start = 0; start < B; start += size) {
    const b = Math.min(size, B - start);
    const feeds = {
      x: Float32Array.from({ length: b * T * H }, () => random.normal()),
      y: Float32Array.from({ length: b }, () => random.below(2)),
      weight: new Float32Array(b).fill(1),
    };
    parts.push({ feeds, dims: { B: b }, weight: b });
  }
  const timing = await time(20, () => trainer.step(parts, OPTIMIZER_DEFAULTS));
  const gigaflop = (3 * 2 * 3 * (H * H + H * H) * B * T) / 1e9;
  report("GRU", threads, trainer, [...speed(gigaflop, timing, ceiling), `${parts.length} part(s)`]);
  await trainer.release();
}

/** x times a trained factor, so that the gradient of the inputs is computed too, as behind an embedding. */
function linearInput(x: Tensor, width: number): Tensor {
  return mul(x, x.graph.parameter("factor", [width], ones, false));
}

/** Megabytes that may come on top between step 300, when every length was seen, and step 1,000. */
const MOST_GROWTH = 24;

/** Resident memory over 1,000 steps of 40 lengths, in three parts each. @throws when it grows. */
async function memory(threads: number): Promise<void> {
  const net = { ...(NETS[0] as Net), name: "memory", B: 16, d: 64, ff: 128 };
  const resident: number[] = [];
  const graph = new Graph({ training: true });
  const loss = lossOf(graph, logitsOf(graph, net));
  const trainer = await Trainer.create({ graph, loss, random: Random.fromSeed(0), threads });
  for (let i = 0; i <= 1000; i++) {
    const [part] = partsOf({ ...net, L: 8 + 4 * ((7 * i) % 40) });
    await trainer.step([part, part, part] as Batch[], OPTIMIZER_DEFAULTS);
    if (i % 100 !== 0) continue;
    resident.push(process.memoryUsage().rss / 2 ** 20);
    console.log(`step ${i}: ${resident.at(-1)?.toFixed(0)} MB resident`);
  }
  await trainer.release();
  const growth = Math.max(...resident.slice(4)) - (resident[3] as number);
  console.log(`after step 300 ${growth.toFixed(0)} MB more, at most ${MOST_GROWTH} allowed`);
  if (growth > MOST_GROWTH) throw new Error(`memory grew by ${growth.toFixed(0)} MB in 700 steps`);
}

const words = process.argv.slice(2);
const threadCounts = words.map(Number).filter((n) => n > 0);
const names = words.filter((word) => !(Number(word) > 0));
const isWanted = (name: string) => names.length === 0 || names.includes(name);
for (const threads of threadCounts.length > 0 ? threadCounts : [1, 2]) {
  if (names.includes("memory")) {
    await memory(threads);
    continue;
  }
  const ceiling = await peak(threads);
  console.log(
    `peak with ${threads} thread${threads > 1 ? "s" : ""}: ${ceiling.toFixed(0)} GFLOP/s`,
  );
  for (const net of NETS) if (isWanted(net.name)) await step(net, threads, ceiling);
  if (isWanted("GRU")) await recurrentStep(threads, ceiling);
}
