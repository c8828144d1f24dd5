/**
 * A gated recurrent layer.
 *
 * A fixed number of steps T up to 64 is unrolled, which is fastest. A model picks it when it builds its
 * inputs: the most visits among its samples, at most its own limit, with shorter sequences padded at the
 * end and masked. Masked steps carry the state on, so padding changes no value. A longer or symbolic T
 * (`"L"`, say) becomes a loop in the graph (Scan) with the same values and a size that does not grow with T.
 */
import type { Tensor } from "../graph.ts";
import { uniform } from "../initial.ts";
import { gru as recurrence } from "../ops/gru.ts";
import { reshape, slice } from "../ops/layout.ts";
import { type Dim, multiplyDims, subtractDims } from "../shape.ts";

export interface GruOptions {
  /** B. */
  readonly batch: Dim;
  /** T: at best a number up to 64; see above. */
  readonly steps: Dim;
  /** H. */
  readonly width: number;
  /** [B, T]: 1 for steps that count, 0 for steps that carry the state on. */
  readonly mask?: Tensor;
}

/**
 * States after every step, [B, T, H], for x [B*T, d] or [B, T, d], from a state of zeros. Parameters
 * `<name>.input` [d, 3H] and `<name>.recurrent` [H, 3H] with gates r, z, c side by side, `<name>.bias`
 * [3H] and `<name>.recurrentBias` [H] (the bias inside the reset product): 3dH + 3H² + 4H values, all
 * uniform within ±1/sqrt(H) as torch's.
 */
export function gru(x: Tensor, name: string, options: GruOptions): Tensor {
  const g = x.graph;
  const { batch, steps, width: H } = options;
  const d = x.shape.at(-1);
  return g.scope(name, () => {
    if (typeof d !== "number") return g.fail("gru", `a fixed last axis wanted, got ${x}`);
    const initial = uniform(1 / Math.sqrt(H));
    const weights = {
      input: g.parameter("input", [d, 3 * H], initial),
      bias: g.parameter("bias", [3 * H], initial, false),
      recurrent: g.parameter("recurrent", [H, 3 * H], initial),
      recurrentBias: g.parameter("recurrentBias", [H], initial, false),
    };
    return recurrence(reshape(x, [batch, steps, d]), weights, { mask: options.mask });
  });
}

/** The state after the last step, [B, H], of states [B, T, H]; masked steps carried it there. */
export function lastState(states: Tensor): Tensor {
  const [batch, steps, width] = states.shape as readonly [Dim, Dim, number];
  const last = slice(states, 1, subtractDims(steps, 1), steps);
  return reshape(last, [multiplyDims(batch), width]);
}
