/** The gated recurrent layer: parameters, masked steps, and the state after the last one. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { Graph } from "../../engine/graph.ts";
import { causalBias, paddingBias } from "../../engine/layers/attention-bias.ts";
import { gru, lastState } from "../../engine/layers/gru.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { Session } from "../../engine/runner.ts";
import { State } from "../../engine/state.ts";

const D = 3;
const H = 5;

/** The last state [B, H] of x [B, T, d] under a mask. */
async function last(x: Float32Array, mask: Float32Array, B: number, T: number) {
  const g = new Graph();
  const input = g.input("x", ["B", T, D]);
  const options = { batch: "B", steps: T, width: H, mask: g.input("mask", ["B", T]) };
  const y = lastState(gru(input, "gru", options));
  const session = await Session.create(toOnnx(g, [y]));
  const state = new State(g.parameters, Random.fromSeed(1));
  for (const name of state.names) session.hold(name, state.parameter(name));
  const results = await session.run({ x, mask }, { B });
  await session.release();
  return { values: results.get(y.name), parameters: state.parameterCount };
}

t.test("masked steps at the end change no bit, whatever stands there", async (t) => {
  const random = Random.fromSeed(2);
  const short = Float32Array.from({ length: 2 * 4 * D }, () => random.normal());
  const long = new Float32Array(2 * 7 * D).fill(1e6);
  for (let b = 0; b < 2; b++) long.set(short.subarray(b * 4 * D, (b + 1) * 4 * D), b * 7 * D);
  const mask = Float32Array.of(1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0);
  const all = await last(short, new Float32Array(8).fill(1), 2, 4);
  const padded = await last(long, mask, 2, 7);
  t.same(padded.values, all.values);
  const open = await last(long, new Float32Array(14).fill(1), 2, 7);
  t.notSame(open.values, all.values);
  t.equal(all.parameters, 3 * D * H + 3 * H * H + 4 * H);
});

t.test("a sequence without a step that counts has the state zero", async (t) => {
  const x = new Float32Array(2 * D).fill(3);
  t.same((await last(x, new Float32Array(2), 1, 2)).values, new Float32Array(H));
});

t.test("shapes that do not fit are refused", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B", 4, D]);
  const mask = g.input("mask", ["B", 3]);
  t.throws(
    () => gru(x, "a", { batch: "B", steps: 4, width: H, mask }),
    /a: gru: the mask mask \[B, 3\] does not fit/,
  );
  t.throws(() => gru(x, "b", { batch: "B", steps: 5, width: H }), /b: reshape/);
});

t.test("the causal bias hides what comes after, and padding", async (t) => {
  const g = new Graph();
  const causal = causalBias(g, "L");
  const both = add(causal, paddingBias(g.input("mask", ["B", "L"])));
  const session = await Session.create(toOnnx(g, [causal, both]));
  const results = await session.run({ mask: Float32Array.of(1, 1, 0) }, { B: 1, L: 3 });
  const visible = (values: Float32Array) => [...values].map((v) => (v === 0 ? 1 : 0));
  t.same(visible(results.get(causal.name) as Float32Array), [1, 0, 0, 1, 1, 0, 1, 1, 1]);
  t.same(visible(results.get(both.name) as Float32Array), [1, 0, 0, 1, 1, 0, 1, 1, 0]);
  await session.release();
});
