/**
 * A gated recurrent unit over all steps of a sequence as one operation (Cho et al. 2014, in the form of
 * cuDNN, torch and the ONNX operator with linear_before_reset = 1: the reset gate comes after the product).
 *
 *   r = σ(x Wr + h Ur + br)    z = σ(x Wz + h Uz + bz)    c = tanh(x Wc + bc + r ⊙ q),  q = h Uc + bq
 *   h_t = h + u ⊙ (c - h)      u = m ⊙ (1 - z), so that a step with mask m = 0 carries the state on
 *
 * Backward, with D_t the gradient of h_t from all that follows and e = 1 - c²:
 *   K = [u e q r (1 - r); u (h - c) z; u e r]     G_t = K_t ⊙ D_t           (gates r, z and q)
 *   D_(t-1) = dy_(t-1) + U G_t + (1 - u_t) ⊙ D_t
 * K holds no D, so it is computed for all steps at once, and a step is a product and three passes over
 * the state; dU, dW and dx are one product each over the gradients of all steps.
 *
 * Inside, a state is [H, B], not [B, H]: every product then has a transposed first operand, which is the
 * form whose bits do not depend on the number of threads (see `matmul.ts`).
 */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims, sameShape } from "../shape.ts";
import { lastAxisSum, sigmoid, tanh } from "./activation.ts";
import { reshaped } from "./broadcast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { concat, slice, transpose } from "./layout.ts";

/** Gates stand in the order r, z, c. */
export interface GruWeights {
  /** W, [d, 3H]. */
  readonly input: Tensor;
  /** b, [3H]. */
  readonly bias: Tensor;
  /** U, [H, 3H]. */
  readonly recurrent: Tensor;
  /** bq, [H]. */
  readonly recurrentBias: Tensor;
}

/** What the backward pass reads of the forward pass, each [H, T*B] with steps outside samples. */
interface Trace {
  readonly states: readonly Tensor[];
  readonly r: Tensor;
  readonly z: Tensor;
  readonly c: Tensor;
  readonly q: Tensor;
  readonly u: Tensor;
}

interface Sizes {
  readonly batch: Dim;
  readonly steps: number;
  readonly inputs: number;
  readonly width: number;
  /** T*B. */
  readonly rows: Dim;
}

function sizesOf(x: Tensor, w: GruWeights, mask: Tensor | undefined): Sizes {
  const g: Graph = x.graph;
  const [batch, steps, inputs] = x.shape;
  const width = w.recurrent.shape[0];
  if (x.shape.length !== 3 || typeof inputs !== "number" || typeof width !== "number")
    return g.fail("gru", `[B, T, d] with a fixed d wanted, got ${x}`);
  if (typeof steps !== "number") return g.fail("gru", `a fixed number of steps wanted, got ${x}`);
  const wanted: readonly (readonly [Tensor, readonly number[]])[] = [
    [w.input, [inputs, 3 * width]],
    [w.bias, [3 * width]],
    [w.recurrent, [width, 3 * width]],
    [w.recurrentBias, [width]],
  ];
  for (const [part, shape] of wanted)
    if (!sameShape(part.shape, shape)) g.fail("gru", `[${shape}] wanted, got ${part}`);
  if (mask !== undefined && !sameShape(mask.shape, [batch as Dim, steps]))
    g.fail("gru", `the mask ${mask} does not fit ${x}`);
  if (mask?.tracked === true) g.fail("gru", `the mask ${mask} cannot have a gradient`);
  return { batch: batch as Dim, steps, inputs, width, rows: multiplyDims(steps, batch as Dim) };
}

/** op(a) op(b) + c as one node; c broadcasts to the result. */
function gemm(a: Tensor, b: Tensor, c: Tensor | undefined, transB: boolean): Tensor {
  const n = b.shape[transB ? 0 : 1] as Dim;
  const attributes = { transA: { int: 1 }, transB: { int: transB ? 1 : 0 } };
  const inputs = c === undefined ? [a, b] : [a, b, c];
  return a.graph.emit("Gemm", inputs, [a.shape[1] as Dim, n], { attributes });
}

/** [n, T*B] -> T of [n, B]. */
function stepsOf(x: Tensor, { steps, batch }: Sizes): readonly Tensor[] {
  if (steps === 1) return [x];
  const shapes = Array.from({ length: steps }, () => [x.shape[0] as Dim, batch]);
  return x.graph.emitMany("Split", [x], shapes, { attributes: { axis: { int: 1 } } });
}

/**
 * A matrix transposed for good: through a third axis, as the runtime's optimizer would take a plain
 * transpose next to a Gemm out again, and with it the form of the product that was chosen.
 */
function turned(x: Tensor): Tensor {
  const [m, n] = x.shape as [Dim, Dim];
  return reshaped(transpose(reshaped(x, [1, m, n]), [0, 2, 1]), [n, m]);
}

/** [B, T, n] -> [T*B, n]. */
function timeMajor(x: Tensor, { rows }: Sizes): Tensor {
  return reshaped(transpose(x, [1, 0, 2]), [rows, x.shape[2] as Dim]);
}

/** x W + b of all steps and some gates, [gates, T*B]. */
function projected(rows: Tensor, w: GruWeights, from: number, to: number): Tensor {
  const bias = reshaped(slice(w.bias, 0, from, to), [to - from, 1]);
  return gemm(slice(w.input, 1, from, to), rows, bias, true);
}

