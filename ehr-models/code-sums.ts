/**
 * An output that reads, beside a model's own summary, sums of the vectors of codes. Attention averages over codes,
 * but risks add up: a mean cannot tell one grave diagnosis from five.
 *
 *   w_1    = 1 / n for a code that occurs n times in the history: a code counts once, however often it was written
 *   w_2    = 1 in the last visit, else 0
 *   r      = [summary; drop(Σ_p w_1p E[c_p]); drop(Σ_p w_2p E[c_p])]                         [B, D + 2d]
 *   logits = drop(ReLU(r W_r + b_r)) W + b                                                   [B, C]
 *
 * In training whole codes are dropped from the sums (`codeDropout`), as in deep averaging networks (Iyyer et
 * al., ACL 2015).
 */
import type { Tensor } from "../engine/graph.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { linear } from "../engine/layers/linear.ts";
import { relu } from "../engine/ops/activation.ts";
import { concat, reshape, transpose } from "../engine/ops/layout.ts";
import { affine, matmul } from "../engine/ops/matmul.ts";
import { type Dim, multiplyDims } from "../engine/shape.ts";

/** What `readout` may be: as the paper has it, or with sums beside it. */
export const READOUTS = ["summary", "summary+sums"] as const;

export interface SumOptions {
  /** Of whole codes. */
  readonly codeDropout: number;
  /** Of elements of the sums, and of the hidden layer. */
  readonly dropout: number;
  /** Width of the hidden layer. */
  readonly hidden: number;
}

/** w_1 of units: the occurrences of one sum to 1. */
export function sharesOf(units: Int32Array): Float32Array {
  const counts = new Map<number, number>();
  for (const unit of units) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  return Float32Array.from(units, (unit) => {
    const n = counts.get(unit) as number;
    return 1 / n;
  });
}

/**
 * Weighted sums of vectors [rows·L, d] by each of some weights [rows, L], side by side: [rows, W·d]. Codes stand
 * along the last axis of the product: one with few rows would depend on the number of threads
 * (`engine/ops/matmul.ts`).
 */
export function codeSums(
  vectors: Tensor,
  weights: readonly [Tensor, ...Tensor[]],
  { codeDropout }: SumOptions,
): Tensor {
  const [rows, length] = weights[0].shape as readonly [Dim, Dim];
  const d = vectors.shape[1] as number;
  const kept = mask(vectors, [multiplyDims(rows, length), 1], codeDropout, "sums.codes");
  const upright = transpose(reshape(kept, [rows, length, d]), [0, 2, 1]);
  const columns = weights.map((w) => reshape(w, [rows, length, 1]));
  return reshape(matmul(upright, concat(columns, 2)), [rows, weights.length * d]);
}

/** The dense layer `name`, the same one where the graph has it already. */
export function sameLayer(x: Tensor, width: number, name: string): Tensor {
  const few = { fewRows: true };
  const weight = x.graph.inputs.get(`${name}.weight`);
  const bias = x.graph.inputs.get(`${name}.bias`);
  if (weight === undefined || bias === undefined) return linear(x, width, name, few);
  return affine(x, weight, bias, few);
}

/**
 * logits [B, C] from a summary [B, D] and sums [B, W·d]. A second reading in one graph, under another name for its
 * masks, uses the layers of the first.
 */
export function readSums(
  summary: Tensor,
  sums: Tensor,
  classes: number,
  { hidden, dropout: rate }: SumOptions,
  name = "read",
): Tensor {
  const both = concat([summary, dropout(sums, rate, `${name}.sums`)], 1);
  const layer = relu(sameLayer(both, hidden, "hidden"));
  return sameLayer(dropout(layer, rate, `${name}.hidden`), classes, "output");
}
