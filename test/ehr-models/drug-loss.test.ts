import t from "tap";
import { COIN, drugLoss, marginLoss, TEMPERATURE } from "../../ehr-models/drug-loss.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
import { worstDifference } from "../engine/check-gradient.ts";

const P = [0.9, 0.2, 0.7, 0.4, 0.6, 0.8];
const logitsOf = (p: readonly number[]) => Float64Array.from(p, (x) => Math.log(x / (1 - x)));
const Y = Float64Array.of(1, 0, 1, 0, 1, 0);
/** The first and the third class interact. */
const A = Float64Array.of(0, 0, 1, 0, 0, 0, 1, 0, 0);

/** The loss of two samples, with the coin each has. */
async function lossOf(coins: readonly number[], temperature: number, more = {}) {
  const g = new Graph({ dtype: "float64" });
  const logits = g.input("z", ["B", 3]);
  logits.tracked = true;
  const weighting = { weight: g.input("weight", ["B", 1]), total: g.input("total", []) };
  const loss = drugLoss(
    {
      graph: g,
      inputs: {},
      logits,
      targets: g.input("y", ["B", 3]),
      weighting,
      hyperparameters: { bceWeight: 0.9, marginWeight: 0.01, interactionTarget: 0.05, ...more },
    },
    "A",
  );
  const slope = gradients(loss, g.scalar(1)).get(logits) as Tensor;
  const session = await Session.create(toOnnx(g, [loss, slope]));
  const feeds: Record<string, FeedArray> = {
    z: logitsOf(P),
    y: Y,
    A,
    weight: Float64Array.of(1, 1),
    total: Float64Array.of(2),
    [COIN]: Float64Array.from(coins),
    [TEMPERATURE]: Float64Array.of(temperature),
  };
  const results = await session.run(feeds, { B: 2 });
  await session.release();
  return { loss: results.get(loss.name)?.[0] ?? Number.NaN, slope: results.get(slope.name) ?? [] };
}

/** L_p of sample b, by the double sum of the paper. */
function predictionLoss(b: number): number {
  const p = P.slice(3 * b, 3 * b + 3);
  const y = [...Y.slice(3 * b, 3 * b + 3)];
  const bce = p.reduce((sum, x, i) => sum - Math.log(y[i] === 1 ? x : 1 - x), 0) / 3;
  let margin = 0;
  for (const i of [0, 1, 2])
    for (const j of [0, 1, 2])
      if (y[i] === 1 && y[j] === 0) margin += Math.max(0, 1 - ((p[i] ?? 0) - (p[j] ?? 0))) / 3;
  return 0.9 * bce + 0.01 * margin;
}

/** L_ddi of sample b. */
function interactionLoss(b: number): number {
  let total = 0;
  for (const i of [0, 1, 2])
    for (const j of [0, 1, 2])
      total += ((A[3 * i + j] ?? 0) * (P[3 * b + i] ?? 0) * (P[3 * b + j] ?? 0)) / 9;
  return total;
}

t.test(
  "a sample over the rate takes the loss of interactions if its coin says so (G4, G6)",
  async (t) => {
    // Sample 0 predicts the first and third class, which interact: ρ = 1. Sample 1 the second and third: 0.
    const [p0, p1, d0] = [predictionLoss(0), predictionLoss(1), interactionLoss(0)];
    const chance = Math.exp((0.05 - 1) / 0.5);
    const near = (x: number, y: number, what: string) =>
      t.ok(Math.abs(x - y) < 1e-12, `${what}: ${x} ${y}`);
    near((await lossOf([chance - 0.01, 0], 0.5)).loss, (d0 + p1) / 2, "below its chance");
    near((await lossOf([chance + 0.01, 0], 0.5)).loss, (p0 + p1) / 2, "above its chance");
    near((await lossOf([0.01, 0], 1e-4)).loss, (p0 + p1) / 2, "cooled down, it is never taken");
    near(
      (await lossOf([0, 0], 0.5, { interactionTarget: 1 })).loss,
      (p0 + p1) / 2,
      "nor at a rate that is tolerated",
    );
  },
);

t.test("the gradients of both losses agree with central differences", async (t) => {
  for (const coins of [
    [0, 0],
    [1, 1],
  ]) {
    const { slope } = await lossOf(coins, 0.5);
    const step = 1e-6;
    for (let i = 0; i < 6; i++) {
      const z = logitsOf(P)[i] ?? 0;
      const at = async (by: number) => {
        const kept = P[i] ?? 0;
        P[i] = 1 / (1 + Math.exp(-(z + by)));
        const { loss } = await lossOf(coins, 0.5);
        P[i] = kept;
        return loss;
      };
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
      t.ok(Math.abs(numeric - (slope[i] ?? 9)) < 1e-8, `${i}: ${numeric} ${slope[i]}`);
    }
  }
  const margin = await worstDifference({
    name: "margin",
    shapes: [["B", 3]],
    positive: true,
    ours: ([p]) => marginLoss(p as Tensor, (p as Tensor).graph.floats([1, 0, 1], [1, 3])),
  });
  t.ok(margin < 1e-8, `${margin}`);
});
