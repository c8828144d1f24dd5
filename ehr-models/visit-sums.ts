/** Visits as sums of the vectors of their codes, for models that read one vector per visit. */
import type { Tensor } from "../engine/graph.ts";
import { dropout, mask } from "../engine/layers/dropout.ts";
import { log, scale, shift } from "../engine/ops/elementwise.ts";
import { reshape, transpose } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { multiplyDims } from "../engine/shape.ts";
import { embedCodes } from "./code-embedding.ts";
import type { ForwardContext } from "./model-graphs.ts";

/** Hyperparameters of a model that sums codes over visits. */
export interface VisitSumOptions {
  readonly width: number;
  readonly initialScale: number;
  /** Of elements of v_t. */
  readonly inputDropout: number;
  /** Of whole codes. */
  readonly codeDropout: number;
}

/**
 * v_t = Σ_{codes c of visit t} E[c], [B, T, d], zero for padding; reads the columns `codes` [B, L] and
 * `membership` [B, L, T]. Codes stand along the last axis of the product: one with few rows would depend on
 * the number of threads (`engine/ops/matmul.ts`).
 */
export function visitSums(context: ForwardContext<VisitSumOptions>): Tensor {
  const { inputs, tokenizer, hyperparameters: h } = context;
  const vectors = embedCodes(inputs["codes"] as Tensor, tokenizer, h.width, h.initialScale);
  const kept = mask(vectors, [multiplyDims("B", "L"), 1], h.codeDropout, "codes");
  const upright = transpose(reshape(kept, ["B", "L", h.width]), [0, 2, 1]); // [B, d, L]
  const sums = matmul(upright, inputs["membership"] as Tensor); // [B, d, T]
  return dropout(transpose(sums, [0, 2, 1]), h.inputDropout, "visits");
}

/**
 * log(1 + x) / 10 of a column of days [B, T], as [B, T, 1]: how long ago, or how long after the one before, a
 * visit was. Divided, so that times do not drown the small vectors that codes start with.
 */
export function logDays(days: Tensor): Tensor {
  return reshape(scale(log(shift(days, 1)), 0.1), [...days.shape, 1]);
}
