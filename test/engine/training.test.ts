import { createHash } from "node:crypto";
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import type { EpochReport } from "../../core/model.ts";
import { Random } from "../../core/random.ts";
import { type FitOptions, fit } from "../../engine/fit.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { dropout } from "../../engine/layers/dropout.ts";
import { lookup, table } from "../../engine/layers/embedding.ts";
import { linear } from "../../engine/layers/linear.ts";
import { transformerBlock } from "../../engine/layers/transformer-block.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { mean } from "../../engine/ops/reduction.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";

const ROWS = 50;
const WIDTH = 16;

function logitsOf(g: Graph): Tensor {
  const ids = g.input("ids", ["B", "L"], "int32");
  let x = reshape(lookup(table(g, "table", ROWS, WIDTH), ids), ["B*L", WIDTH]);
  x = dropout(x, 0.2, "input");
  const block = { heads: 2, feedForward: 32, activation: "relu", norm: "post" } as const;
  const rates = { dropout: 0.1, attentionDropout: 0.1 };
  for (const name of ["layer0", "layer1"])
    x = transformerBlock(x, name, { ...block, ...rates, batch: "B", length: "L" });
  return linear(mean(reshape(x, ["B", "L", WIDTH]), [1]), 1, "output");
}

async function makeTrainer(threads = 1, training = true, fused = true): Promise<Trainer> {
  const graph = new Graph({ training, fused });
  const logits = logitsOf(graph);
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const loss = binaryLoss(logits, graph.input("y", ["B", 1]), weighting);
  return Trainer.create({ graph, loss, random: Random.fromSeed(3), threads });
}

/** Positive where an id below 5 occurs. */
function makeBatch(seed: number, B = 32, L = 24): Batch {
  const random = Random.fromSeed(seed).derive("batch");
  const ids = Int32Array.from({ length: B * L }, () => 5 + random.below(ROWS - 5));
  const y = new Float32Array(B);
  for (let b = 0; b < B; b += 2) {
    y[b] = 1;
    ids[b * L + random.below(L)] = random.below(5);
  }
  return { feeds: { ids, y, weight: new Float32Array(B).fill(1) }, dims: { B, L }, weight: B };
}

function rowsOf({ feeds, dims }: Batch, from: number, to: number): Batch {
  const L = dims["L"] as number;
  const { ids, y, weight } = feeds as Record<string, Float32Array>;
  const cut = {
    ids: (ids as Float32Array).subarray(from * L, to * L),
    y: (y as Float32Array).subarray(from, to),
    weight: (weight as Float32Array).subarray(from, to),
  };
  return { feeds: cut, dims: { B: to - from, L }, weight: to - from };
}

const hash = (values: Float32Array) =>
  createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex");

async function hashAfter(threads: number, steps: number): Promise<string> {
  const trainer = await makeTrainer(threads);
  for (let i = 0; i < steps; i++)
    await trainer.step([makeBatch(i, 32, 16 + 8 * (i % 3))], OPTIMIZER_DEFAULTS);
  const made = hash(trainer.state.copyParameters());
  await trainer.release();
  return made;
}

t.test("20 steps give the same bits with one thread, with two, and again", async (t) => {
  const one = await hashAfter(1, 20);
  t.equal(await hashAfter(2, 20), one);
  t.equal(await hashAfter(1, 20), one);
  t.equal(await hashAfter(2, 20), one);
});

t.test("training goes on bit for bit from a checkpoint", async (t) => {
  const whole = await makeTrainer();
  for (let i = 0; i < 6; i++) await whole.step([makeBatch(i)], OPTIMIZER_DEFAULTS);
  const first = await makeTrainer();
  for (let i = 0; i < 3; i++) await first.step([makeBatch(i)], OPTIMIZER_DEFAULTS);
  const checkpoint = first.state.checkpoint();
  const second = await makeTrainer();
  second.state.restore(checkpoint);
  for (let i = 3; i < 6; i++) await second.step([makeBatch(i)], OPTIMIZER_DEFAULTS);
  t.equal(hash(second.state.copyParameters()), hash(whole.state.copyParameters()));
  t.notSame(hash(first.state.copyParameters()), hash(whole.state.copyParameters()));
  t.throws(
    () => second.state.restore({ step: 1, bytes: new Uint8Array(4) }),
    /checkpoint of 4 bytes/,
  );
  for (const trainer of [whole, first, second]) await trainer.release();
});

