/** One block of a transformer decoder over an encoder's output. */
import type { Tensor } from "../graph.ts";
import { uniform } from "../initial.ts";
import { gelu } from "../ops/activation.ts";
import { add } from "../ops/elementwise.ts";
import type { Dim } from "../shape.ts";
import { multiHeadAttention } from "./attention.ts";
import { causalBias } from "./attention-bias.ts";
import { dropout } from "./dropout.ts";
import { layerNorm } from "./layer-norm.ts";
import { linear, zeroBias } from "./linear.ts";

export interface DecoderBlockOptions {
  readonly heads: number;
  readonly feedForward: number;
  readonly dropout: number;
  readonly attentionDropout: number;
  /** B. */
  readonly batch: Dim;
  /** J, positions of the decoder per sample. */
  readonly queries: Dim;
  /** P, positions of the memory per sample. */
  readonly keys: Dim;
  /** Attention bias over the memory, broadcast to [B, heads, J, P]; finite. */
  readonly bias: Tensor;
}

/** Attention of each position to itself and those before it, [B*J, d]. */
function causalAttention(x: Tensor, options: DecoderBlockOptions): Tensor {
  const { batch, queries, heads } = options;
  const width = x.shape[1] as number;
  if (queries !== 1)
    return multiHeadAttention(x, x, {
      heads,
      batch,
      queries,
      keys: queries,
      bias: causalBias(x.graph, queries),
      dropout: options.attentionDropout,
    });
  // A single position has the weight 1 whatever its query and key, which therefore are not made.
  const few = { fewRows: true };
  const value = linear(x, width, "value", {
    ...zeroBias(uniform(Math.sqrt(6 / (4 * width)))),
    ...few,
  });
  return linear(value, width, "output", { ...zeroBias(uniform(1 / Math.sqrt(width))), ...few });
}

/**
 * x [B*J, d] over `memory` [B*P, d] -> [B*J, d], normalised after each sum (Vaswani et al. 2017, section 3.1;
 * GELU as in BART):
 *   y = LN(x + drop(causal attention(x)));  u = LN(y + drop(attention(y, memory)));  LN(u + drop(FFN(u)))
 */
export function decoderBlock(
  x: Tensor,
  memory: Tensor,
  name: string,
  options: DecoderBlockOptions,
): Tensor {
  const g = x.graph;
  const { heads, batch, queries, keys, bias } = options;
  const few = { fewRows: queries === 1 };
  const drop = (u: Tensor, part: string) => dropout(u, options.dropout, part);
  return g.scope(name, () => {
    const own = g.scope("self", () => causalAttention(x, options));
    const y = layerNorm(add(x, drop(own, "afterSelf")), "norm1");
    const read = g.scope("cross", () =>
      multiHeadAttention(y, memory, {
        heads,
        batch,
        queries,
        keys,
        bias,
        dropout: options.attentionDropout,
        fewQueries: queries === 1,
      }),
    );
    const u = layerNorm(add(y, drop(read, "afterCross")), "norm2");
    const inner = gelu(linear(u, options.feedForward, "expand", few));
    const outer = linear(drop(inner, "inner"), x.shape[1] as number, "contract", few);
    return layerNorm(add(u, drop(outer, "afterFeedForward")), "norm3");
  });
}
