/** Attention and losses, beside the same functions in tfjs. */
import * as tf from "@tensorflow/tfjs";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { attention } from "../../engine/ops/attention.ts";
import type { AttentionOptions } from "../../engine/ops/attention-options.ts";
import { classLoss } from "../../engine/ops/class-loss.ts";
import { binaryLoss, softmaxLoss } from "../../engine/ops/losses.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Case } from "./check-gradient.ts";

type T = Tensor;
type O = tf.Tensor;
type Three<X> = readonly [X, X, X];

const HEADS: Shape = ["B", 2, "L", 4];

function attentionOracle([q, k, v]: readonly O[], bias?: O, mask?: O): O {
  const scores = tf.matMul(q as O, k as O, false, true).mul(1 / 2);
  const p = tf.softmax(bias === undefined ? scores : scores.add(bias));
  return tf.matMul(mask === undefined ? p : p.mul(mask), v as O);
}

const attended = (name: string, more: Partial<Case>): Case => ({
  name,
  shapes: [HEADS, HEADS, HEADS],
  ours: (x) => attention(...(x as unknown as Three<T>)),
  oracle: (x) => attentionOracle(x),
  ...more,
});

/** Hides the second key of the first sample and the last two of the second. */
const BIAS = [0, -1e9, 0, 0, -1e9, -1e9];
const CAUSAL = [0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0];
const MASK = [2, 0, 2, 0, 2, 2, 2, 2, 0];

export const attentions: Case[] = [
  attended("attention", {}),
  attended("attention in standard operators", { fused: false }),
  attended("attention with fewer queries than keys", { shapes: [["B", 2, 1, 4], HEADS, HEADS] }),
  attended("attention with padding", {
    ours: (x) => {
      const [q, k, v] = x as unknown as Three<T>;
      return attention(q, k, v, { bias: q.graph.floats(BIAS, [2, 1, 1, 3]) });
    },
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    oracle: (x) => attentionOracle(x, tf.tensor(BIAS, [2, 1, 1, 3])),
  }),
  attended("attention with a causal bias", {
    ours: (x) => {
      const [q, k, v] = x as unknown as Three<T>;
      return attention(q, k, v, { bias: q.graph.floats(CAUSAL, [1, 1, 3, 3]) });
    },
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    oracle: (x) => attentionOracle(x, tf.tensor(CAUSAL, [1, 1, 3, 3])),
  }),
  attended("attention with dropout of weights", {
    ours: (x) => {
      const [q, k, v] = x as unknown as Three<T>;
      return attention(q, k, v, { mask: q.graph.floats(MASK, [1, 1, 3, 3]) });
    },
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    oracle: (x) => attentionOracle(x, undefined, tf.tensor(MASK, [1, 1, 3, 3])),
  }),
];

const FIXED: readonly Shape[] = [
  [2, 2, 3, 4],
  [2, 2, 3, 4],
  [2, 2, 3, 4],
];
/** One value per head and score. */
const HEAD_MASK = Array.from({ length: 36 }, (_, i) => (i % 5 === 0 ? 0 : 1.25));

const options = (
  name: string,
  make: (g: Graph) => AttentionOptions,
  oracle: Case["oracle"],
): Case =>
  attended(name, {
    shapes: FIXED,
    ours: ([q, k, v]) => attention(q as T, k as T, v as T, make((q as T).graph)),
    ...(oracle && { oracle }),
  });

/** Padding, the future and dropout at once, in chunks and not. */
const all = (x: readonly O[]) => {
  const hidden = tf.tensor(BIAS, [2, 1, 1, 3]).add(tf.tensor(CAUSAL, [1, 1, 3, 3]));
  return attentionOracle(x, hidden, tf.tensor(HEAD_MASK, [2, 2, 3, 3]));
};
const together = (g: Graph) => ({
  bias: g.floats(BIAS, [2, 1, 1, 3]),
  mask: g.floats(HEAD_MASK, [2, 2, 3, 3]),
  causal: true,
});

export const chunkedAttentions: Case[] = [
  attended("attention in chunks", {
    ours: ([q, k, v]) => attention(q as T, k as T, v as T, { chunked: true }),
  }),
  attended("attention in chunks in standard operators", {
    fused: false,
    ours: ([q, k, v]) => attention(q as T, k as T, v as T, { chunked: true }),
  }),
  attended("attention in chunks with fewer queries than keys", {
    shapes: [["B", 2, 1, 4], HEADS, HEADS],
    ours: ([q, k, v]) => attention(q as T, k as T, v as T, { chunked: true }),
  }),
  options("causal attention with padding and dropout", together, all),
  options(
    "causal attention with padding and dropout in chunks",
    (g) => ({ ...together(g), chunked: true }),
    all,
  ),
  attended("causal attention in chunks", {
    ours: ([q, k, v]) => attention(q as T, k as T, v as T, { chunked: true, causal: true }),
    oracle: (x) => attentionOracle(x, tf.tensor(CAUSAL, [1, 1, 3, 3])),
  }),
];

const TARGETS = [1, 0, 0, 1, 1, 0, 0, 0, 1];
const ONE_HOT = [1, 0, 0, 0, 0, 1, 0, 1, 0];
const WEIGHTS = [1, 0, 2];

const loss = (name: string, ours: (z: T) => T, oracle: (z: O) => O): Case => ({
  name,
  shapes: [[3, 3]],
  ours: ([z]) => ours(z as T),
  oracle: ([z]) => oracle(z as O),
});

function weighting(z: T) {
  return { weight: z.graph.floats(WEIGHTS, [3, 1]), total: z.graph.scalar(3) };
}

const CLASSES = Int32Array.of(0, 2, 1);

export const losses: Case[] = [
  loss(
    "classLoss with a row left out",
    (z) => classLoss(z, z.graph.constant(CLASSES, [3], "int32"), weighting(z)),
    (z) => {
      const each = tf.logSoftmax(z).mul(tf.oneHot(tf.tensor1d([...CLASSES], "int32"), 3));
      return each
        .mul(tf.tensor(WEIGHTS, [3, 1]))
        .sum()
        .div(-3);
    },
  ),
  loss(
    "binaryLoss with a sample left out",
    (z) => binaryLoss(z, z.graph.floats(TARGETS, [3, 3]), weighting(z)),
    (z) => {
      const each = tf.softplus(z).sub(tf.tensor(TARGETS, [3, 3]).mul(z));
      return each
        .mul(tf.tensor(WEIGHTS, [3, 1]))
        .sum()
        .div(9);
    },
  ),
  loss(
    "softmaxLoss with a sample left out",
    (z) => softmaxLoss(z, z.graph.floats(ONE_HOT, [3, 3]), weighting(z)),
    (z) => {
      const each = tf
        .logSoftmax(z)
        .mul(tf.tensor(ONE_HOT, [3, 3]))
        .sum(1, true)
        .neg();
      return each
        .mul(tf.tensor(WEIGHTS, [3, 1]))
        .sum()
        .div(3);
    },
  ),
];
