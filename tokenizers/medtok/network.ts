/**
 * MedTok's network as a graph: text projection, graph encoder over each code's subgraph, cross attention,
 * up to the four vectors that are quantized (Su et al., ICML 2025, section 3; medtok.md 2.1-2.4). Codes of
 * a step come in buckets of similar subgraph size, so that little of the padded work is wasted.
 */
import type { Graph, Tensor } from "../../engine/graph.ts";
import { normal, uniform, xavierUniform } from "../../engine/initial.ts";
import { relu } from "../../engine/ops/activation.ts";
import { add, mul } from "../../engine/ops/elementwise.ts";
import { gatherRows } from "../../engine/ops/indexing.ts";
import { concat, reshape, slice } from "../../engine/ops/layout.ts";
import { affine, matmul } from "../../engine/ops/matmul.ts";
import { addDims, type Dim, multiplyDims } from "../../engine/shape.ts";
import type { MedTokConfig } from "./config.ts";
import { type CrossLayer, crossLayer, crossLayerWeights } from "./cross-attention.ts";
import { type Dense, dense } from "./dense.ts";

/** Sizes that are part of the graph. */
export interface NetworkSizes {
  readonly codes: number;
  readonly words: number;
  readonly textWidth: number;
  readonly nodes: number;
  readonly buckets: number;
}

/** Names of the inputs that a bucket reads; see `batch.ts` for what is in them. */
export const inputName = (bucket: number, what: string): string => `bucket${bucket}.${what}`;

interface GraphWeights {
  /** [nodes, d]. */
  readonly table: Tensor;
  readonly layers: readonly [Dense, Dense];
  readonly specific: Dense;
}

interface Weights {
  readonly text: { readonly map: Dense; readonly specific: Dense } | undefined;
  readonly graph: GraphWeights | undefined;
  readonly cross: readonly CrossLayer[];
}

/** All trained weights but the codebook, with the initial values of the public code (medtok.md 2.8). */
function makeWeights(g: Graph, config: MedTokConfig, sizes: NetworkSizes): Weights {
  const { width, graphWidth, modality } = config;
  const linear = (name: string, i: number, o: number) =>
    dense(g, name, i, o, { weight: uniform(1 / Math.sqrt(i)) });
  const convolution = (name: string, i: number, o: number) =>
    dense(g, name, i, o, { weight: xavierUniform(i, o), zeroBias: true });
  const text = () => ({
    map: linear("textMap", sizes.textWidth, width),
    specific: linear("textSpecific", width, width),
  });
  const graph = () => ({
    table: g.parameter("nodes", [sizes.nodes, width], normal(1), false),
    layers: [
      convolution("graph0", width, graphWidth),
      convolution("graph1", graphWidth, width),
    ] as const,
    specific: linear("graphSpecific", width, width),
  });
  return {
    text: modality === "graph" ? undefined : text(),
    graph: modality === "text" ? undefined : graph(),
    cross: [0, 1].map((layer) => crossLayerWeights(g, `cross${layer}`, width)),
  };
}

/** States of a bucket: [b·n, d] for its b codes, with what is needed to read them. */
interface States {
  readonly rows: Tensor;
  readonly length: Dim;
  /** 0 for a state, -1e9 for padding, [b, 1, 1, n]. */
  readonly bias: Tensor;
}

/** What the encoders give for a whole step; undefined where the modality is left out. */
export interface Encoded {
  /** Unimodal vectors before projection, [B, d]. */
  readonly text: Tensor | undefined;
  readonly graph: Tensor | undefined;
  /** e_t^s, e_g^s, e_t^c, e_g^c, each [B, d]. */
  readonly parts: readonly (Tensor | undefined)[];
  /** The two specific vectors of the augmented views; only in training graphs. */
  readonly views: readonly (Tensor | undefined)[];
}

class Builder {
  readonly weights: Weights;
  readonly #g: Graph;
  readonly #config: MedTokConfig;
  readonly #sizes: NetworkSizes;

  constructor(g: Graph, config: MedTokConfig, sizes: NetworkSizes) {
    this.#g = g;
    this.#config = config;
    this.#sizes = sizes;
    this.weights = makeWeights(g, config, sizes);
  }

  batchOf(bucket: number): Dim {
    return `B${bucket}`;
  }

