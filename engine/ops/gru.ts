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
import { type Dim, multiplyDims } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import { repeated, reshaped } from "./broadcast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { forward, type Trace } from "./gru-forward.ts";
import {
  flat,
  type GruOptions,
  type GruWeights,
  gemm,
  type Sizes,
  sizesOf,
  stacked,
  stepsOf,
  timeMajor,
  turned,
} from "./gru-sizes.ts";
import { concat, slice, transpose } from "./layout.ts";
import { scan } from "./scan.ts";

export type { GruOptions, GruWeights } from "./gru-sizes.ts";

/** K and u e, [3H, T*B] and [H, T*B]. */
function coefficients({ before, r, z, c, q, u }: Trace): { gates: Tensor; candidate: Tensor } {
  const one = c.graph.scalar(1);
  const candidate = mul(u, sub(one, mul(c, c)));
  const ofQ = mul(candidate, r);
  const ofR = mul(mul(ofQ, q), sub(one, r));
  const ofZ = mul(mul(u, z), sub(before, c));
  return { gates: concat([ofR, ofZ, ofQ], 0), candidate };
}

/** What the way back reads step by step: K [3H, .], dy [H, .] and 1 - u [H, .], and Uᵀ [3H, H]. */
interface Backward {
  readonly slopes: Tensor;
  readonly arriving: Tensor;
  readonly kept: Tensor;
  readonly transposed: Tensor;
}

/** G_t = K_t ⊙ D_t, [3H, B]. */
function gateGradient(slope: Tensor, d: Tensor): Tensor {
  const [width, batch] = d.shape as [number, Dim];
  return reshaped(mul(reshaped(slope, [3, width, batch]), d), [3 * width, batch]);
}

/** G and D of all steps, [3H, T*B] and [H, T*B]. */
type WayBack = (b: Backward, sizes: Sizes) => { readonly gates: Tensor; readonly state: Tensor };

const unrolledBack: WayBack = ({ slopes, arriving, kept, transposed }, sizes) => {
  const [slope, dy, keep] = [slopes, arriving, kept].map((x) => stepsOf(x, sizes));
  const gates: Tensor[] = [];
  const state: Tensor[] = [];
  let d = dy?.at(-1) as Tensor;
  for (let t = (sizes.unrolled ?? 0) - 1; t >= 0; t--) {
    const gate = gateGradient(slope?.[t] as Tensor, d);
    gates.unshift(gate);
    state.unshift(d);
    if (t === 0) break;
    const through = gemm(transposed, gate, mul(d, keep?.[t] as Tensor), false);
    d = add(dy?.[t - 1] as Tensor, through);
  }
  return { gates: concat(gates, 1), state: concat(state, 1) };
};

const scannedBack: WayBack = ({ slopes, arriving, kept, transposed }, sizes) => {
  const g = slopes.graph;
  const { width: H, batch } = sizes;
  const inputs = [slopes, arriving, kept].map((x) => stacked(x, sizes));
  const nothing = repeated(g.scalar(0), [H, batch]);
  const back = { states: [nothing], inputs, reverse: true };
  const { outputs } = scan(g, back, (body, [later], slices) => {
    const [slope, dy, keep] = slices as [Tensor, Tensor, Tensor];
    const d = add(dy, later as Tensor);
    const gate = gateGradient(slope, d);
    const through = gemm(body.capture(transposed), gate, mul(d, keep), false);
    return { states: [through], outputs: [gate, d] };
  });
  const [gates, state] = outputs as [Tensor, Tensor];
  return { gates: flat(gates, sizes), state: flat(state, sizes) };
};

/**
 * [B, T, H] -> [T*H, B], as a matrix: the runtime is ten times slower to reverse three axes at once, and
 * would make one transpose of two that follow each other.
 */
function upright(x: Tensor, { batch, steps, width }: Sizes): Tensor {
  return transpose(reshaped(x, [batch, multiplyDims(steps, width)]), [1, 0]);
}

/**
 * States after every step, [B, T, H], for x [B, T, d] from a state of zeros. With a mask, the last step
 * holds the state after the last real one when padding is at the end.
 */
export function gru(x: Tensor, w: GruWeights, options: GruOptions = {}): Tensor {
  const g: Graph = x.graph;
  const sizes = sizesOf(x, w, options);
  const { width: H, batch, steps, inputs } = sizes;
  const trace = g.withoutGradient(() => forward(x, w, options.mask, sizes));
  const y = g.withoutGradient(() => transpose(trace.after, [2, 0, 1]));
  return g.record(y, [x, w.input, w.bias, w.recurrent, w.recurrentBias], (dy) => {
    const slopes = coefficients(trace);
    const back = sizes.unrolled === undefined ? scannedBack : unrolledBack;
    const arriving = flat(reshaped(upright(dy, sizes), [steps, H, batch]), sizes);
    const kept = sub(g.scalar(1), trace.u);
    const transposed = turned(w.recurrent);
    const { gates, state } = back({ slopes: slopes.gates, arriving, kept, transposed }, sizes);
    const candidate = mul(state, slopes.candidate);
    const inward = concat([slice(gates, 0, 0, 2 * H), candidate], 0); // [3H, T*B]
    const sums = (u: Tensor, width: number) => reshaped(lastAxisSum(u), [width]);
    return [
      () => {
        const dx = gemm(inward, w.input, undefined, true); // [T*B, d]
        return transpose(reshaped(dx, [steps, batch, inputs]), [1, 0, 2]);
      },
      () => gemm(timeMajor(x, sizes), inward, undefined, true),
      () => sums(inward, 3 * H),
      () => {
        const across = g.emit("Gemm", [gates, trace.before], [3 * H, H], {
          attributes: { transB: { int: 1 } },
        });
        return turned(across);
      },
      () => sums(slice(gates, 0, 2 * H, 3 * H), H),
    ];
  });
}
