/** Recurrent operations, beside the same functions in tfjs, written step by step. */
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "../../engine/graph.ts";
import { type GruOptions, gru } from "../../engine/ops/gru.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Case } from "./check-gradient.ts";

type T = Tensor;
type O = tf.Tensor;

const B = 2;
const D = 3;
const H = 2;

/** models.md 0.5, literally. */
function oracle(leaves: readonly O[], steps: number, mask?: readonly number[]): O {
  const [x, w, b, u, bq] = leaves as [O, O, O, O, O];
  const gate = (i: number, of: O) => of.slice([0, i * H], [of.shape[0] as number, H]);
  const biasOf = (i: number) => b.slice([i * H], [H]);
  let h: O = tf.zeros([B, H]);
  const states: O[] = [];
  for (let t = 0; t < steps; t++) {
    const xt = x.slice([0, t, 0], [B, 1, D]).reshape([B, D]);
    const inward = (i: number) => tf.matMul(xt, gate(i, w)).add(biasOf(i));
    const r = tf.sigmoid(inward(0).add(tf.matMul(h, gate(0, u))));
    const z = tf.sigmoid(inward(1).add(tf.matMul(h, gate(1, u))));
    const c = tf.tanh(inward(2).add(r.mul(tf.matMul(h, gate(2, u)).add(bq))));
    const next = z.mul(h).add(tf.sub(1, z).mul(c));
    const m = tf.tensor(
      Array.from({ length: B }, (_, i) => mask?.[i * steps + t] ?? 1),
      [B, 1],
    );
    h = m.mul(next).add(tf.sub(1, m).mul(h));
    states.push(h);
  }
  return tf.stack(states, 1);
}

const weights: readonly Shape[] = [[D, 3 * H], [3 * H], [H, 3 * H], [H]];
const MASK = [1, 1, 0, 0, 1, 0, 1, 0.5];

const recurrent = (
  name: string,
  steps: number,
  batch: Shape[number],
  mask?: number[],
  more: GruOptions & { readonly length?: string } = {},
): Case => ({
  name,
  shapes: [[batch, more.length ?? steps, D], ...weights],
  ours: (x) => {
    const [input, w, b, u, bq] = x as [T, T, T, T, T];
    const parts = { input: w, bias: b, recurrent: u, recurrentBias: bq };
    return gru(input, parts, {
      form: more.form,
      mask: mask && input.graph.floats(mask, [B, steps]),
    });
  },
  oracle: (x) => oracle(x, steps, mask),
});

export const recurrences: Case[] = [
  recurrent("gru", 4, "B"),
  recurrent("gru of one step", 1, "B"),
  recurrent("gru with masked steps", 4, B, MASK),
  recurrent("scanned gru", 4, "B", undefined, { form: "scanned" }),
  recurrent("scanned gru with masked steps", 4, B, MASK, { form: "scanned" }),
  recurrent("scanned gru of a symbolic number of steps", 3, "B", undefined, { length: "L" }),
];
