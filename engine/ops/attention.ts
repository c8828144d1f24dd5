/** Scaled dot-product attention as one operation, so that its backward pass makes few passes over the scores. */
import type { Graph, Tensor } from "../graph.ts";
import { broadcastShapes, type Dim, type Shape, sameShape, showShape } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import { chunkedAttention } from "./attention-chunks.ts";
import { isPerKey, withColumn, withKeyBias, withOnes } from "./attention-columns.ts";
import type { AttentionOptions } from "./attention-options.ts";
import { causalBias } from "./causal.ts";
import { add, mul } from "./elementwise.ts";
import { product } from "./matmul.ts";

/**
 * Bytes of the scores of one sample from which chunks are asked for, by the longest length there is. At this
 * length they are faster (bench/engine.ts: from 256 keys on) and save memory; below, most samples may be so
 * short that the loop over heads costs more than it saves.
 */
const SCORE_BYTES = 16 * 2 ** 20;

/** Whether attention over samples of at most this length is better done in chunks. */
export function needsChunks(heads: number, longest: number): boolean {
  return 4 * heads * longest ** 2 >= SCORE_BYTES;
}

function scoreShape(q: Tensor, k: Tensor, v: Tensor): Shape {
  const g: Graph = q.graph;
  const [batch, heads, queries, width] = q.shape;
  const keys = k.shape[2];
  const isFour = [q, k, v].every((x) => x.shape.length === 4);
  if (!isFour || !sameShape(k.shape, [batch as Dim, heads as Dim, keys as Dim, width as Dim]))
    g.fail("attention", `[B, h, M, w] and [B, h, L, w] wanted, got ${q} and ${k}`);
  if (!sameShape(k.shape.slice(0, 3), v.shape.slice(0, 3)))
    g.fail("attention", `keys ${k} and values ${v} differ`);
  return [batch as Dim, heads as Dim, queries as Dim, keys as Dim];
}

function checkFits(part: Tensor | undefined, scores: Shape, what: string): void {
  if (part === undefined) return;
  const shape = broadcastShapes(part.shape, scores);
  if (part.tracked) part.graph.fail("attention", `the ${what} ${part} cannot have a gradient`);
  if (shape === undefined || !sameShape(shape, scores))
    part.graph.fail(
      "attention",
      `the ${what} ${part} does not fit the scores ${showShape(scores)}`,
    );
}

/**
 * softmax(q kᵀ / sqrt(w) + bias) v for q [B, h, M, w], k and v [B, h, L, w] -> [B, h, M, w] (Vaswani et
 * al. 2017, equation 1). The backward pass uses rowsum(dP ⊙ P) = rowsum(dO ⊙ O), and gets dP minus
 * that sum from one product: -rowsum as a further column of dO, and ones as a further column of v.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const g: Graph = q.graph;
  const { mask } = options;
  const scores = scoreShape(q, k, v);
  checkFits(options.bias, scores, "bias");
  checkFits(mask, scores, "mask");
  if (options.chunked === true) return chunkedAttention(q, k, v, options);
  const bias = options.causal === true ? withCausal(options.bias, scores, g) : options.bias;
  const alpha = 1 / Math.sqrt(q.shape[3] as number);
  const biased = biasedScores(q, k, bias, alpha);
  const p = g.emit("Softmax", [biased], scores, { attributes: { axis: { int: -1 } } });
  const kept = mask === undefined ? p : g.emit("Mul", [p, mask], scores);
  const o = product(kept, v);
  return g.record(o, [q, k, v], (dy) => {
    const correction = g.emit("Neg", [lastAxisSum(mul(dy, o))], [...o.shape.slice(0, 3), 1]);
    const dScores = mul(p, scoreGradient(dy, v, correction, mask));
    return [
      () => product(dScores, k, { alpha }),
      () => product(dScores, q, { transposeA: true, alpha }),
      () => product(kept, dy, { transposeA: true }),
    ];
  });
}

function withCausal(bias: Tensor | undefined, [, , queries, keys]: Shape, g: Graph): Tensor {
  if (queries !== keys) g.fail("attention", `${queries} queries and ${keys} keys cannot be causal`);
  const causal = causalBias(g, keys as Dim);
  return bias === undefined ? causal : add(causal, bias);
}

/**
 * alpha q kᵀ + bias. A bias per key, [B or 1, 1, 1, L], enters through the product, as a further column of
 * k beside ones in q, which saves a pass over the scores.
 */
function biasedScores(q: Tensor, k: Tensor, bias: Tensor | undefined, alpha: number): Tensor {
  const g = q.graph;
  const options = { transposeB: true, alpha };
  if (bias === undefined) return product(q, k, options);
  if (isPerKey(bias)) return product(withOnes(q), withKeyBias(k, bias, alpha), options);
  const scores = product(q, k, options);
  return g.emit("Add", [scores, bias], scores.shape);
}

/** dP + correction, where dP = dO vᵀ, times the dropout mask if there is one. */
function scoreGradient(
  dy: Tensor,
  v: Tensor,
  correction: Tensor,
  mask: Tensor | undefined,
): Tensor {
  const g: Graph = dy.graph;
  if (mask !== undefined) {
    const dp = mul(product(dy, v, { transposeB: true }), mask);
    return g.emit("Add", [dp, correction], dp.shape);
  }
  return product(withColumn(dy, correction), withOnes(v), { transposeB: true });
}
