/** Every operation with a gradient rule, beside the same function in tfjs. */
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "../../engine/graph.ts";
import { gelu, relu, sigmoid, softmax, tanh } from "../../engine/ops/activation.ts";
import {
  abs,
  add,
  div,
  exp,
  log,
  mul,
  neg,
  scale,
  shift,
  sin,
  sqrt,
  sub,
} from "../../engine/ops/elementwise.ts";
import { concat, expand, reshape, slice, transpose } from "../../engine/ops/layout.ts";
import { affine, matmul } from "../../engine/ops/matmul.ts";
import { layerNorm } from "../../engine/ops/normalization.ts";
import { mean, sum } from "../../engine/ops/reduction.ts";
import type { Shape } from "../../engine/shape.ts";
import { attentions, chunkedAttentions, losses } from "./attention-and-loss-cases.ts";
import type { Case } from "./check-gradient.ts";
import { recurrences } from "./recurrent-cases.ts";
import { selections } from "./selection-cases.ts";

type T = Tensor;
type O = tf.Tensor;
type Three<X> = readonly [X, X, X];

const unary = (
  name: string,
  ours: (x: T) => T,
  oracle: (x: O) => O,
  more: Partial<Case> = {},
): Case => ({
  name,
  shapes: [["B*L", 4]],
  ours: ([x]) => ours(x as T),
  oracle: ([x]) => oracle(x as O),
  ...more,
});

const elementwise: Case[] = [
  unary("neg", neg, tf.neg),
  unary("exp", exp, tf.exp),
  unary("log", log, tf.log, { positive: true }),
  unary("sqrt", sqrt, tf.sqrt, { positive: true }),
  unary("abs", abs, tf.abs),
  unary("sin", sin, tf.sin),
  unary(
    "scale",
    (x) => scale(x, -2.5),
    (x) => x.mul(-2.5),
  ),
  unary(
    "shift",
    (x) => shift(x, 0.5),
    (x) => x.add(0.5),
  ),
  unary("relu", relu, tf.relu),
  unary("sigmoid", sigmoid, tf.sigmoid),
  unary("tanh", tanh, tf.tanh),
  unary("softmax", softmax, (x) => tf.softmax(x)),
  unary("gelu", gelu, (x) => erfGelu(x), { float64: false }),
  unary("gelu in standard operators", gelu, (x) => erfGelu(x), { float64: false, fused: false }),
  unary(
    "a value used three times",
    (x) => add(mul(x, x), tanh(x)),
    (x) => x.mul(x).add(x.tanh()),
  ),
];

function erfGelu(x: O): O {
  return x.mul(x.mul(Math.SQRT1_2).erf().add(1).mul(0.5));
}

/** Every pair of shapes up to rank 3 in which one or both operands are broadcast. */
export function broadcastPairs(): [Shape, Shape][] {
  const full: Shape = ["B", "L", 4];
  const variants: Shape[] = [];
  for (let rank = 0; rank <= 3; rank++)
    for (let ones = 0; ones < 2 ** rank; ones++)
      variants.push(full.slice(3 - rank).map((dim, i) => ((ones >> i) & 1 ? 1 : dim)));
  return variants.flatMap((a) => variants.map((b): [Shape, Shape] => [a, b]));
}

const BINARY = {
  add: [add, tf.add],
  sub: [sub, tf.sub],
  mul: [mul, tf.mul],
  div: [div, tf.div],
} as const;

/** One case per elementwise operation and pair of shapes. */
export const broadcastCases: Case[] = Object.entries(BINARY).flatMap(([name, [ours, oracle]]) =>
  broadcastPairs().map(
    ([a, b]): Case => ({
      name: `${name} [${a}] [${b}]`,
      shapes: [a, b],
      positive: true,
      ours: ([x, y]) => ours(x as T, y as T),
      oracle: ([x, y]) => oracle(x as O, y as O),
    }),
  ),
);

