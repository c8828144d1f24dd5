/**
 * Speed of a MedTok training step at the paper's setting: batch 1,024, N = 21,000, d = 64, K = 5, a node
 * table of 130,000 rows, beyond the frozen text features. Run: npx tsx bench/medtok.ts [threads ...]
 * (default: 1 2). Beside the step stand the searches alone, the matrix products alone, and their floors: the
 * arithmetic at the peak of a large product in the same process.
 */
import { Random } from "../core/random.ts";
import { Graph } from "../engine/graph.ts";
import { toOnnx } from "../engine/onnx.ts";
import { product } from "../engine/ops/matmul.ts";
import { highest } from "../engine/ops/nearest.ts";
import { Session } from "../engine/runner.ts";
import { Batcher } from "../tokenizers/medtok/batch.ts";
import { MEDTOK_PRESETS, type MedTokConfig, medTokConfig } from "../tokenizers/medtok/config.ts";
import { Stepper } from "../tokenizers/medtok/stepper.ts";
import { stepFeeds } from "../tokenizers/medtok/train.ts";
import type { MedTokInputs } from "../tokenizers/medtok/types.ts";

const CODES = 20_000;
const NODES = 130_000;
const WORDS = 7000;
const TEXT_WIDTH = 256;
const BUCKETS = 4;
const ROUNDS = 8;

/** Codes with 5 to 48 nodes in a tree with some extra edges, and 4 to 32 words. */
function madeUp(): MedTokInputs {
  const random = Random.fromSeed(1).derive("bench");
  const floats = (n: number) => Float32Array.from({ length: n }, () => random.normal() / 16);
  const nodeOffset = new Int32Array(CODES + 1);
  const edgeOffset = new Int32Array(CODES + 1);
  const wordOffset = new Int32Array(CODES + 1);
  const [node, from, to, wordId]: number[][] = [[], [], [], []];
  for (let code = 0; code < CODES; code++) {
    const n = 5 + Math.floor(44 * random.uniform() ** 2);
    for (let k = 0; k < n; k++) {
      node?.push(random.below(NODES));
      if (k === 0) continue;
      from?.push(random.below(k));
      to?.push(k);
    }
    const words = 4 + Math.floor(29 * random.uniform() ** 2);
    for (let k = 0; k < words; k++) wordId?.push(random.below(WORDS));
    nodeOffset[code + 1] = node?.length ?? 0;
    edgeOffset[code + 1] = from?.length ?? 0;
    wordOffset[code + 1] = wordId?.length ?? 0;
  }
  const code = Array.from({ length: CODES }, (_, i) => `TEST/${i}`);
  return {
    codes: { code, description: code },
    text: {
      width: TEXT_WIDTH,
      sentence: floats(CODES * TEXT_WIDTH),
      word: floats(WORDS * TEXT_WIDTH),
      wordOffset,
      wordId: Int32Array.from(wordId ?? []),
      hash: "",
    },
    subgraphs: {
      nodeCount: NODES,
      nodeOffset,
      node: Int32Array.from(node ?? []),
      core: new Int32Array(CODES).fill(1),
      edgeOffset,
      edgeFrom: Uint16Array.from(from ?? []),
      edgeTo: Uint16Array.from(to ?? []),
      hash: "",
    },
  };
}

/** Median and best of some rounds after two to warm up, in milliseconds. */
async function time(run: (round: number) => Promise<unknown>): Promise<[number, number]> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS + 2; i++) {
    const start = performance.now();
    await run(i);
    times.push(performance.now() - start);
  }
  const kept = times.slice(2).sort((a, b) => a - b);
  return [kept[Math.floor(kept.length / 2)] ?? Number.NaN, kept[0] ?? Number.NaN];
}

const show = ([median, best]: readonly number[]) =>
  `median ${(median ?? Number.NaN).toFixed(0)} ms, best ${(best ?? Number.NaN).toFixed(0)} ms`;