  batch(): Dim {
    return addDims(...Array.from({ length: this.#sizes.buckets }, (_, i) => this.batchOf(i)));
  }

  /** Frozen sentence vectors of the step's codes through the text projection, [B, d]; dropped out for a view. */
  sentence(map: Dense, isView: boolean): Tensor {
    const g = this.#g;
    const { codes, textWidth } = this.#sizes;
    const table = g.input("sentences", [codes, textWidth]);
    const x = gatherRows(table, g.input("rows", [this.batch()], "int32"));
    const rate = this.#config.textDropout;
    const dropped =
      isView && rate > 0
        ? mul(
            x,
            g.scope("textView", () => g.mask(x.shape, rate)),
          )
        : x;
    return affine(dropped, map.weight, map.bias, { fewRows: true });
  }

  /** The bucket's tokens: the sentence in front, then the words, [b·(1+T), d]. */
  tokens(map: Dense, sentence: Tensor, bucket: number): States {
    const g = this.#g;
    const { words, textWidth } = this.#sizes;
    const { width } = this.#config;
    const b = this.batchOf(bucket);
    const length = `T${bucket}`;
    const ids = g.input(inputName(bucket, "words"), [multiplyDims(b, length)], "int32");
    const table = g.input("words", [words, textWidth]);
    const projected = affine(gatherRows(table, ids), map.weight, map.bias);
    const parts = [reshape(sentence, [b, 1, width]), reshape(projected, [b, length, width])];
    const all = addDims(length, 1);
    return {
      rows: reshape(concat(parts, 1), [multiplyDims(b, all), width]),
      length: all,
      bias: g.input(inputName(bucket, "wordBias"), [b, 1, 1, all]),
    };
  }

  /** Two graph convolutions over a bucket's subgraphs, [b·n, d] (Kipf and Welling 2017). */
  nodes({ table, layers }: GraphWeights, bucket: number, isView: boolean): States {
    const g = this.#g;
    const { width } = this.#config;
    const b = this.batchOf(bucket);
    const n = `n${bucket}`;
    const rows = multiplyDims(b, n);
    const adjacency = g.input(inputName(bucket, isView ? "viewAdjacency" : "adjacency"), [b, n, n]);
    const ids = g.input(inputName(bucket, "nodes"), [rows], "int32");
    const spread = (x: Tensor) =>
      reshape(matmul(adjacency, reshape(x, [b, n, width])), [rows, width]);
    const hidden = relu(affine(spread(gatherRows(table, ids)), layers[0].weight, layers[0].bias));
    return {
      rows: add(spread(matmul(hidden, layers[1].weight)), layers[1].bias),
      length: n,
      bias: g.input(inputName(bucket, "nodeBias"), [b, 1, 1, n]),
    };
  }

  /** The states with some edges dropped; only in training graphs. */
  view(bucket: number): States | undefined {
    const { graph } = this.weights;
    return graph && this.#g.training ? this.nodes(graph, bucket, true) : undefined;
  }

  /** Mean over a bucket's nodes, [b, d]. */
  pooled(states: Tensor, bucket: number): Tensor {
    const { width } = this.#config;
    const b = this.batchOf(bucket);
    const n = `n${bucket}`;
    const share = this.#g.input(inputName(bucket, "share"), [b, 1, n]);
    return reshape(matmul(share, reshape(states, [b, n, width])), [b, width]);
  }

  /** Both layers of cross attention; each reads the original states of the other side as keys and values. */
  attend(queries: Tensor, count: Dim, memory: States, bucket: number, name: string): Tensor {
    const b = this.batchOf(bucket);
    let x = queries;
    for (const [i, layer] of this.weights.cross.entries())
      x = this.#g.scope(inputName(bucket, `${name}${i}`), () =>
        crossLayer(x, memory.rows, layer, {
          heads: this.#config.heads,
          batch: b,
          queries: count,
          keys: memory.length,
          bias: memory.bias,
          dropout: this.#config.attentionDropout,
        }),
      );
    return x;
  }

  /** Rows of a step's [B, d] that belong to a bucket. */
  part(x: Tensor, bucket: number): Tensor {
    let from: Dim = 0;
    for (let i = 0; i < bucket; i++) from = addDims(from, this.batchOf(i));
    return slice(x, 0, from, addDims(from, this.batchOf(bucket)));
  }
}

/** What one bucket gives; each [b, d]. */
interface BucketVectors {
  readonly graph: Tensor | undefined;
  readonly graphView: Tensor | undefined;
  readonly textShared: Tensor | undefined;
  readonly graphShared: Tensor | undefined;
}

/**
 * Text direction: only the sentence asks, as only its output is read and queries do not see each other;
 * keys and values are the nodes. Graph direction: every node asks, keys and values are the sentence and the
 * words. Without one modality the same layers attend within the other.
 */
function bucketVectors(builder: Builder, text: Tensor | undefined, i: number): BucketVectors {
  const { weights } = builder;
  const sentence = text === undefined ? undefined : builder.part(text, i);
  const tokens =
    weights.text === undefined || sentence === undefined
      ? undefined
      : builder.tokens(weights.text.map, sentence, i);
  const nodes = weights.graph === undefined ? undefined : builder.nodes(weights.graph, i, false);
  const askedByText = nodes ?? tokens;
  const askedByGraph = tokens ?? nodes;
  const view = builder.view(i);
  return {
    graph: nodes && builder.pooled(nodes.rows, i),
    graphView: view && builder.pooled(view.rows, i),
    textShared: sentence && askedByText && builder.attend(sentence, 1, askedByText, i, "text"),
    graphShared:
      nodes &&
      askedByGraph &&
      builder.pooled(builder.attend(nodes.rows, nodes.length, askedByGraph, i, "graph"), i),
  };
}

function joined(parts: readonly (Tensor | undefined)[]): Tensor | undefined {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? undefined : concat(present, 0);
}

const through = (x: Tensor | undefined, layer: Dense | undefined): Tensor | undefined =>
  x && layer && affine(x, layer.weight, layer.bias);

/** The network up to the four vectors; makes all parameters but the codebook. */
export function encode(g: Graph, config: MedTokConfig, sizes: NetworkSizes): Encoded {
  const builder = new Builder(g, config, sizes);
  const { text: textWeights, graph: graphWeights } = builder.weights;
  const text = textWeights && builder.sentence(textWeights.map, false);
  const buckets = Array.from({ length: sizes.buckets }, (_, i) => bucketVectors(builder, text, i));
  const graph = joined(buckets.map((b) => b.graph));
  const textView = g.training && textWeights ? builder.sentence(textWeights.map, true) : undefined;
  return {
    text,
    graph,
    parts: [
      through(text, textWeights?.specific),
      through(graph, graphWeights?.specific),
      joined(buckets.map((b) => b.textShared)),
      joined(buckets.map((b) => b.graphShared)),
    ],
    views: [
      through(textView, textWeights?.specific),
      through(joined(buckets.map((b) => b.graphView)), graphWeights?.specific),
    ],
  };
}
