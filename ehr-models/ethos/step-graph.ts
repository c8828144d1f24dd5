/** The decoder of ETHOS (`network.ts`) one token further, in many futures of many prompts at once. */
import { Graph, type Tensor } from "../../engine/graph.ts";
import { lastAxisSum, softmax } from "../../engine/ops/activation.ts";
import { add, mul } from "../../engine/ops/elementwise.ts";
import { concat, reshape, slice } from "../../engine/ops/layout.ts";
import { product } from "../../engine/ops/matmul.ts";
import { type Dim, multiplyDims } from "../../engine/shape.ts";
import { blocks, embed, logitsOf, type Network, probabilitiesOf, readout } from "./network.ts";

export interface StepGraph {
  readonly graph: Graph;
  /** [R, V] for R = S*M rows. */
  readonly probabilities: Tensor;
  /** Per layer the key and value of the token just read, [R, d]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

const R = multiplyDims("S", "M");

/**
 * One token further in R = S*M futures, M of each of S prompts. Inputs: tokens.ids and positions.ids [R];
 * prompt.bias [S, 1, L] and past.bias [R, 1, G], 0 where there is something to see, else -1e9; per layer
 * prompt.keys<i>, prompt.values<i> [S, L, d] and past.keys<i>, past.values<i> [R, G, d]; `beside` [R, d], where
 * the network has it, as it was at the end of the prompt. The futures of a
 * prompt share its keys and values, and heads are rows of one product, see `overCaches`.
 */
export function stepGraph(network: Network, temperature: number): StepGraph {
  const graph = new Graph();
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  const probabilities = graph.withoutGradient(() => {
    const tokens = graph.input("tokens.ids", [R], "int32");
    const positions = graph.input("positions.ids", [R], "int32");
    const { placed } = embed(graph, network, tokens, positions);
    const y = blocks(placed, network, (q, k, v, layer) => {
      keys.push(k);
      values.push(v);
      return overCaches(q, k, v, layer, network);
    });
    const beside =
      network.standing === true ? graph.input("beside", [R, network.width]) : undefined;
    return probabilitiesOf(logitsOf(readout(y, beside), network), temperature);
  });
  return { graph, probabilities, keys, values };
}

/** Row i holds `value` where head i of h has its columns, and 0 elsewhere: [h, d]. */
function headColumns(g: Graph, { heads: h, width: d }: Network, value: number): Tensor {
  const columns = new Float32Array(h * d);
  const w = d / h;
  for (let i = 0; i < h; i++) columns.fill(value, i * d + i * w, i * d + (i + 1) * w);
  return g.constant(columns, [h, d], "float32");
}

/**
 * Attention of one query per row over its prompt, its own past, and itself: [R, d] -> [R, d]. A query is
 * written once for each head, zero but in that head's columns, so that all heads, and all futures of a
 * prompt, are one product with the keys; of the product with the values each head keeps its own columns.
 * The zeros cost less than many tiny products do.
 */
function overCaches(q: Tensor, k: Tensor, v: Tensor, layer: number, network: Network): Tensor {
  const g = q.graph;
  const { heads: h, width: d } = network;
  const w = d / h;
  const cache = (name: string, rows: Dim, length: Dim) =>
    g.input(`${name}${layer}`, [rows, length, d]);
  const alone = (x: Tensor) => reshape(x, [R, 1, d]);
  const byPrompt = (x: Tensor, n: Dim) => reshape(x, ["S", multiplyDims("M", h), n]);
  const queries = mul(alone(q), headColumns(g, network, 1 / Math.sqrt(w))); // [R, h, d]
  const against = (x: Tensor, y: Tensor) => product(x, y, { transposeB: true });
  const promptScores = add(
    against(byPrompt(queries, d), cache("prompt.keys", "S", "L")),
    g.input("prompt.bias", ["S", 1, "L"]),
  );
  const pastScores = add(
    against(queries, cache("past.keys", R, "G")),
    g.input("past.bias", [R, 1, "G"]),
  );
  const own = lastAxisSum(mul(queries, alone(k))); // [R, h, 1]
  const p = softmax(concat([own, reshape(promptScores, [R, h, "L"]), pastScores], 2));
  const ofPrompt = product(byPrompt(slice(p, 2, 1, "L+1"), "L"), cache("prompt.values", "S", "L"));
  const ofPast = product(slice(p, 2, "L+1", "G+L+1"), cache("past.values", R, "G"));
  const ofSelf = mul(slice(p, 2, 0, 1), alone(v));
  const all = add(add(reshape(ofPrompt, [R, h, d]), ofPast), ofSelf); // [R, h, d]
  const kept = (i: number) => slice(slice(all, 1, i, i + 1), 2, i * w, (i + 1) * w);
  const parts = Array.from({ length: h }, (_, i) => kept(i));
  return reshape(concat(parts, 2), [R, d]);
}
