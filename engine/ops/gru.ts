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
import { type Dim, multiplyDims, sameShape, subtractDims } from "../shape.ts";
import { lastAxisSum, sigmoid, tanh } from "./activation.ts";
import { reshaped } from "./broadcast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { concat, slice, transpose } from "./layout.ts";
import { scan } from "./scan.ts";

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

/** Longest sequence that is unrolled; beyond, and for a symbolic T, a Scan does the same steps. */
const UNROLLED = 64;

/** What the backward pass reads of the forward pass, [H, T*B] with steps outside samples, but for `after`. */
interface Trace {
  /** States before each step. */
  readonly before: Tensor;
  /** States after each step, [T, H, B]. */
  readonly after: Tensor;
  readonly r: Tensor;
  readonly z: Tensor;
  readonly c: Tensor;
  readonly q: Tensor;
  readonly u: Tensor;
}

interface Sizes {
  readonly batch: Dim;
  readonly steps: Dim;
  /** T where steps are unrolled. */
  readonly unrolled: number | undefined;
  readonly inputs: number;
  readonly width: number;
  /** T*B. */
  readonly rows: Dim;
}

function sizesOf(x: Tensor, w: GruWeights, { mask, form }: GruOptions): Sizes {
  const g: Graph = x.graph;
  const [batch, steps, inputs] = x.shape;
  const width = w.recurrent.shape[0];
  if (x.shape.length !== 3 || typeof inputs !== "number" || typeof width !== "number")
    return g.fail("gru", `[B, T, d] with a fixed d wanted, got ${x}`);
  const isShort = typeof steps === "number" && steps <= UNROLLED;
  if (form === "unrolled" && typeof steps !== "number")
    return g.fail("gru", `a fixed number of steps wanted to unroll, got ${x}`);
  const wanted: readonly (readonly [Tensor, readonly number[]])[] = [
    [w.input, [inputs, 3 * width]],
    [w.bias, [3 * width]],
    [w.recurrent, [width, 3 * width]],
    [w.recurrentBias, [width]],
  ];
  for (const [part, shape] of wanted)
    if (!sameShape(part.shape, shape)) g.fail("gru", `[${shape}] wanted, got ${part}`);
  if (mask !== undefined && !sameShape(mask.shape, [batch as Dim, steps as Dim]))
    g.fail("gru", `the mask ${mask} does not fit ${x}`);
  if (mask?.tracked === true) g.fail("gru", `the mask ${mask} cannot have a gradient`);
  return {
    batch: batch as Dim,
    steps: steps as Dim,
    unrolled: form === "unrolled" || (form === undefined && isShort) ? Number(steps) : undefined,
    inputs,
    width,
    rows: multiplyDims(steps as Dim, batch as Dim),
  };
}

/** op(a) op(b) + c as one node; c broadcasts to the result. */
function gemm(a: Tensor, b: Tensor, c: Tensor | undefined, transB: boolean): Tensor {
  const n = b.shape[transB ? 0 : 1] as Dim;
  const attributes = { transA: { int: 1 }, transB: { int: transB ? 1 : 0 } };
  const inputs = c === undefined ? [a, b] : [a, b, c];
  return a.graph.emit("Gemm", inputs, [a.shape[1] as Dim, n], { attributes });
}

/** [n, T*B] -> T of [n, B]. */
function stepsOf(x: Tensor, { unrolled, batch }: Sizes): readonly Tensor[] {
  if (unrolled === 1) return [x];
  const shapes = Array.from({ length: unrolled ?? 0 }, () => [x.shape[0] as Dim, batch]);
  return x.graph.emitMany("Split", [x], shapes, { attributes: { axis: { int: 1 } } });
}

/** [n, T*B] -> [T, n, B]. */
function stacked(x: Tensor, { steps, batch }: Sizes): Tensor {
  return transpose(reshaped(x, [x.shape[0] as Dim, steps, batch]), [1, 0, 2]);
}