/** A graph of products of [rows, 64] with [columns, 64] transposed, with the five highest or only a maximum. */
async function timeSearch(rows: number, columns: number, isSearch: boolean, threads: number) {
  const g = new Graph();
  const scores = product(g.input("x", [rows, 64]), g.input("c", [columns, 64]), {
    transposeB: true,
  });
  const attributes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  const output = isSearch
    ? highest(scores, 5)
    : g.emit("ReduceMax", [scores], [rows], { attributes });
  const session = await Session.create(toOnnx(g, [output]), { threads });
  const random = Random.fromSeed(2);
  const draw = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  const feeds = { x: draw(rows * 64), c: draw(columns * 64) };
  const found = await time(() => session.run(feeds));
  await session.release();
  return found;
}

/** GFLOP/s of a chain of four products of 1,024 × 1,024 matrices, best of some runs. */
async function peakRate(threads: number): Promise<number> {
  const g = new Graph();
  const x = g.input("x", [1024, 1024]);
  let y = x;
  for (let i = 0; i < 4; i++) y = product(y, x);
  const session = await Session.create(toOnnx(g, [y]), { threads });
  const feeds = { x: new Float32Array(1024 * 1024).fill(1e-3) };
  const [, best] = await time(() => session.run(feeds));
  await session.release();
  return (4 * 2 * 1024 ** 3) / 1e6 / best;
}

/** Multiply-adds of the products of a step, forward and backward, by what they are for. */
function gigaflops(config: MedTokConfig, nodes: number, words: number): Record<string, number> {
  const { batch: B, codebookSize: N, width: d, graphWidth: w } = config;
  const region = Math.floor(N / 3);
  const middle = config.protocol === "paper" ? N : region;
  return {
    "distance search (forward only)": (2 * B * d * (4 * region + 2 * middle)) / 1e9,
    "graph convolutions, both views": (3 * 2 * 2 * B * nodes * 2 * d * w) / 1e9,
    "cross attention": (3 * 2 * 2 * B * (nodes * 4 + words * 2) * d * d) / 1e9,
    "text projection": (2 * 2 * B * words * TEXT_WIDTH * d) / 1e9,
    "contrasts (four of B × B)": (3 * 2 * 4 * B * B * 1.5 * d) / 1e9,
  };
}

async function timeSteps(config: MedTokConfig, inputs: MedTokInputs, threads: number) {
  const random = Random.fromSeed(0).derive("bench");
  const stepper = await Stepper.create(config, inputs, BUCKETS, random, threads);
  const batcher = new Batcher(inputs, config);
  const rows = (round: number) =>
    Int32Array.from({ length: config.batch }, (_, i) => (round * config.batch + i) % CODES);
  const feeds = await time(async (i) => stepFeeds(batcher, rows(i), config, random, i));
  const whole = await time((i) => stepper.step(stepFeeds(batcher, rows(i), config, random, i), 1));
  const update = await time(async () => stepper.state.update({ ...OPTIMIZER }));
  await stepper.release();
  return { feeds, whole, update };
}

const OPTIMIZER = {
  learningRate: 1e-4,
  b1: 0.9,
  b2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
};

const given = process.argv.slice(2).map(Number);
const inputs = madeUp();
const { nodeOffset } = inputs.subgraphs;
const nodes = (nodeOffset[CODES] as number) / CODES;
const words = (inputs.text.wordOffset[CODES] as number) / CODES;
console.log(`codes with ${nodes.toFixed(1)} nodes and ${words.toFixed(1)} words on average`);
for (const threads of given.length > 0 ? given : [1, 2]) {
  const rate = await peakRate(threads);
  console.log(`\n${threads} thread(s); peak of a product ${rate.toFixed(0)} GFLOP/s`);
  for (const preset of ["strict", "paper"] as const) {
    const options = { ...(MEDTOK_PRESETS[preset] ?? {}), codebookSize: 21_000, batch: 1024 };
    const config = medTokConfig(options, CODES);
    const { feeds, whole, update } = await timeSteps(config, inputs, threads);
    console.log(
      `${preset}: a step ${show(whole)}; of it feeds ${show(feeds)}; update ${show(update)}`,
    );
    for (const [what, work] of Object.entries(gigaflops(config, nodes, words)))
      console.log(
        `  ${what}: ${work.toFixed(2)} GFLOP, at the peak ${((work / rate) * 1000).toFixed(0)} ms`,
      );
  }
  console.log(`search of 2,048 in 7,000: ${show(await timeSearch(2048, 7000, true, threads))}`);
  console.log(`  its product alone: ${show(await timeSearch(2048, 7000, false, threads))}`);
}