/** The gradient of every parameter for one batch in parts, without dropout. */
async function gradientsOf(
  parts: readonly Batch[],
  fused = true,
): Promise<Map<string, Float32Array>> {
  const trainer = await makeTrainer(1, false, fused);
  await trainer.accumulate(parts);
  const { state } = trainer;
  const found = new Map(state.names.map((name) => [name, state.gradient(name).slice()]));
  await trainer.release();
  return found;
}

function worst(a: Map<string, Float32Array>, b: Map<string, Float32Array>): number {
  let most = 0;
  for (const [name, values] of a)
    for (const [i, x] of values.entries())
      most = Math.max(most, Math.abs(x - (b.get(name)?.[i] ?? Number.NaN)));
  return most;
}

t.test("a batch in parts has the gradient of the whole batch", async (t) => {
  const batch = makeBatch(1);
  const whole = await gradientsOf([batch]);
  const parts = await gradientsOf([
    rowsOf(batch, 0, 5),
    rowsOf(batch, 5, 20),
    rowsOf(batch, 20, 32),
  ]);
  t.ok(worst(whole, parts) < 1e-6);
});

t.test("samples of weight 0 change nothing", async (t) => {
  const batch = makeBatch(1);
  const weight = Float32Array.from({ length: 32 }, (_, b) => (b < 20 ? 1 : 0));
  const padded = await gradientsOf([{ ...batch, feeds: { ...batch.feeds, weight }, weight: 20 }]);
  const short = await gradientsOf([rowsOf(batch, 0, 20)]);
  t.ok(worst(short, padded) < 1e-6);
});

t.test("fused and standard operators give one gradient", async (t) => {
  const batch = makeBatch(2);
  t.ok(worst(await gradientsOf([batch]), await gradientsOf([batch], false)) < 1e-6);
});

t.test("an id outside the table is an error, not a write elsewhere", async (t) => {
  const trainer = await makeTrainer();
  const { state } = trainer;
  const rows = new Float32Array(WIDTH);
  t.throws(() => state.addRows("table", Int32Array.of(ROWS), rows), /id 50 is not below 50/);
  t.throws(() => state.addRows("table", Int32Array.of(-1), rows), /id -1/);
  t.throws(() => state.addRows("table", Int32Array.of(1, 2), rows), /16 values for 2 ids/);
  t.throws(() => state.parameter("tabel"), /no parameter "tabel"/);
  await trainer.release();
});

t.test("weight decay moves matrices and leaves biases and gains alone", async (t) => {
  const trainer = await makeTrainer();
  const { state } = trainer;
  const before = state.exportParameters();
  state.update({ ...OPTIMIZER_DEFAULTS, learningRate: 0.1, weightDecay: 0.5 }); // gradients are zero
  const weight = before.get("layer0.attention.query.weight")?.[0] as number;
  t.equal(
    state.parameter("layer0.attention.query.weight")[0],
    Math.fround(weight * Math.fround(0.95)),
  );
  t.same(state.parameter("layer0.norm1.gain"), before.get("layer0.norm1.gain"));
  await trainer.release();
});

t.test("a parameter that the loss does not reach is refused", async (t) => {
  const graph = new Graph();
  const logits = logitsOf(graph);
  linear(graph.input("x", ["B", 4]), 2, "forgotten");
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const loss = binaryLoss(logits, graph.input("y", ["B", 1]), weighting);
  const made = Trainer.create({ graph, loss, random: Random.fromSeed(0), threads: 1 });
  await t.rejects(made, /the parameter forgotten.weight has no part in the loss/);
});

