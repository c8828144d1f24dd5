/** The way forward of a gated recurrent unit, unrolled or scanned; `gru.ts` has the equations. */
import type { Tensor } from "../graph.ts";
import { subtractDims } from "../shape.ts";
import { sigmoid, tanh } from "./activation.ts";
import { repeated, reshaped } from "./broadcast.ts";
import { add, mul, sub } from "./elementwise.ts";
import {
  flat,
  type GruWeights,
  gemm,
  type Sizes,
  stacked,
  stepsOf,
  timeMajor,
} from "./gru-sizes.ts";
import { concat, slice, transpose } from "./layout.ts";
import { scan } from "./scan.ts";

/** What the backward pass reads of the forward pass, [H, T*B] with steps outside samples, but for `after`. */
export interface Trace {
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
  return { r, z, c, q, u, next: add(h, mul(u, sub(c, h))) };
}

export function forward(x: Tensor, w: GruWeights, mask: Tensor | undefined, sizes: Sizes): Trace {
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
  const start = repeated(g.scalar(0), [H, batch]);
  const walk = sizes.unrolled === undefined ? scanned : unrolled;
  return walk(weights, start, read, sizes);
}

type Walk = (w: StepWeights, start: Tensor, read: readonly Tensor[], sizes: Sizes) => Trace;

const unrolled: Walk = (w, start, read, sizes) => {
  const [gateInputs, candidateInputs, masks] = read.map((x) => stepsOf(x, sizes));
  const states = [start];
  const seen: Record<"r" | "z" | "c" | "q" | "u", Tensor[]> = { r: [], z: [], c: [], q: [], u: [] };
  for (const [t, gateInput] of (gateInputs ?? []).entries()) {
    const h = states[t] as Tensor;
    const made = step(w, h, gateInput, candidateInputs?.[t] as Tensor, masks?.[t]);
    states.push(made.next);
    for (const name of ["r", "z", "c", "q", "u"] as const) seen[name].push(made[name]);
  }
  const { width: H, batch, steps } = sizes;
  return {
    before: concat(states.slice(0, -1), 1),
    after: reshaped(concat(states.slice(1), 0), [steps, H, batch]),
    r: concat(seen.r, 1),
    z: concat(seen.z, 1),
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
    const { next, r, z, c, q, u } = step(inside, h as Tensor, gateInput, candidateInput, m);
    return { states: [next], outputs: [next, r, z, c, q, u] };
  });
  const [after, r, z, c, q, u] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  const { width: H, batch, steps } = sizes;
  const earlier = slice(after, 0, 0, subtractDims(steps, 1));
  const before = concat([reshaped(start, [1, H, batch]), earlier], 0);
  const columns = (x: Tensor) => flat(x, sizes);
  return {
    before: columns(before),
    after,
    r: columns(r),
    z: columns(z),
    c: columns(c),
    q: columns(q),
    u: columns(u),
  };
};
