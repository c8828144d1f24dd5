/** Parts of batches side by side: the same bits as one after the other. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { Graph } from "../../engine/graph.ts";
import { dropout } from "../../engine/layers/dropout.ts";
import { lookup, table } from "../../engine/layers/embedding.ts";
import { linear } from "../../engine/layers/linear.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { sum } from "../../engine/ops/reduction.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { chooseRuntime } from "../../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";

const [B, L, d, V] = [40, 30, 24, 50];

/** A trainer of a small net with a table, a frozen input and dropout. */
function makeTrainer(threads: number, rate = 0.3): Promise<Trainer> {
  const graph = new Graph({ training: true });
  const ids = graph.input("ids", ["B", "L"], "int32");
  const x = reshape(lookup(table(graph, "table", V, d), ids), ["B*L", d]);
  const inner = dropout(linear(x, 32, "inner"), rate, "drop");
  const rows = linear(inner, 1, "output", { fewRows: true });
  const logits = reshape(sum(reshape(rows, ["B", "L", 1]), [1]), ["B", 1]);
  const shifted = linear(logits, 1, "last", { fewRows: true });
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const loss = binaryLoss(shifted, graph.input("y", ["B", 1]), weighting);
  return Trainer.create({ graph, loss, random: Random.fromSeed(3), threads });
}

/** `count` parts of unequal sizes, the last with a pool of masks larger than before. */
function makeParts(count: number): Batch[] {
  const random = Random.fromSeed(4);
  return Array.from({ length: count }, (_, i) => {
    const size = B + i;
    const feeds = {
      ids: Int32Array.from({ length: size * L }, () => random.below(V)),
      y: Float32Array.from({ length: size }, () => random.below(2)),
      weight: new Float32Array(size).fill(1),
    };
    return { feeds, dims: { B: size, L }, weight: size };
  });
}

/** Losses of some steps and the parameters after them. */
async function trained(threads: number, counts: readonly number[]) {
  const trainer = await makeTrainer(threads);
  const losses: number[] = [];
  for (const count of counts)
    losses.push((await trainer.step(makeParts(count), OPTIMIZER_DEFAULTS)).loss);
  const bytes = Buffer.from(trainer.state.copyParameters().buffer).toString("hex");
  await trainer.release();
  return { losses, bytes };
}

t.test("parts on threads give the bits of parts one after the other", async (t) => {
  const counts = [5, 1, 2, 7, 3];
  const alone = await trained(1, counts);
  for (const threads of [2, 3]) {
    const several = await trained(threads, counts);
    t.same(several.losses, alone.losses, `losses with ${threads} threads`);
    t.ok(several.bytes === alone.bytes, `parameters with ${threads} threads`);
  }
});

t.test("parameters written between steps reach the threads", async (t) => {
  const losses: number[] = [];
  for (const threads of [1, 2]) {
    const trainer = await makeTrainer(threads, 0);
    await trainer.accumulate(makeParts(3));
    trainer.state.parameter("last.bias").fill(2);
    losses.push(await trainer.accumulate(makeParts(3)));
    await trainer.release();
  }
  t.equal(losses[0], losses[1]);
  t.ok((losses[0] as number) > 0.7, "the changed bias shows");
});

t.test("a wrong feed is told as without threads, and the next step works", async (t) => {
  const trainer = await makeTrainer(2);
  const [first, second] = makeParts(2) as [Batch, Batch];
  const short = { ...second, feeds: { ...second.feeds, y: new Float32Array(1) } };
  await t.rejects(trainer.accumulate([first, short]), { message: /"y" wants \[B, 1\]/ });
  const low = { ...second.feeds, ids: new Int32Array((B + 1) * L).fill(V + 7) };
  await t.rejects(trainer.accumulate([first, { ...second, feeds: low }]), { message: /out of/ });
  t.ok(Number.isFinite(await trainer.accumulate(makeParts(4))));
  await trainer.release();
});

t.test("the second runtime takes parts one after the other", async (t) => {
  chooseRuntime("tfjs");
  t.teardown(() => chooseRuntime("onnxruntime"));
  const trainer = await makeTrainer(2);
  t.ok(Number.isFinite(await trainer.accumulate(makeParts(2))));
  await trainer.release();
});