function fitOptions(trainer: Trainer, more: Partial<FitOptions>): FitOptions {
  return {
    trainer,
    optimizer: { ...OPTIMIZER_DEFAULTS, learningRate: 3e-3 },
    schedule: () => 1,
    epochs: 6,
    averaging: 0,
    patience: 2,
    batches: (epoch) => ({
      steps: 2,
      batches: [[makeBatch(2 * epoch)], [makeBatch(2 * epoch + 1)]],
    }),
    evaluate: async () => ({ value: 1, name: "auprc" }),
    report: () => {},
    signal: new AbortController().signal,
    ...more,
  };
}

t.test("training stops when patience is over and goes back to the best epoch", async (t) => {
  const trainer = await makeTrainer();
  const scores = [0.5, 0.8, 0.7, 0.6, 0.9];
  const seen: string[] = [];
  const summary = await fit(
    fitOptions(trainer, {
      evaluate: async () => {
        seen.push(hash(trainer.state.copyParameters()));
        return { value: scores[seen.length - 1] ?? 0, name: "auprc" };
      },
    }),
  );
  t.match(summary, { epochs: 4, best_epoch: 2, stopped_by: "patience", selected_on: "auprc" });
  t.same(
    summary.curve.map(({ tuning_score }) => tuning_score),
    scores.slice(0, 4),
  );
  t.equal(hash(trainer.state.copyParameters()), seen[1]);
  await trainer.release();
});

t.test(
  "training ends with the epochs, and a score that is not a number is never the best",
  async (t) => {
    const trainer = await makeTrainer();
    const scores = [Number.NaN, 0.1, Number.NaN];
    let epoch = 0;
    const evaluate = async () => ({ value: scores[epoch++] ?? 0, name: "auprc" as const });
    const summary = await fit(fitOptions(trainer, { epochs: 3, patience: 9, evaluate }));
    t.match(summary, { epochs: 3, best_epoch: 2, stopped_by: "epochs" });
    await t.rejects(fit(fitOptions(trainer, { epochs: 0 })), BenchError);
    await trainer.release();
  },
);

t.test("every step is reported and the loss falls", async (t) => {
  const trainer = await makeTrainer();
  const seen: EpochReport[] = [];
  const batches = () => ({ steps: 3, batches: [1, 2, 3].map((seed) => [makeBatch(seed)]) });
  const report = (progress: EpochReport) => seen.push(progress);
  const optimizer = { ...OPTIMIZER_DEFAULTS, learningRate: 1e-2 };
  await fit(fitOptions(trainer, { optimizer, epochs: 20, patience: 20, batches, report }));
  t.equal(seen.length, 60);
  t.match(seen[4], { epoch: 2, epochs: 20, step: 2, steps: 3 });
  t.ok((seen[59] as EpochReport).loss < 0.5 * (seen[0] as EpochReport).loss);
  await trainer.release();
});

t.test("a loss that is not finite names the epoch and the step", async (t) => {
  const trainer = await makeTrainer();
  const bad = makeBatch(2);
  (bad.feeds["y"] as Float32Array)[0] = Number.NaN;
  const batches = (epoch: number) => ({
    steps: 2,
    batches: [[makeBatch(1)], [epoch < 2 ? makeBatch(2) : bad]],
  });
  const error = await fit(fitOptions(trainer, { batches })).catch((e: unknown) => e);
  t.ok(error instanceof BenchError);
  t.match(error, { message: "the training loss became NaN", where: "epoch 2, step 2" });
  await trainer.release();
});

t.test("an aborted signal stops training between two steps", async (t) => {
  const trainer = await makeTrainer();
  const controller = new AbortController();
  const report = ({ step }: EpochReport) => {
    if (step === 1) controller.abort(new Error("enough"));
  };
  await t.rejects(fit(fitOptions(trainer, { report, signal: controller.signal })), /enough/);
  t.equal(trainer.state.step, 1);
  await trainer.release();
});

t.test("a timer fires while training runs", async (t) => {
  const trainer = await makeTrainer();
  let fired = 0;
  const timer = setInterval(() => {
    fired += 1;
  }, 1);
  await fit(fitOptions(trainer, { epochs: 3, patience: 3 }));
  clearInterval(timer);
  t.ok(fired > 0);
  await trainer.release();
});
