/** Tables that follow a trained one: against plain loops, and against the same sums made inside a graph. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { allocateMemory, instantiateKernels } from "../../engine/kernels.ts";
import { lookup, table } from "../../engine/layers/embedding.ts";
import { linear } from "../../engine/layers/linear.ts";
import { type MixedRows, mixed, readBy } from "../../engine/mixture.ts";
import { mul } from "../../engine/ops/elementwise.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { sum } from "../../engine/ops/reduction.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";

const [N, ROWS, WIDTH, SEGMENTS, EACH] = [30, 12, 5, 2, 4] as const;
const [B, L] = [32, 40];

function madeRows(): MixedRows {
  const random = Random.fromSeed(11);
  const count = N * SEGMENTS * EACH;
  return {
    ids: Int32Array.from({ length: count }, () => random.below(ROWS)),
    weights: Float32Array.from({ length: count }, () => random.normal()),
    segments: SEGMENTS,
    each: EACH,
  };
}

/** The mixed row, and the source with that row spread back over it, in plain loops. */
function plainly(ids: Int32Array, weights: Float32Array, source: Float32Array, width: number) {
  const wanted = new Float32Array(width);
  const back = source.slice();
  const term = (k: number, x: number | undefined) =>
    Math.fround((weights[k] ?? Number.NaN) * (x ?? Number.NaN));
  for (const [k, id] of ids.entries())
    for (let j = 0; j < width; j++) wanted[j] = (wanted[j] ?? 0) + term(k, source[id * width + j]);
  for (const [k, id] of ids.entries())
    for (let j = 0; j < width; j++)
      back[id * width + j] = (back[id * width + j] ?? Number.NaN) + term(k, wanted[j]);
  return { wanted, back };
}

t.test("rows of any width are mixed and spread in order, repeated ids included", async (t) => {
  for (const width of [1, 3, 4, 5, 8, 13]) {
    const memory = allocateMemory(1);
    const kernels = instantiateKernels(memory);
    const at = (address: number, size: number) => new Float32Array(memory.buffer, address, size);
    const random = Random.fromSeed(2).derive(width);
    const [source, weights] = [at(4096, 6 * width), at(8192, 4)];
    for (const array of [source, weights])
      for (let i = 0; i < array.length; i++) array[i] = random.normal();
    const ids = new Int32Array(memory.buffer, 64, 4);
    ids.set([5, 0, 5, 2]);
    const row = at(16_384, width).fill(7);
    kernels.mix(row.byteOffset, 64, weights.byteOffset, source.byteOffset, 4, width);
    const { wanted, back } = plainly(ids, weights, source, width);
    t.same(row, wanted, `mixed, width ${width}`);
    kernels.spread(source.byteOffset, 64, weights.byteOffset, row.byteOffset, 4, width);
    t.same(source, back, `spread, width ${width}`);
  }
});

type Read = (theta: Tensor, ids: Tensor) => Tensor;

/** Through a table outside the graph. */
const outside: Read = (theta, ids) =>
  reshape(lookup(theta.graph.mixture("mixed", theta, madeRows()), ids), ["B*L", SEGMENTS * WIDTH]);

/** The same with each position's rows looked up inside. */
const inside: Read = (theta, ids) => {
  const g = theta.graph;
  const fixed = (name: string, type: "int32" | "float32") =>
    lookup(g.input(name, [N, SEGMENTS * EACH], type), ids);
  const rows = reshape(lookup(theta, fixed("tokens", "int32")), [`${SEGMENTS}*B*L`, EACH, WIDTH]);
  const shares = reshape(fixed("shares", "float32"), [`${SEGMENTS}*B*L`, 1, EACH]);
  return reshape(matmul(shares, rows), ["B*L", SEGMENTS * WIDTH]);
};

function makeTrainer(read: Read, threads = 1): Promise<Trainer> {
  const graph = new Graph({ training: true });
  const ids = graph.input("ids", ["B", "L"], "int32");
  const x = read(table(graph, "theta", ROWS, WIDTH, { decay: true }), ids);
  const logits = linear(x, 1, "output");
  const weight = graph.input("weight", ["B*L", 1]);
  const weighting = { weight, total: graph.input(TOTAL_WEIGHT, []) };
  const loss = binaryLoss(logits, graph.input("y", ["B*L", 1]), weighting);
  const { ids: tokens, weights: shares } = madeRows();
  const held = { tokens, shares };
  return Trainer.create({ graph, loss, random: Random.fromSeed(3), threads, held });
}

