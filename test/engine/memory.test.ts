/** Training keeps nothing from step to step. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import t from "tap";
import { Random } from "../../core/random.ts";
import { Graph } from "../../engine/graph.ts";
import { linear } from "../../engine/layers/linear.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Megabytes of arrays outside the heap, which is where outputs of runs live. */
function held(): number {
  collect();
  collect();
  return process.memoryUsage().arrayBuffers / 2 ** 20;
}

/** Megabytes that 150 steps of many sizes left behind, after 50 that do not count. */
async function growth(keep: (batch: Batch) => void): Promise<number> {
  const width = 128; // its gradient takes 64 KB a step
  const graph = new Graph({ training: true });
  const logits = linear(linear(graph.input("x", ["B", width]), width, "a"), 1, "b");
  const weight = graph.input("weight", ["B", 1]);
  const weighting = { weight, total: graph.input(TOTAL_WEIGHT, []) };
  const loss = binaryLoss(logits, graph.input("y", ["B", 1]), weighting);
  const trainer = await Trainer.create({ graph, loss, random: Random.fromSeed(0), threads: 1 });
  let before = 0;
  for (let i = 0; i < 200; i++) {
    const B = 130 + ((7 * i) % 20);
    const feeds = {
      x: new Float32Array(B * width).fill(0.1),
      y: new Float32Array(B),
      weight: new Float32Array(B).fill(1),
    };
    const batch = { feeds, dims: { B }, weight: B };
    keep(batch);
    await trainer.step([batch], OPTIMIZER_DEFAULTS);
    if (i === 49) before = held();
  }
  const grown = held() - before;
  await trainer.release();
  return grown;
}

t.test("memory does not grow over steps of changing sizes", async (t) => {
  const grown = await growth(() => {});
  t.ok(grown < 2, `grew by ${grown.toFixed(1)} MB`);
});

t.test("something kept at every step would be seen", async (t) => {
  const kept: Batch[] = [];
  const grown = await growth((batch) => kept.push(batch));
  t.ok(kept.length === 200 && grown > 5, `grew by ${grown.toFixed(1)} MB`);
});
