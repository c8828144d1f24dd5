/** One block of a transformer encoder. */
import type { Graph, Tensor } from "../graph.ts";
import { gelu, relu } from "../ops/activation.ts";
import { add } from "../ops/elementwise.ts";
import { reshape, slice } from "../ops/layout.ts";
import { type Dim, multiplyDims } from "../shape.ts";
import { multiHeadAttention } from "./attention.ts";
import { dropout } from "./dropout.ts";
import { layerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";

export interface BlockOptions {
  readonly heads: number;
  readonly feedForward: number;
  readonly activation: "relu" | "gelu";
  /** `post` normalises after each residual sum (Vaswani et al. 2017), `pre` before each sublayer. */
  readonly norm: "post" | "pre";
  readonly dropout: number;
  readonly attentionDropout: number;
  /** B. */
  readonly batch: Dim;
  /** P, positions per sample. */
  readonly length: Dim;
  /** Attention bias, broadcast to [B, heads, P, P]; finite. */
  readonly bias?: Tensor;
  /** Whether positions see only what is at or before them. */
  readonly causal?: boolean;
  /** Attention one head at a time, for histories whose scores are large; see `needsChunks` in `ops/attention.ts`. */
  readonly chunked?: boolean;
  /** Only the first so many positions leave the block; all by default. For the last block, where no other is read. */
  readonly keep?: number;
}

/** The first `keep` positions of each sample, [B*P, d] -> [B*keep, d]. */
function leading(x: Tensor, { batch, length, keep }: BlockOptions): Tensor {
  if (keep === undefined) return x;
  const width = x.shape[1] as number;
  const first = slice(reshape(x, [batch, length, width]), 1, 0, keep);
  return reshape(first, [multiplyDims(batch, keep), width]);
}

function feedForward(x: Tensor, options: BlockOptions): Tensor {
  const few = { fewRows: options.keep !== undefined };
  const inner = linear(x, options.feedForward, "expand", few);
  const active = options.activation === "relu" ? relu(inner) : gelu(inner);
  return linear(dropout(active, options.dropout, "inner"), x.shape[1] as number, "contract", few);
}

function attend(queries: Tensor, memory: Tensor, options: BlockOptions): Tensor {
  const g: Graph = queries.graph;
  const { heads, batch, length, bias } = options;
  return g.scope("attention", () =>
    multiHeadAttention(queries, memory, {
      heads,
      batch,
      queries: options.keep ?? length,
      keys: length,
      fewQueries: options.keep !== undefined,
      dropout: options.attentionDropout,
      causal: options.causal === true,
      chunked: options.chunked === true,
      ...(bias === undefined ? {} : { bias }),
    }),
  );
}

/**
 * x [B*P, d] -> [B*P, d] (or [B*keep, d]).
 *   post: y = LN(x + drop(attention(x)));  z = LN(y + drop(FFN(y)))
 *   pre:  y = x + drop(attention(LN(x)));  z = y + drop(FFN(LN(y)))
 */
export function transformerBlock(x: Tensor, name: string, options: BlockOptions): Tensor {
  const rate = options.dropout;
  const drop = (u: Tensor, part: string) => dropout(u, rate, part);
  return x.graph.scope(name, () => {
    if (options.norm === "post") {
      const queries = leading(x, options);
      const attended = drop(attend(queries, x, options), "afterAttention");
      const y = layerNorm(add(queries, attended), "norm1");
      return layerNorm(add(y, drop(feedForward(y, options), "afterFeedForward")), "norm2");
    }
    const unit = layerNorm(x, "norm1");
    const attended = drop(attend(leading(unit, options), unit, options), "afterAttention");
    const y = add(leading(x, options), attended);
    return add(y, drop(feedForward(layerNorm(y, "norm2"), options), "afterFeedForward"));
  });
}
