/**
 * Attention over long histories: a loop over the heads of all samples, each with its L·L scores alone, on
 * the way forward and, computed again, on the way back (recomputation as in Rabe and Staats, Self-attention
 * Does Not Need O(n²) Memory, 2021, by head instead of by block). Same values as attention at once.
 */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims, type Shape } from "../shape.ts";
import { lastAxisSum } from "./activation.ts";
import type { AttentionOptions } from "./attention-options.ts";
import { reshaped } from "./broadcast.ts";
import { causalBias } from "./causal.ts";
import { product } from "./matmul.ts";
import { scan } from "./scan.ts";

/** What one head needs; each is read slice by slice but `causal`, which all share. */
interface Head {
  /** [M, w], [L, w], [L, w]. */
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  /** Added to the scores, [1, L]. */
  readonly bias: Tensor | undefined;
  /** Dropout mask, [M, L]. */
  readonly mask: Tensor | undefined;
  readonly causal: Tensor | undefined;
}

/** [B, h, ...] -> [B*h, ...]. */
function byHead(x: Tensor): Tensor {
  const [batch, heads, ...rest] = x.shape as readonly [Dim, Dim, ...Dim[]];
  return reshaped(x, [multiplyDims(batch, heads), ...rest]);
}

function repeated(x: Tensor, shape: Shape): Tensor {
  return x.graph.emit("Expand", [x, x.graph.shapeTensor(shape)], shape);
}

/** The parts that all loops read, one slice a head: q, k, v, and bias and mask where there are any. */
function headInputs(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor[] {
  const { bias, mask } = options;
  const inputs = [q, k, v].map(byHead);
  const [batch, heads, queries] = q.shape as readonly [Dim, Dim, Dim];
  const keys = k.shape[2] as Dim;
  if (bias !== undefined) {
    if (bias.shape.length !== 4 || bias.shape[1] !== 1 || bias.shape[2] !== 1)
      q.graph.fail("attention", `in chunks, a bias per key and \`causal\` wanted, got ${bias}`);
    inputs.push(byHead(repeated(bias, [batch, heads, 1, keys])));
  }
  if (mask !== undefined) inputs.push(byHead(repeated(mask, [batch, heads, queries, keys])));
  return inputs;
}

function headOf(
  body: Graph,
  slices: readonly Tensor[],
  options: AttentionOptions,
  causal: Tensor | undefined,
): Head {
  const rest = slices.slice(3);
  return {
    q: slices[0] as Tensor,
    k: slices[1] as Tensor,
    v: slices[2] as Tensor,
    bias: options.bias === undefined ? undefined : rest.shift(),
    mask: options.mask === undefined ? undefined : rest.shift(),
    causal: causal === undefined ? undefined : body.capture(causal),
  };
}

/** P and P ⊙ mask of one head, [M, L]. */
function weightsOf({ q, k, bias, mask, causal }: Head, alpha: number) {
  const g = q.graph;
  let scores = product(q, k, { transposeB: true, alpha });
  for (const part of [bias, causal])
    if (part !== undefined) scores = g.emit("Add", [scores, part], scores.shape);
  const p = g.emit("Softmax", [scores], scores.shape, { attributes: { axis: { int: -1 } } });
  return { p, kept: mask === undefined ? p : g.emit("Mul", [p, mask], p.shape) };
}

/** Gradients of q, k and v of one head, from dO [M, w] and rowsum(dO ⊙ O) [M, 1]. */
function headGradients(head: Head, dy: Tensor, sums: Tensor, alpha: number): Tensor[] {
  const g = dy.graph;
  const { p, kept } = weightsOf(head, alpha);
  const straight = product(dy, head.v, { transposeB: true });
  const { mask } = head;
  const dp = mask === undefined ? straight : g.emit("Mul", [straight, mask], p.shape);
  const centred = g.emit("Sub", [dp, sums], p.shape);
  const dScores = g.emit("Mul", [p, centred], p.shape);
  return [
    product(dScores, head.k, { alpha }),
    product(dScores, head.q, { transposeA: true, alpha }),
    product(kept, dy, { transposeA: true }),
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
  const inputs = headInputs(q, k, v, options);
  const { outputs } = scan(g, { states: [], inputs }, (body, _, slices) => {
    const head = headOf(body, slices, options, causal);
    return { states: [], outputs: [product(weightsOf(head, alpha).kept, head.v)] };
  });
  const o = reshaped(outputs[0] as Tensor, q.shape);
  return g.record(o, [q, k, v], (dy) => {
    const sums = lastAxisSum(g.emit("Mul", [dy, o], o.shape));
    const read = [byHead(dy), byHead(sums), ...inputs];
    const back = scan(g, { states: [], inputs: read }, (body, _, slices) => {
      const [d, sum, ...rest] = slices as [Tensor, Tensor, ...Tensor[]];
      const head = headOf(body, rest, options, causal);
      return { states: [], outputs: headGradients(head, d, sum, alpha) };
    });
    return [q, k, v].map((x, i) => () => reshaped(back.outputs[i] as Tensor, x.shape));
  });
}