/** [T, n, B] -> [n, T*B]. */
function flat(x: Tensor, { rows }: Sizes): Tensor {
  return reshaped(transpose(x, [1, 0, 2]), [x.shape[1] as Dim, rows]);
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

/** What one step needs beside its inputs. */
interface StepWeights {
  /** U of gates r and z, [H, 2H], and of the candidate, [H, H]. */
  readonly gates: Tensor;
  readonly candidate: Tensor;
  /** bq, [H, 1]. */
  readonly bias: Tensor;
}

/** One step from h [H, B] and the projected inputs, [2H, B] and [H, B]; m is [1, B]. */
function step(w: StepWeights, h: Tensor, gateInput: Tensor, candidateInput: Tensor, m?: Tensor) {
  const gates = sigmoid(gemm(w.gates, h, gateInput, false));
  const [r, z] = h.graph.emitMany("Split", [gates], [h.shape, h.shape], {
    attributes: { axis: { int: 0 } },
  }) as [Tensor, Tensor];
  const q = gemm(w.candidate, h, w.bias, false);
  const c = tanh(add(candidateInput, mul(r, q)));
  const open = sub(h.graph.scalar(1), z);
  const u = m === undefined ? open : mul(open, m);
  return { gates, c, q, u, next: add(h, mul(u, sub(c, h))) };
}

function forward(x: Tensor, w: GruWeights, mask: Tensor | undefined, sizes: Sizes): Trace {
  const g = x.graph;
  const { width: H, batch, rows } = sizes;
  const input = timeMajor(x, sizes);
  const read = [projected(input, w, 0, 2 * H), projected(input, w, 2 * H, 3 * H)];
  if (mask !== undefined) read.push(reshaped(transpose(mask, [1, 0]), [1, rows]));
  const weights = {
    gates: slice(w.recurrent, 1, 0, 2 * H),
    candidate: slice(w.recurrent, 1, 2 * H, 3 * H),
    bias: reshaped(w.recurrentBias, [H, 1]),
  };
  const start = g.emit("Expand", [g.scalar(0), g.shapeTensor([H, batch])], [H, batch]);
  const walk = sizes.unrolled === undefined ? scanned : unrolled;
  const { gates, ...trace } = walk(weights, start, read, sizes);
  return { ...trace, r: slice(gates, 0, 0, H), z: slice(gates, 0, H, 2 * H) };
}

type Walk = (
  w: StepWeights,
  start: Tensor,
  read: readonly Tensor[],
  sizes: Sizes,
) => Omit<Trace, "r" | "z"> & { readonly gates: Tensor };

const unrolled: Walk = (w, start, read, sizes) => {
  const [gateInputs, candidateInputs, masks] = read.map((x) => stepsOf(x, sizes));
  const states = [start];
  const seen = { gates: [] as Tensor[], c: [] as Tensor[], q: [] as Tensor[], u: [] as Tensor[] };
  for (const [t, gateInput] of (gateInputs ?? []).entries()) {
    const h = states[t] as Tensor;
    const made = step(w, h, gateInput, candidateInputs?.[t] as Tensor, masks?.[t]);
    states.push(made.next);
    for (const name of ["gates", "c", "q", "u"] as const) seen[name].push(made[name]);
  }
  const { width: H, batch, steps } = sizes;
  return {
    before: concat(states.slice(0, -1), 1),
    after: reshaped(concat(states.slice(1), 0), [steps, H, batch]),
    gates: concat(seen.gates, 1),
    c: concat(seen.c, 1),
    q: concat(seen.q, 1),
    u: concat(seen.u, 1),
  };
};

const scanned: Walk = (w, start, read, sizes) => {
  const inputs = read.map((x) => stacked(x, sizes));
  const { outputs } = scan(start.graph, { states: [start], inputs }, (body, [h], slices) => {
    const [gateInput, candidateInput, m] = slices as [Tensor, Tensor, Tensor?];
    const inside = {
      gates: body.capture(w.gates),
      candidate: body.capture(w.candidate),
      bias: body.capture(w.bias),
    };
    const { next, gates, c, q, u } = step(inside, h as Tensor, gateInput, candidateInput, m);
    return { states: [next], outputs: [next, gates, c, q, u] };
  });
  const [after, gates, c, q, u] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const { width: H, batch, steps } = sizes;
  const earlier = slice(after, 0, 0, subtractDims(steps, 1));
  const before = concat([reshaped(start, [1, H, batch]), earlier], 0);
  const columns = (x: Tensor) => flat(x, sizes);
  return {
    before: columns(before),
    after,
    gates: columns(gates),
    c: columns(c),
    q: columns(q),
    u: columns(u),
  };
};

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
  const nothing = g.emit("Expand", [g.scalar(0), g.shapeTensor([H, batch])], [H, batch]);
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

export interface GruOptions {
  /** [B, T], without gradient: where it is 0 the state is carried on unchanged. */
  readonly mask?: Tensor | undefined;
  /** Default: unrolled for a fixed T up to 64, else scanned. The values are the same but for rounding. */
  readonly form?: "unrolled" | "scanned" | undefined;
}

/**
 * States after every step, [B, T, H], for x [B, T, d] from a state of zeros. With a mask, the last step
 * holds the state after the last real one when padding is at the end.
 */
export function gru(x: Tensor, w: GruWeights, options: GruOptions = {}): Tensor {
  const g: Graph = x.graph;
  const sizes = sizesOf(x, w, options);
  const { width: H, batch, steps, inputs, rows } = sizes;
  const trace = g.withoutGradient(() => forward(x, w, options.mask, sizes));
  const y = g.withoutGradient(() => transpose(trace.after, [2, 0, 1]));
  return g.record(y, [x, w.input, w.bias, w.recurrent, w.recurrentBias], (dy) => {
    const slopes = coefficients(trace);
    const back = sizes.unrolled === undefined ? scannedBack : unrolledBack;
    const arriving = reshaped(transpose(dy, [2, 1, 0]), [H, rows]);
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
