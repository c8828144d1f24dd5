/** Gradients of a small graph by our rules, by central differences in float64, and by tfjs. */
import * as tf from "@tensorflow/tfjs";
import { Random } from "../../core/random.ts";
import type { FloatType } from "../../engine/element.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
import { type DimValues, evaluateShape, type Shape } from "../../engine/shape.ts";

export interface Case {
  readonly name: string;
  /** Shapes of the differentiable operands. */
  readonly shapes: readonly Shape[];
  readonly ours: (leaves: readonly Tensor[]) => Tensor;
  /** The same function in tfjs. */
  readonly oracle?: (leaves: readonly tf.Tensor[]) => tf.Tensor;
  /** Operands are drawn from (0.5, 1.5) instead of (-1, 1): for logarithms, roots and divisors. */
  readonly positive?: boolean;
  /** False where the runtime has no float64 kernel. */
  readonly float64?: boolean;
  /** Whether to build without FusedMatMul. */
  readonly fused?: boolean;
}

export const DIMS: DimValues = { B: 2, L: 3 };

interface Evaluated {
  readonly y: Float64Array | Float32Array;
  readonly gradients: (Float64Array | Float32Array)[];
}

interface Built {
  readonly leaves: FeedArray[];
  readonly weights: FeedArray;
  readonly shapes: number[][];
  readonly run: () => Promise<Evaluated>;
  readonly release: () => Promise<void>;
}

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Builds a case, with operands and the weights of sum(y ⊙ w) drawn from a seed. */
export async function build(c: Case, dtype: FloatType, seed = 1): Promise<Built> {
  const random = Random.fromSeed(seed).derive(c.name);
  const next = () => (c.positive === true ? 0.5 + random.uniform() : 2 * random.uniform() - 1);
  const draw = (n: number) => {
    const values = dtype === "float64" ? new Float64Array(n) : new Float32Array(n);
    for (let i = 0; i < n; i++) values[i] = next();
    return values;
  };
  const g = new Graph({ dtype, fused: c.fused ?? true });
  const tensors = c.shapes.map((shape, i) => {
    const leaf = g.input(`x${i}`, shape);
    leaf.tracked = true;
    return leaf;
  });
  const y = c.ours(tensors);
  const w = g.input("w", y.shape);
  const found = gradients(y, w);
  const outputs = [y, ...tensors.map((leaf) => found.get(leaf) as Tensor)];
  // An output that is an input itself gets a node of its own.
  const nodes = outputs.map((output) => g.emit("Identity", [output], output.shape));
  const session = await Session.create(toOnnx(g, nodes));
  const shapes = c.shapes.map((shape) => evaluateShape(shape, DIMS));
  const leaves = shapes.map((shape) => draw(count(shape)));
  const weights = draw(count(evaluateShape(y.shape, DIMS)));
  const names = session.model.inputs.map((input) => input.name);
  const run = async () => {
    const all: Record<string, FeedArray> = { w: weights };
    for (const [i, values] of leaves.entries()) all[`x${i}`] = values;
    const feeds = Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
    const results = await session.run(feeds, DIMS);
    const values = nodes.map((node) => results.get(node.name) as Float64Array);
    return { y: values[0] as Float64Array, gradients: values.slice(1) };
  };
  return { leaves, weights, shapes, run, release: () => session.release() };
}

function weighted(y: ArrayLike<number>, w: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += (y[i] as number) * (w[i] as number);
  return sum;
}

/** Worst relative difference between our gradients and central differences, in float64; `spoil` may falsify ours first. */
export async function worstDifference(
  c: Case,
  spoil: (gradient: Float64Array) => void = () => {},
): Promise<number> {
  const built = await build(c, "float64");
  const ours = (await built.run()).gradients;
  const step = 1e-5;
  let worst = 0;
  for (const [i, leaf] of (built.leaves as Float64Array[]).entries()) {
    const gradient = ours[i] as Float64Array;
    spoil(gradient);
    for (let j = 0; j < leaf.length; j++) {
      const x = leaf[j] as number;
      leaf[j] = x + step;
      const up = weighted((await built.run()).y, built.weights as Float64Array);
      leaf[j] = x - step;
      const down = weighted((await built.run()).y, built.weights as Float64Array);
      leaf[j] = x;
      const numeric = (up - down) / (2 * step);
      const difference = Math.abs(numeric - (gradient[j] as number));
      worst = Math.max(worst, difference / Math.max(1, Math.abs(numeric)));
    }
  }
  await built.release();
  return worst;
}

/** Worst difference of values and gradients from tfjs, relative to the largest magnitude of each array. */
export async function worstAgainstOracle(c: Case): Promise<number> {
  const { oracle } = c;
  if (oracle === undefined) throw new Error(`${c.name}: no oracle`);
  await tf.setBackend("cpu");
  const built = await build(c, "float32");
  const { y, gradients: ours } = await built.run();
  const worst = tf.tidy(() => {
    const leaves = built.leaves.map((values, i) =>
      tf.variable(tf.tensor(values as Float32Array, built.shapes[i])),
    );
    const output = oracle(leaves);
    const weights = tf.tensor(built.weights as Float32Array, output.shape);
    const { grads } = tf.variableGrads(
      () => oracle(leaves).mul(weights).sum() as tf.Scalar,
      leaves,
    );
    const theirs = leaves.map((leaf) => grads[leaf.name]?.dataSync() ?? new Float32Array());
    const pairs: [ArrayLike<number>, ArrayLike<number>][] = [[y, output.dataSync()]];
    for (const [i, values] of theirs.entries()) pairs.push([ours[i] as Float32Array, values]);
    for (const leaf of leaves) leaf.dispose();
    return Math.max(...pairs.map(([a, b]) => relative(a, b)));
  });
  await built.release();
  return worst;
}

function relative(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let top = 1e-6;
  let worst = 0;
  for (let i = 0; i < ours.length; i++) {
    top = Math.max(top, Math.abs(theirs[i] as number));
    worst = Math.max(worst, Math.abs((ours[i] as number) - (theirs[i] as number)));
  }
  return worst / top;
}