function forward(x: Tensor, w: GruWeights, mask: Tensor | undefined, sizes: Sizes): Trace {
  const g = x.graph;
  const { width: H, batch, rows } = sizes;
  const input = timeMajor(x, sizes);
  const gateInputs = stepsOf(projected(input, w, 0, 2 * H), sizes);
  const candidateInputs = stepsOf(projected(input, w, 2 * H, 3 * H), sizes);
  const masks =
    mask === undefined ? [] : stepsOf(reshaped(transpose(mask, [1, 0]), [1, rows]), sizes);
  const gateWeights = slice(w.recurrent, 1, 0, 2 * H);
  const candidateWeights = slice(w.recurrent, 1, 2 * H, 3 * H);
  const bias = reshaped(w.recurrentBias, [H, 1]);
  const states = [g.emit("Expand", [g.scalar(0), g.shapeTensor([H, batch])], [H, batch])];
  const seen = { gates: [] as Tensor[], c: [] as Tensor[], q: [] as Tensor[], u: [] as Tensor[] };
  for (const [t, gateInput] of gateInputs.entries()) {
    const h = states[t] as Tensor;
    const gates = sigmoid(gemm(gateWeights, h, gateInput, false));
    const [r, z] = g.emitMany("Split", [gates], [h.shape, h.shape], {
      attributes: { axis: { int: 0 } },
    }) as [Tensor, Tensor];
    const q = gemm(candidateWeights, h, bias, false);
    const c = tanh(add(candidateInputs[t] as Tensor, mul(r, q)));
    const open = sub(g.scalar(1), z);
    const u = masks[t] === undefined ? open : mul(open, masks[t]);
    states.push(add(h, mul(u, sub(c, h))));
    seen.gates.push(gates);
    seen.c.push(c);
    seen.q.push(q);
    seen.u.push(u);
  }
  const gates = concat(seen.gates, 1);
  return {
    states,
    r: slice(gates, 0, 0, H),
    z: slice(gates, 0, H, 2 * H),
    c: concat(seen.c, 1),
    q: concat(seen.q, 1),
    u: concat(seen.u, 1),
  };
}

/** K and u e, [3H, T*B] and [H, T*B]. */
function coefficients({ states, r, z, c, q, u }: Trace): { gates: Tensor; candidate: Tensor } {
  const one = c.graph.scalar(1);
  const before = concat(states.slice(0, -1), 1);
  const candidate = mul(u, sub(one, mul(c, c)));
  const ofQ = mul(candidate, r);
  const ofR = mul(mul(ofQ, q), sub(one, r));
  const ofZ = mul(mul(u, z), sub(before, c));
  return { gates: concat([ofR, ofZ, ofQ], 0), candidate };
}

/** G and D of all steps, [3H, T*B] and [H, T*B]. */
function backThroughTime(
  dy: Tensor,
  trace: Trace,
  coefficient: Tensor,
  recurrent: Tensor,
  sizes: Sizes,
): { gates: Tensor; state: Tensor } {
  const g = dy.graph;
  const { width: H, batch, steps, rows } = sizes;
  const slopes = stepsOf(coefficient, sizes);
  const arriving = stepsOf(reshaped(transpose(dy, [2, 1, 0]), [H, rows]), sizes);
  const kept = stepsOf(sub(g.scalar(1), trace.u), sizes);
  const transposed = turned(recurrent);
  const gates: Tensor[] = [];
  const state: Tensor[] = [];
  let d = arriving[steps - 1] as Tensor;
  for (let t = steps - 1; t >= 0; t--) {
    const slope = reshaped(slopes[t] as Tensor, [3, H, batch]);
    const gate = reshaped(mul(slope, d), [3 * H, batch]);
    gates.unshift(gate);
    state.unshift(d);
    if (t === 0) break;
    const through = gemm(transposed, gate, mul(d, kept[t] as Tensor), false);
    d = add(arriving[t - 1] as Tensor, through);
  }
  return { gates: concat(gates, 1), state: concat(state, 1) };
}

/**
 * States after every step, [B, T, H], for x [B, T, d] from a state of zeros; T is unrolled. `mask` [B, T]
 * without gradient: where it is 0 the state is carried on unchanged, so that after padding at the end
 * the last step holds the state after the last real one.
 */
export function gru(x: Tensor, w: GruWeights, mask?: Tensor): Tensor {
  const g: Graph = x.graph;
  const sizes = sizesOf(x, w, mask);
  const { width: H, batch, steps } = sizes;
  const trace = g.withoutGradient(() => forward(x, w, mask, sizes));
  const y = g.withoutGradient(() =>
    transpose(reshaped(concat(trace.states.slice(1), 0), [steps, H, batch]), [2, 0, 1]),
  );
  return g.record(y, [x, w.input, w.bias, w.recurrent, w.recurrentBias], (dy) => {
    const slopes = coefficients(trace);
    const { gates, state } = backThroughTime(dy, trace, slopes.gates, w.recurrent, sizes);
    const candidate = mul(state, slopes.candidate);
    const inward = concat([slice(gates, 0, 0, 2 * H), candidate], 0); // [3H, T*B]
    const sums = (u: Tensor, width: number) => reshaped(lastAxisSum(u), [width]);
    return [
      () => {
        const dx = gemm(inward, w.input, undefined, true); // [T*B, d]
        return transpose(reshaped(dx, [steps, batch, sizes.inputs]), [1, 0, 2]);
      },
      () => gemm(timeMajor(x, sizes), inward, undefined, true),
      () => sums(inward, 3 * H),
      () => {
        const before = concat(trace.states.slice(0, -1), 1); // [H, T*B]
        const across = g.emit("Gemm", [gates, before], [3 * H, H], {
          attributes: { transB: { int: 1 } },
        });
        return turned(across);
      },
      () => sums(slice(gates, 0, 2 * H, 3 * H), H),
    ];
  });
}
