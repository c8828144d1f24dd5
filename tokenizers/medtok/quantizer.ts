/** Soft top-K quantization as a graph (medtok.md 2.6): search, weights, straight-through estimate. */
import type { Graph, Tensor } from "../../engine/graph.ts";
import { softmax } from "../../engine/ops/activation.ts";
import { scale, stopGradient } from "../../engine/ops/elementwise.ts";
import { gatherRows } from "../../engine/ops/indexing.ts";
import { concat, reshape, slice } from "../../engine/ops/layout.ts";
import { matmul, product } from "../../engine/ops/matmul.ts";
import { highest, straightThrough } from "../../engine/ops/nearest.ts";
import { l2Normalise } from "../../engine/ops/normalization.ts";
import { type Dim, multiplyDims } from "../../engine/shape.ts";
import type { Region } from "./codebook.ts";
import type { MedTokConfig } from "./config.ts";

export interface QuantizedPart {
  /** e / ‖e‖, [B, d]. */
  readonly unit: Tensor;
  /** What the codebook loss compares and gradients pass straight through to: `unit`, or e itself in `paper`. */
  readonly base: Tensor;
  /** Global rows of the codebook, nearest first, [B, K] int32. */
  readonly ids: Tensor;
  /** [B, K]. */
  readonly weights: Tensor;
  /** ê with its gradient to the codebook, [B, d]. */
  readonly vector: Tensor;
  /** ê with its gradient going straight to e. */
  readonly through: Tensor;
}

export class Quantizer {
  /** [N, d], rows not normalised. */
  readonly codebook: Tensor;
  /** Unit rows without gradient. */
  readonly rows: Tensor;
  /** Ids per search, as computed in the graph: whoever trains scatters by them. */
  readonly searches: Tensor[] = [];
  readonly #config: MedTokConfig;

  constructor(codebook: Tensor, config: MedTokConfig) {
    this.codebook = codebook;
    this.rows = l2Normalise(stopGradient(codebook));
    this.#config = config;
  }

  /** Quantizes vectors of one region, each [B, d], in one search. */
  quantize(vectors: readonly Tensor[], region: Region, batch: Dim): QuantizedPart[] {
    const g: Graph = this.codebook.graph;
    const { perPart: k, width: d, temperature, protocol } = this.#config;
    const units = vectors.map((vector) => l2Normalise(vector));
    const z = concat(units, 0);
    const count = multiplyDims(batch, vectors.length);
    const scores = product(stopGradient(z), slice(this.rows, 0, region.from, region.to), {
      transposeB: true,
    });
    const local = highest(scores, k);
    const from = g.constant(Int32Array.of(region.from), [], "int32");
    const ids = g.emit("Add", [local, from], local.shape, { type: "int32" });
    this.searches.push(ids);
    const chosen = l2Normalise(gatherRows(this.codebook, ids)); // [B, K, d]
    const cosine = reshape(matmul(chosen, reshape(z, [count, d, 1])), [count, k]);
    const weights = softmax(scale(cosine, 2 / temperature)); // of -(2 - 2 cos) / temperature
    const vector = reshape(matmul(reshape(weights, [count, 1, k]), chosen), [count, d]);
    return vectors.map((e, i) => {
      const [start, end] = [multiplyDims(batch, i), multiplyDims(batch, i + 1)];
      const own = (x: Tensor) => slice(x, 0, start, end);
      const unit = units[i] as Tensor;
      const base = protocol === "paper" ? e : unit;
      const mine = own(vector);
      const through = straightThrough(base, mine);
      return { unit, base, ids: own(ids), weights: own(weights), vector: mine, through };
    });
  }
}
