/**
 * Attention over long histories: a loop over the heads of all samples, each with its L·L scores alone, on
 * the way forward and, computed again, on the way back (recomputation as in Rabe and Staats, Self-attention
 * Does Not Need O(n²) Memory, 2021, by head instead of by block). Same values as attention at once.
 */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import { isPerKey, withColumn, withKeyBias, withOnes } from "./attention-columns.ts";
import type { AttentionOptions } from "./attention-options.ts";
import { repeated, reshaped } from "./broadcast.ts";
import { causalBias } from "./causal.ts";
import { product, swapped } from "./matmul.ts";
import { scan } from "./scan.ts";

/** What one head needs; each is read slice by slice but `causal`, which all share. */
interface Head {
  /** Queries [M, w'] and keys [L, w'] whose product is the scores; a column is added for a bias. */
  readonly q: Tensor;
  readonly k: Tensor;
  /** Dropout mask, [M, L]. */
  readonly mask: Tensor | undefined;
  readonly causal: Tensor | undefined;
}

/** [B, h, ...] -> [B*h, ...]. */
function byHead(x: Tensor): Tensor {
  const [batch, heads, ...rest] = x.shape as readonly [Dim, Dim, ...Dim[]];
  return reshaped(x, [multiplyDims(batch, heads), ...rest]);
}

/** The parts that both loops read, one slice a head: what scores are made of, and the mask if there is one. */
function headInputs(q: Tensor, k: Tensor, options: AttentionOptions, alpha: number): Tensor[] {
  const { bias, mask } = options;
  if (bias !== undefined && !isPerKey(bias))
    q.graph.fail("attention", `in chunks, a bias per key and \`causal\` wanted, got ${bias}`);
  const scored = bias === undefined ? [q, k] : [withOnes(q), withKeyBias(k, bias, alpha)];
  const scores = [...q.shape.slice(0, 3), k.shape[2] as Dim];
  return [...scored, ...(mask === undefined ? [] : [repeated(mask, scores)])].map(byHead);
}

function headOf(body: Graph, slices: readonly Tensor[], causal: Tensor | undefined): Head {
  const [q, k, mask] = slices as [Tensor, Tensor, Tensor | undefined];
  return { q, k, mask, causal: causal === undefined ? undefined : body.capture(causal) };
}

/** P and P ⊙ mask of one head, [M, L]. */
function weightsOf({ q, k, mask, causal }: Head, alpha: number) {
  const g = q.graph;
  let scores = product(q, k, { transposeB: true, alpha });
  if (causal !== undefined) scores = g.emit("Add", [scores, causal], scores.shape);
  const p = g.emit("Softmax", [scores], scores.shape, { attributes: { axis: { int: -1 } } });
  return { p, kept: mask === undefined ? p : g.emit("Mul", [p, mask], p.shape) };
}

/** What the way back reads of one head beside `Head`. */
interface HeadGradient {
  /** [M, w], [L, w]. */
  readonly q: Tensor;
  readonly k: Tensor;
  /** dO [M, w]. */
  readonly dy: Tensor;
  /** Minus rowsum(dO ⊙ O), [M, 1], and v [L, w]; without a mask as a column of dO, and v beside ones. */
  readonly correction: Tensor;
  readonly v: Tensor;
}

/** dP - rowsum(dO ⊙ O), [M, L]. */
function centredGradient({ mask }: Head, { dy, correction, v }: HeadGradient): Tensor {
  const g = dy.graph;
  if (mask === undefined) return product(correction, v, { transposeB: true });
  const straight = product(dy, v, { transposeB: true });
  const dp = g.emit("Mul", [straight, mask], straight.shape);
  return g.emit("Add", [dp, correction], dp.shape);
}

/**
 * Gradients of one head: dq [M, w], and dkᵀ and dvᵀ [w, L], as products whose large operand is read by rows:
 * by columns it takes twice as long.
 */
function headGradients(head: Head, back: HeadGradient, alpha: number): Tensor[] {
  const g = back.dy.graph;
  const { p, kept } = weightsOf(head, alpha);
  const dScores = g.emit("Mul", [p, centredGradient(head, back)], p.shape);
  return [
    product(dScores, back.k, { alpha }),
    product(back.q, dScores, { transposeA: true, alpha }),
    product(back.dy, kept, { transposeA: true }),
  ];
}
/** Attention in chunks; shapes were checked by `attention`, which says what it computes. */
export function chunkedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions,
): Tensor {
  const g = q.graph;
  const alpha = 1 / Math.sqrt(q.shape[3] as number);
  const keys = k.shape[2] as Dim;
  if (options.causal === true && q.shape[2] !== keys)
    g.fail("attention", `${q.shape[2]} queries and ${keys} keys cannot be causal`);
  const causal = options.causal === true ? reshaped(causalBias(g, keys), [keys, keys]) : undefined;
  const inputs = headInputs(q, k, options, alpha);
  const read = [byHead(v), ...inputs];
  const { outputs } = scan(g, { states: [], inputs: read }, (body, _, slices) => {
    const [values, ...rest] = slices as [Tensor, ...Tensor[]];
    const { kept } = weightsOf(headOf(body, rest, causal), alpha);
    return { states: [], outputs: [product(kept, values)] };
  });
  const o = reshaped(outputs[0] as Tensor, q.shape);
  return g.record(o, [q, k, v], (dy) => {
    const sums = lastAxisSum(g.emit("Mul", [dy, o], o.shape));
    const minus = g.emit("Neg", [sums], sums.shape);
    const centred = options.mask === undefined ? [withColumn(dy, minus), withOnes(v)] : [minus, v];
    const back = [...[q, k, dy, ...centred].map(byHead), ...inputs];
    const { outputs } = scan(g, { states: [], inputs: back }, (body, _, slices) => {
      const [qs, ks, d, correction, values, ...rest] = slices as Five;
      const own = { q: qs, k: ks, dy: d, correction, v: values };
      return { states: [], outputs: headGradients(headOf(body, rest, causal), own, alpha) };
    });
    const [dq, dk, dv] = outputs as [Tensor, Tensor, Tensor];
    return [
      () => reshaped(dq, q.shape),
      () => reshaped(swapped(dk), k.shape),
      () => reshaped(swapped(dv), v.shape),
    ];
  });
}

type Five = [Tensor, Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
