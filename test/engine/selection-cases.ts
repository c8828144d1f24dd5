/** Operations that pick, mask, reduce and normalise, beside the same functions in tfjs. */
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "../../engine/graph.ts";
import { logSoftmax, softmax, softplus } from "../../engine/ops/activation.ts";
import { mul, stopGradient } from "../../engine/ops/elementwise.ts";
import { gatherRows, pick, takeRows } from "../../engine/ops/indexing.ts";
import { l2Normalise } from "../../engine/ops/normalization.ts";
import { cumulativeSum, maskedMean, maskedSum, max } from "../../engine/ops/reduction.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Case } from "./check-gradient.ts";

type T = Tensor;
type O = tf.Tensor;

const cube = (name: string, ours: (x: T) => T, oracle: (x: O) => O, shape?: Shape): Case => ({
  name,
  shapes: [shape ?? ["B", "L", 4]],
  ours: ([x]) => ours(x as T),
  oracle: ([x]) => oracle(x as O),
});

const ints = (x: T, values: readonly number[], shape: readonly number[] = [values.length]) =>
  x.graph.constant(Int32Array.from(values), shape, "int32");

/** Every position once, twice and never. */
const ROWS = [4, 0, 2, 2, 5, 0, 0];
const MASK = [1, 0, 1, 0, 0, 0];

function maskedOracle(x: O, isMean: boolean): O {
  const mask = tf.tensor(MASK, [2, 3, 1]);
  const total = x.mul(mask).sum(1);
  return isMean ? total.div(tf.maximum(mask.sum(1), 1)) : total;
}

export const selections: Case[] = [
  cube("softplus", softplus, (x) => tf.softplus(x)),
  cube(
    "logSoftmax",
    (x) => logSoftmax(x),
    (x) => tf.logSoftmax(x),
  ),
  cube(
    "softmax over a middle axis",
    (x) => softmax(x, 1),
    (x) => tf.softmax(x.transpose([0, 2, 1])).transpose([0, 2, 1]),
  ),
  cube(
    "logSoftmax over the first axis",
    (x) => logSoftmax(x, 0),
    (x) => tf.logSoftmax(x.transpose([2, 1, 0])).transpose([2, 1, 0]),
  ),
  cube(
    "l2Normalise",
    (x) => l2Normalise(x),
    (x) => x.div(x.square().sum(-1, true).sqrt()),
  ),
  cube(
    "max over the last axis",
    (x) => max(x, 2),
    (x) => x.max(2),
  ),
  cube(
    "max over a middle axis, kept",
    (x) => max(x, 1, { keep: true }),
    (x) => x.max(1, true),
  ),
  cube(
    "cumulativeSum",
    (x) => cumulativeSum(x, 1),
    // tfjs's own gradient over a middle axis fails
    (x) => tf.cumsum(x.transpose([0, 2, 1]), 2).transpose([0, 2, 1]),
  ),
  cube(
    "cumulativeSum from the end without the element itself",
    (x) => cumulativeSum(x, 2, { reverse: true, exclusive: true }),
    (x) => tf.cumsum(x, 2, true, true),
  ),
  cube(
    "maskedSum",
    (x) => maskedSum(x, x.graph.floats(MASK, [2, 3]), 1),
    (x) => maskedOracle(x, false),
    [2, 3, 4],
  ),
  cube(
    "maskedMean with nothing left in one sample",
    (x) => maskedMean(x, x.graph.floats(MASK, [2, 3]), 1),
    (x) => maskedOracle(x, true),
    [2, 3, 4],
  ),
  cube(
    "rows of a computed matrix, some twice",
    (x) => takeRows(mul(x, x), ints(x, ROWS)),
    (x) => tf.gather(x.square(), tf.tensor1d(ROWS, "int32")),
    ["B*L", 4],
  ),
  cube(
    "rows by a matrix of ids",
    (x) => takeRows(x, ints(x, ROWS.slice(1), [3, 2])),
    (x) => tf.gather(x, tf.tensor2d(ROWS.slice(1), [3, 2], "int32")),
    ["B*L", 4],
  ),
  cube(
    "picking a row per sample",
    (x) => pick(x, ints(x, [2, 0])),
    (x) => tf.stack([x.slice([0, 2, 0], [1, 1, 4]), x.slice([1, 0, 0], [1, 1, 4])]).reshape([2, 4]),
    [2, "L", 4],
  ),
  cube(
    "picking a class per sample",
    (x) => pick(x, ints(x, [3, 1])),
    (x) => tf.stack([x.slice([0, 3], [1, 1]), x.slice([1, 1], [1, 1])]).reshape([2]),
    [2, 4],
  ),
  {
    // f(x) = x · stop(x) has the gradient stop(x), as if the second operand were another variable.
    name: "stopGradient",
    shapes: [[3], [3]],
    float64: false,
    ours: ([x, y]) => mul(mul(x as T, stopGradient(x as T)), y as T),
    oracle: ([x, y]) => (x as O).mul((x as O).clone().arraySync() as number[]).mul(y as O),
  },
  {
    name: "rows of a frozen computed matrix",
    shapes: [[3]],
    ours: ([x]) => {
      const g = (x as T).graph;
      const table = mul(g.floats([1, 2, 3, 4, 5, 6], [2, 3]), g.scalar(2));
      return mul(gatherRows(table, ints(x as T, [1, 0, 1])), x as T);
    },
    oracle: ([x]) =>
      (x as O).mul(
        tf.gather(tf.tensor([2, 4, 6, 8, 10, 12], [2, 3]), tf.tensor1d([1, 0, 1], "int32")),
      ),
  },
];