/** Steps with one part or several; each reads a third of the rows, other ones each time. */
async function trained(trainer: Trainer, counts: readonly number[]) {
  const random = Random.fromSeed(4);
  const losses: number[] = [];
  for (const [step, count] of counts.entries()) {
    const parts = Array.from({ length: count }, (): Batch => {
      const ids = Int32Array.from({ length: B * L }, () => 3 * random.below(N / 3) + (step % 3));
      const y = Float32Array.from(ids, (id) => id % 2);
      const feeds = { ids, y, weight: new Float32Array(B * L).fill(1) };
      return { feeds, dims: { B, L }, weight: B * L };
    });
    losses.push((await trainer.step(parts, { ...OPTIMIZER_DEFAULTS, learningRate: 0.05 })).loss);
  }
  const parameters = trainer.state.exportParameters();
  await trainer.release();
  return { losses, parameters };
}

t.test("training is that of the sums inside the graph", async (t) => {
  const counts = [1, 3, 2, 1, 2, 1];
  const ours = await trained(await makeTrainer(outside), counts);
  const plain = await trained(await makeTrainer(inside), counts);
  for (const [i, loss] of plain.losses.entries())
    t.ok(Math.abs((ours.losses[i] ?? Number.NaN) - loss) < 1e-5, `step ${i}: ${loss}`);
  t.ok((ours.losses.at(-1) ?? 9) < (ours.losses[0] ?? 0) - 0.01, "and it learns");
  t.same([...ours.parameters.keys()], [...plain.parameters.keys()]);
  for (const [name, values] of plain.parameters)
    for (const [i, x] of values.entries())
      t.ok(Math.abs((ours.parameters.get(name)?.[i] ?? Number.NaN) - x) < 1e-4, name);
});

t.test("the same bits with one thread and two, parts side by side", async (t) => {
  const counts = [1, 3, 2, 4];
  const alone = await trained(await makeTrainer(outside), counts);
  t.same(await trained(await makeTrainer(outside, 2), counts), alone);
});

t.test("a checkpoint taken between steps goes on bit for bit", async (t) => {
  const trainer = await makeTrainer(outside);
  const start = trainer.checkpoint();
  const once = await trained(trainer, [2, 1, 2]);
  const again = await makeTrainer(outside);
  const ids = new Int32Array(B * L).fill(3);
  const feeds = { ids, y: new Float32Array(B * L), weight: new Float32Array(B * L).fill(1) };
  await again.accumulate([{ feeds, dims: { B, L }, weight: B * L }]); // is forgotten
  t.ok(again.restore(start));
  t.same(await trained(again, [2, 1, 2]), once);
});

t.test("the whole table has the bits of the rows that training reads", async (t) => {
  const trainer = await makeTrainer(outside);
  const [mixture] = trainer.graph.mixtures;
  const ours = trainer.state.mixed.get("mixed");
  if (mixture === undefined || ours === undefined) throw new Error("no mixture");
  ours.mix();
  const theta = trainer.state.parameter("theta");
  t.same(ours.values, mixed(mixture, theta));
  theta.fill(2);
  ours.mix([Int32Array.of(4, 7, 4)]);
  const now = mixed(mixture, theta);
  const row = (values: Float32Array, i: number) => values.slice(10 * i, 10 * i + 10);
  for (const i of [4, 7]) t.same(row(ours.values, i), row(now, i), "a wanted row is current");
  t.notSame(row(ours.values, 5), row(now, 5), "others wait until they are wanted");
  await trainer.release();
});

t.test("what reads a table is told apart", async (t) => {
  const graph = new Graph({ training: true });
  const theta = table(graph, "theta", ROWS, WIDTH);
  const E = graph.mixture("mixed", theta, madeRows());
  const ids = graph.input("ids", ["B"], "int32");
  lookup(E, ids);
  t.same(readBy(graph, E), ["ids"]);
  const computed = lookup(graph.input("of", [N, 1], "int32"), ids);
  lookup(E, computed);
  t.equal(readBy(graph, E), undefined, "computed ids may be any");
  t.throws(() => graph.mixture("other", E, madeRows()), /a table that is a parameter wanted/);
});

t.test("a table that is read by more than look-ups is refused", async (t) => {
  const read: Read = (theta, ids) => {
    const E = theta.graph.mixture("mixed", theta, madeRows());
    return mul(reshape(lookup(E, ids), ["B*L", SEGMENTS * WIDTH]), sum(E));
  };
  await t.rejects(makeTrainer(read), /mixed is read by more than look-ups/);
});
