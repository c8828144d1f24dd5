/**
 * The graphs of visits, encoded: vectors of their nodes through layers of a graph transformer (`visit-graph-layer.ts`).
 * Notation: G graphs, n nodes (slot 0 the virtual node), g width of nodes.
 */
import type { Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { mask } from "../engine/layers/dropout.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { gelu } from "../engine/ops/activation.ts";
import { add, equals, mul, scale, shift } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/layout.ts";
import { multiplyDims } from "../engine/shape.ts";
import { embedCodes } from "./code-embedding.ts";
import type { ForwardContext } from "./model-graphs.ts";
import { graphLayer } from "./visit-graph-layer.ts";
import { NODE, NODE_ROWS } from "./visit-graphs.ts";

const NODES = multiplyDims("G", "n");

export interface GraphOptions {
  /** g. */
  readonly nodeWidth: number;
  readonly graphHeads: number;
  readonly graphLayers: number;
  readonly dropout: number;
  /** Of whole codes. */
  readonly codeDropout: number;
  /** Standard deviation of tables at the start. */
  readonly initialScale: number;
}
type GraphContext = Pick<
  ForwardContext<GraphOptions>,
  "graph" | "inputs" | "tokenizer" | "hyperparameters"
>;

/** E[c], zero where there is no code, [G*n, g]. */
export function embedWords({ inputs, tokenizer, hyperparameters: h }: GraphContext): Tensor {
  const vectors = embedCodes(inputs["nodes"] as Tensor, tokenizer, h.nodeWidth, h.initialScale);
  return mul(vectors, reshape(equals(inputs["special"] as Tensor, NODE.code), [NODES, 1]));
}

/** Vectors of nodes, [G*n, g], with vectors of their own for the virtual node and MASK. */
function embedNodes(words: Tensor, { graph, inputs, hyperparameters: h }: GraphContext): Tensor {
  const special = inputs["special"] as Tensor;
  const isCode = reshape(equals(special, NODE.code), [NODES, 1]);
  const codes = mask(words, [NODES, 1], h.codeDropout, "nodes");
  const initial = normal(h.initialScale);
  const specials = table(graph, "special.table", NODE_ROWS, h.nodeWidth, { initial });
  const others = reshape(lookup(specials, special), [NODES, h.nodeWidth]);
  return add(codes, mul(others, shift(scale(isCode, -1), 1)));
}

/** Z after the last layer: of all nodes, [G*n, g], or of the virtual ones, [G, g]. */
export function encodeGraphs(
  words: Tensor,
  context: GraphContext,
  reads: "nodes" | "visits",
): Tensor {
  const { inputs, hyperparameters: h } = context;
  let x = embedNodes(words, context);
  for (let i = 0; i < h.graphLayers; i++) {
    const isLast = i === h.graphLayers - 1;
    x = graphLayer(x, `graph${i}`, {
      heads: h.graphHeads,
      dropout: h.dropout,
      nodeClass: inputs["nodeClass"] as Tensor,
      nodeMask: inputs["nodeMask"] as Tensor,
      merge: isLast ? "mean" : "project",
      keep: isLast && reads === "visits" ? 1 : undefined,
    });
    if (!isLast) x = gelu(x);
  }
  return x;
}
