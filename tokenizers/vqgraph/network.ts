/**
 * The node tokenizer of VQGraph (Yang et al. 2024) without its class loss: one layer of graph convolution, the nearest
 * row of a codebook by cosine, and two linear decoders that rebuild the node's features and who is linked to whom.
 */
import type { Graph, Tensor } from "../../engine/graph.ts";
import { linear } from "../../engine/layers/linear.ts";
import { relu } from "../../engine/ops/activation.ts";
import {
  add,
  div,
  mul,
  neg,
  scale,
  shift,
  sqrt,
  stopGradient,
  sub,
} from "../../engine/ops/elementwise.ts";
import { takeRows } from "../../engine/ops/indexing.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { product } from "../../engine/ops/matmul.ts";
import { highest, matmulTransposed, straightThrough } from "../../engine/ops/nearest.ts";
import { l2Normalise } from "../../engine/ops/normalization.ts";
import { max, mean } from "../../engine/ops/reduction.ts";
import type { VqGraphConfig } from "./config.ts";

/** Keeps divisions and roots finite. */
const SMALL = 1e-6;

export interface Assigned {
  /** ReLU(Â F W + b) at unit length, [n, d]. */
  readonly unit: Tensor;
  /** Nearest row of the codebook, [n] int32; ties go to the lower row. */
  readonly ids: Tensor;
  /** Its row, without gradient, [n, d]. */
  readonly row: Tensor;
}

/** Inputs `around` [n, d] and `codebook` [N, d] of unit rows; parameters `layer.weight`, `layer.bias`. */
export function assign(g: Graph, { width, codebookSize }: VqGraphConfig): Assigned {
  const around = g.input("around", ["n", width]);
  const codebook = g.input("codebook", [codebookSize, width]);
  const unit = l2Normalise(relu(linear(around, width, "layer")));
  const scores = product(stopGradient(unit), codebook, { transposeB: true });
  const ids = reshape(highest(scores, 1), ["n"]);
  return { unit, ids, row: stopGradient(takeRows(codebook, ids)) };
}

export interface VqGraphLosses extends Assigned {
  readonly feature: Tensor;
  readonly edge: Tensor;
  readonly commitment: Tensor;
  readonly total: Tensor;
}

function meanSquare(a: Tensor, b: Tensor): Tensor {
  const difference = sub(a, b);
  return mean(mul(difference, difference));
}

/** x brought to [0, 1] by its smallest and largest element. */
function scaled(x: Tensor): Tensor {
  const top = max(max(x, 1), 0);
  const bottom = neg(max(max(neg(x), 1), 0));
  return div(sub(x, bottom), shift(sub(top, bottom), SMALL));
}

/**
 * Losses of a block of nodes; further inputs `own` [n, d] and `linked` [n, n]. Features: mean square, times the width,
 * as rows have unit length. Edges: root of the mean square between the linked and the scaled products Q Qᵀ.
 * Commitment: mean square between a node and its row. The codebook itself follows outside (`codebook.ts`).
 */
export function losses(g: Graph, config: VqGraphConfig): VqGraphLosses {
  const { width } = config;
  const assigned = assign(g, config);
  const through = straightThrough(assigned.unit, assigned.row);
  const own = g.input("own", ["n", width]);
  const linked = g.input("linked", ["n", "n"]);
  const feature = scale(meanSquare(linear(through, width, "features"), own), width);
  const rebuilt = linear(through, width, "edges");
  const edge = sqrt(shift(meanSquare(scaled(matmulTransposed(rebuilt, rebuilt)), linked), SMALL));
  const commitment = scale(meanSquare(assigned.unit, assigned.row), width);
  const total = add(
    add(scale(feature, config.featureWeight), scale(edge, config.edgeWeight)),
    scale(commitment, config.commitment),
  );
  return { ...assigned, feature, edge, commitment, total };
}
