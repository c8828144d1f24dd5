/**
 * Speed of the training engine. Run: npx tsx bench/engine.ts [threads ...]   (default: 1 2)
 * The share is of the matrix-product peak measured in the same process with the same number of threads.
 * Rates are of the best step, as the peak is of the best run; medians stand beside them. On a shared
 * machine compare only figures of one run.
 */
import { Random } from "../core/random.ts";
import { PART_BYTES } from "../ehr-models/batch-source.ts";
import { Graph, type Tensor } from "../engine/graph.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { linear } from "../engine/layers/linear.ts";
import { transformerBlock } from "../engine/layers/transformer-block.ts";
import { toOnnx } from "../engine/onnx.ts";
import { reshape } from "../engine/ops/layout.ts";
import { binaryLoss } from "../engine/ops/losses.ts";
import { product } from "../engine/ops/matmul.ts";
import { mean, sum } from "../engine/ops/reduction.ts";
import { OPTIMIZER_DEFAULTS } from "../engine/optimizer.ts";
import { Session } from "../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../engine/trainer.ts";

interface Net {
  readonly name: string;
  readonly B: number;
  readonly L: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
}

const NETS: readonly Net[] = [
  { name: "A", B: 64, L: 128, d: 128, ff: 256, heads: 4, layers: 2, vocabulary: 2000 },
  { name: "C", B: 32, L: 512, d: 64, ff: 256, heads: 4, layers: 4, vocabulary: 2000 },
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
  } as const;
  for (let i = 0; i < layers; i++) x = transformerBlock(x, `layer${i}`, block);
  return linear(mean(reshape(x, ["B", "L", d]), [1]), 1, "output");
}

function partsOf(net: Net): Batch[] {
  const { B, L, heads, vocabulary } = net;
  const size = Math.max(1, Math.min(B, Math.floor(PART_BYTES / (4 * heads * L * L))));
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

async function step(net: Net, threads: number, ceiling: number): Promise<void> {
  const graph = new Graph({ training: true });
  const logits = logitsOf(graph, net);
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const loss = binaryLoss(logits, graph.input("y", ["B", 1]), weighting);
  const trainer = await Trainer.create({ graph, loss, random: Random.fromSeed(0), threads });
  const parts = partsOf(net);
  const { median, best } = await time(net.layers === 0 ? 60 : 12, () =>
    trainer.step(parts, OPTIMIZER_DEFAULTS),
  );
  const rate = gigaflops(net) / (best / 1000);
  const speed = `${rate.toFixed(0)} GFLOP/s, ${((100 * rate) / ceiling).toFixed(0)} % of the peak`;
  const facts = [
    `${best.toFixed(1)} ms (median ${median.toFixed(1)})`,
    ...(net.layers === 0 ? [] : [speed]),
    `${(trainer.state.parameterCount / 1e6).toFixed(2)}M parameters`,
    `${trainer.nodeCount} nodes`,
    `${parts.length} part(s)`,
    `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB resident`,
  ];
  console.log(`${net.name}, ${threads} thread(s): ${facts.join(", ")}`);
  await trainer.release();
}

const wanted = process.argv
  .slice(2)
  .map(Number)
  .filter((n) => n > 0);
for (const threads of wanted.length > 0 ? wanted : [1, 2]) {
  const ceiling = await peak(threads);
  console.log(
    `peak with ${threads} thread${threads > 1 ? "s" : ""}: ${ceiling.toFixed(0)} GFLOP/s`,
  );
  for (const net of NETS) await step(net, threads, ceiling);
}