const layout: Case[] = [
  unary(
    "reshape",
    (x) => reshape(x, ["B", "4*L"]),
    (x) => x.reshape([2, 12]),
  ),
  unary(
    "sum over rows",
    (x) => sum(x, [0]),
    (x) => x.sum(0),
  ),
  unary(
    "sum over everything",
    (x) => sum(x),
    (x) => x.sum(),
  ),
  unary(
    "sum with kept axis",
    (x) => sum(x, [1], { keep: true }),
    (x) => x.sum(1, true),
  ),
  unary(
    "mean over rows",
    (x) => mean(x, [0]),
    (x) => x.mean(0),
  ),
  unary(
    "mean over everything",
    (x) => mean(x),
    (x) => x.mean(),
  ),
  unary(
    "slice in the middle",
    (x) => slice(x, 1, 1, 3),
    (x) => x.slice([0, 1], [6, 2]),
  ),
  unary(
    "slice to a symbolic bound",
    (x) => slice(x, 0, 0, "L"),
    (x) => x.slice([0, 0], [3, 4]),
  ),
  unary(
    "slice from a symbolic bound",
    (x) => slice(x, 0, "L", "B*L"),
    (x) => x.slice([3, 0], [3, 4]),
  ),
  {
    name: "transpose",
    shapes: [["B", "L", 4]],
    ours: ([x]) => transpose(x as T, [2, 0, 1]),
    oracle: ([x]) => tf.transpose(x as O, [2, 0, 1]),
  },
  {
    name: "concat of symbolic widths",
    shapes: [
      ["B", "L", 4],
      ["B", 2, 4],
      ["B", "L", 4],
    ],
    ours: (x) => concat(x, 1),
    oracle: (x) => tf.concat([...x], 1),
  },
  {
    name: "expand",
    shapes: [["B", 1, 4]],
    ours: ([x]) => expand(x as T, ["B", "L", 4]),
    oracle: ([x]) => tf.broadcastTo(x as O, [2, 3, 4]),
  },
];

const pair = (
  name: string,
  a: Shape,
  b: Shape,
  ours: (a: T, b: T) => T,
  oracle: (a: O, b: O) => O,
): Case => ({
  name,
  shapes: [a, b],
  ours: ([x, y]) => ours(x as T, y as T),
  oracle: ([x, y]) => oracle(x as O, y as O),
});

function normalised([x, gain, bias]: readonly O[]): O {
  const { mean: m, variance } = tf.moments(x as O, 1, true);
  const unit = (x as O).sub(m).div(variance.add(1e-5).sqrt());
  return unit.mul(gain as O).add(bias as O);
}

const products: Case[] = [
  pair("matmul", ["B*L", 4], [4, 5], matmul, (a, b) => tf.matMul(a, b)),
  pair("matmul of batches", ["B", "L", 4], ["B", 4, 3], matmul, (a, b) => tf.matMul(a, b)),
  pair("matmul with one shared matrix", ["B", "L", 4], [4, 3], matmul, (a, b) =>
    tf.matMul(a, tf.broadcastTo(b, [2, 4, 3])),
  ),
  {
    name: "affine",
    shapes: [["B*L", 4], [4, 5], [5]],
    ours: (x) => affine(...(x as unknown as Three<T>)),
    oracle: (x) => tf.add(tf.matMul(x[0] as O, x[1] as O), x[2] as O),
  },
  {
    name: "affine over few rows",
    shapes: [["B", 4], [4, 5], [5]],
    ours: ([x, w, b]) => affine(x as T, w as T, b as T, { fewRows: true }),
    oracle: (x) => tf.add(tf.matMul(x[0] as O, x[1] as O), x[2] as O),
  },
  unary(
    "sum over a middle axis",
    (x) => sum(reshape(x, ["B", "L", 4]), [1]),
    (x) => x.reshape([2, 3, 4]).sum(1),
  ),
  unary(
    "sum over the outer axes",
    (x) => sum(reshape(x, ["B", "L", 4]), [0, 2]),
    (x) => x.reshape([2, 3, 4]).sum([0, 2]),
  ),
  {
    name: "a wide layerNorm",
    shapes: [["B", 130], [130], [130]],
    ours: (x) => layerNorm(...(x as unknown as Three<T>)),
    oracle: normalised,
  },
  {
    name: "layerNorm",
    shapes: [["B*L", 6], [6], [6]],
    ours: (x) => layerNorm(...(x as unknown as Three<T>)),
    oracle: normalised,
  },
];

export const cases: Case[] = [
  ...elementwise,
  ...layout,
  ...products,
  ...attentions,
  ...chunkedAttentions,
  ...losses,
  ...selections,
  ...recurrences,
];
