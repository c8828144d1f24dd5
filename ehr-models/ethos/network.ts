/**
 * The decoder of ETHOS: GPT-2's blocks without biases, learned positions, tied output (models.md 8.2).
 *
 *   X      = drop(E[token] + P[position])
 *   X      = X + drop(MHA(LN(X)));  X = X + drop(W2 gelu(W1 LN(X)))        n blocks, causal
 *   logits = LN(X) Eᵀ
 *
 * Three graphs share these equations and the names of their parameters: training (all positions, with a
 * loss), reading a prompt (all positions, keys and values kept), and one step for many futures at once
 * (`step-graph.ts`).
 */
import { Graph, type GraphOptions, type Tensor } from "../../engine/graph.ts";
import { given, normal } from "../../engine/initial.ts";
import { dropout, mask } from "../../engine/layers/dropout.ts";
import { lookup, table } from "../../engine/layers/embedding.ts";
import { layerNorm } from "../../engine/layers/layer-norm.ts";
import { gelu, softmax } from "../../engine/ops/activation.ts";
import { attention } from "../../engine/ops/attention.ts";
import { classLoss } from "../../engine/ops/class-loss.ts";
import { add, scale } from "../../engine/ops/elementwise.ts";
import { takeRows } from "../../engine/ops/indexing.ts";
import { concat, reshape, slice, transpose } from "../../engine/ops/layout.ts";
import { matmul, product } from "../../engine/ops/matmul.ts";
import { type Dim, multiplyDims } from "../../engine/shape.ts";
import { TOTAL_WEIGHT } from "../../engine/trainer.ts";
import { FACTS } from "./standing.ts";

export interface Network {
  /** V. */
  readonly vocabulary: number;
  /** d. */
  readonly width: number;
  readonly heads: number;
  /** n. */
  readonly layers: number;
  readonly feedForward: number;
  /** Positions that P holds. */
  readonly context: number;
  readonly dropout: number;
  readonly attentionDropout: number;
  /** First values of E [V × d]; drawn where left out. */
  readonly tokens?: Float32Array;
  /** Whether logits also read what stands beside a position (`standing.ts`). */
  readonly standing?: boolean;
  /** Share of whole codes that the sums of it go without in training. */
  readonly codeDropout?: number;
  /** What training also asks, see `lossGraph`. */
  readonly endings?: Endings;
}

/** The tokens that say how a stay ended, and the weight of telling them apart. */
export interface Endings {
  /** [G], at least two. */
  readonly tokens: Int32Array;
  readonly weight: number;
}

const INITIAL = 0.02;
const ROWS = multiplyDims("B", "L");

/**
 * x W for x [N, i] -> [N, width]. Outside training rows can be few, and then the first operand is
 * transposed twice, so that the numbers do not depend on the number of threads (`engine/ops/matmul.ts`).
 */
function dense(x: Tensor, width: number, name: string, deviation: number): Tensor {
  const g = x.graph;
  const inputs = x.shape[1] as number;
  const w = g.scope(name, () => g.parameter("weight", [inputs, width], normal(deviation)));
  if (g.training || inputs <= 128) return matmul(x, w);
  return product(transpose(x, [1, 0]), w, { transposeA: true });
}

interface Embedded {
  /** E[token]. */
  readonly alone: Tensor;
  /** E[token] + P[position]. */
  readonly placed: Tensor;
}

export function embed(g: Graph, network: Network, tokens: Tensor, positions: Tensor): Embedded {
  const { vocabulary, width, context } = network;
  const initial = network.tokens === undefined ? normal(INITIAL) : given(network.tokens);
  const E = table(g, "tokens", vocabulary, width, { initial, decay: true });
  const P = table(g, "positions", context, width, { initial: normal(INITIAL), decay: true });
  const alone = lookup(E, tokens);
  return { alone, placed: add(alone, lookup(P, positions)) };
}

/**
 * Sums [B, 2L, d] of vectors x [B, L, d], at most 256 columns at once: where a product had more of them than rows, its
 * numbers would depend on the number of threads (`engine/ops/matmul.ts`).
 */
function weighted(weights: Tensor, x: Tensor, d: number): Tensor {
  const most = 256;
  if (d <= most) return matmul(weights, x);
  const columns = (from: number) => slice(x, 2, from, Math.min(d, from + most));
  const starts = Array.from({ length: Math.ceil(d / most) }, (_, i) => i * most);
  return concat(
    starts.map((from) => matmul(weights, columns(from))),
    2,
  );
}

/** What stands beside each position, from E[token] [B, L, d]: [B*L, d]. Inputs: standing.weights, standing.facts. */
function besides(g: Graph, alone: Tensor, network: Network): Tensor {
  const { width: d, dropout: rate, codeDropout = 0 } = network;
  const weights = g.input("standing.weights", ["B", multiplyDims(2, "L"), "L"]);
  const facts = g.input("standing.facts", [ROWS, FACTS]);
  const kept = mask(alone, ["B", "L", 1], codeDropout, "standing.codes");
  const sums = weighted(weights, kept, d); // [B, 2L, d]
  const part = (from: Dim, to: Dim, name: string) =>
    dense(reshape(slice(sums, 1, from, to), [ROWS, d]), d, name, INITIAL);
  const ofCodes = add(part(0, "L", "ever"), part("L", multiplyDims(2, "L"), "latest"));
  return dropout(add(ofCodes, dense(facts, d, "facts", INITIAL)), rate, "standing");
}

/** h = LN(x), and what stands beside it: [N, d]. */
export function readout(x: Tensor, beside: Tensor | undefined): Tensor {
  const h = layerNorm(x, "norm");
  return beside === undefined ? h : add(h, beside);
}

/** h Eᵀ. */
export function logitsOf(h: Tensor, network: Network): Tensor {
  const E = h.graph.inputs.get("tokens") as Tensor;
  if (network.width <= 128) return matmul(h, transpose(E, [1, 0]));
  // Wider: V may pass N, see `dense`; as rows of E the product has the transposed form.
  return transpose(matmul(E, transpose(h, [1, 0])), [1, 0]);
}

/** [B*L, d] -> [B, h, L, d/h]. */
function heads(x: Tensor, batch: Dim, length: Dim, { heads: h, width }: Network): Tensor {
  return transpose(reshape(x, [batch, length, h, width / h]), [0, 2, 1, 3]);
}

/** [B, h, L, d/h] -> [rows, d]. */
function merged(x: Tensor, rows: Dim, width: number): Tensor {
  return reshape(transpose(x, [0, 2, 1, 3]), [rows, width]);
}

/** How a block attends: queries, keys and values [N, d] -> [N, d]. */
type Attend = (q: Tensor, k: Tensor, v: Tensor, layer: number) => Tensor;

export function blocks(x: Tensor, network: Network, attend: Attend): Tensor {
  const { width: d, layers, feedForward: f } = network;
  const residual = INITIAL / Math.sqrt(2 * layers);
  const drop = (u: Tensor, part: string) => dropout(u, network.dropout, part);
  let y = x;
  for (let i = 0; i < layers; i++) {
    y = x.graph.scope(`layer${i}`, () => {
      const unit = layerNorm(y, "norm1");
      const [q, k, v] = ["query", "key", "value"].map((name) => dense(unit, d, name, INITIAL));
      const attended = attend(q as Tensor, k as Tensor, v as Tensor, i);
      const z = add(y, drop(dense(attended, d, "output", residual), "afterAttention"));
      const inner = gelu(dense(layerNorm(z, "norm2"), f, "expand", INITIAL));
      return add(z, drop(dense(inner, d, "contract", residual), "afterFeedForward"));
    });
  }
  return y;
}

/** Causal attention over whole rows [B, L]; `keep` is handed the keys and values, [B*L, d]. */
function causally(g: Graph, network: Network, keep: (k: Tensor, v: Tensor) => void): Attend {
  const bias = g.input("causal", [1, 1, "L", "L"]);
  const rate = network.attentionDropout;
  return (q, k, v) => {
    const split = (x: Tensor) => heads(x, "B", "L", network);
    keep(k, v);
    const isDropped = g.training && rate > 0;
    const mask = isDropped ? { mask: g.mask(["B", network.heads, "L", "L"], rate) } : {};
    return merged(attention(split(q), split(k), split(v), { bias, ...mask }), ROWS, network.width);
  };
}

interface Rows {
  /** After the last block, [B*L, d]. */
  readonly x: Tensor;
  readonly beside: Tensor | undefined;
}

function wholeRows(g: Graph, network: Network, keep: (k: Tensor, v: Tensor) => void): Rows {
  const tokens = g.input("tokens.ids", ["B", "L"], "int32");
  const positions = g.input("positions.ids", ["B", "L"], "int32");
  const { alone, placed } = embed(g, network, tokens, positions);
  const beside = network.standing === true ? besides(g, alone, network) : undefined;
  const rows = dropout(reshape(placed, [ROWS, network.width]), network.dropout, "input");
  return { x: blocks(rows, network, causally(g, network, keep)), beside };
}

/** Values of the input "causal" for rows of a length: 0 where a key is not after its query, else -1e9. */
export function causalBias(length: number): Float32Array {
  const bias = new Float32Array(length * length);
  for (let i = 0; i < length; i++) bias.fill(-1e9, i * length + i + 1, (i + 1) * length);
  return bias;
}

/**
 * Mean of the next-token loss over targets of weight 1. Inputs: tokens.ids, positions.ids, targets [B, L],
 * weight [B*L, 1], causal, totalWeight. In training, where the network has endings, with their share:
 *
 *   loss = (Σ -log p(y) + w Σ' -log (p(y) / Σ_G p)) / total        Σ' over targets y that are in G
 *
 * The second sum only asks which ending it was, given that the stay ended there, so that no token becomes
 * likelier for it than it is. Inputs for it: endings.rows [K], of the B*L; endings.targets [K], numbers in G;
 * endings.weight [K, 1]. K is at least the number of endings, so that results do not depend on threads.
 */
export function lossGraph(network: Network, training: boolean): { graph: Graph; loss: Tensor } {
  const graph = new Graph({ training });
  const { x, beside } = wholeRows(graph, network, () => {});
  const h = readout(x, beside);
  const targets = reshape(graph.input("targets", ["B", "L"], "int32"), [ROWS]);
  const weight = graph.input("weight", [ROWS, 1]);
  const total = graph.input(TOTAL_WEIGHT, []);
  const loss = classLoss(logitsOf(h, network), targets, { weight, total });
  if (!training || network.endings === undefined) return { graph, loss };
  return { graph, loss: add(loss, endingLoss(h, total, network.endings)) };
}

function endingLoss(h: Tensor, total: Tensor, endings: Endings): Tensor {
  const g = h.graph;
  const E = g.inputs.get("tokens") as Tensor;
  const G = endings.tokens.length;
  const asked = takeRows(h, g.input("endings.rows", ["K"], "int32")); // [K, d]
  const rows = takeRows(E, g.constant(endings.tokens, [G], "int32")); // [G, d]
  const targets = g.input("endings.targets", ["K"], "int32");
  const weight = g.input("endings.weight", ["K", 1]);
  const logits = matmul(asked, transpose(rows, [1, 0]));
  return scale(classLoss(logits, targets, { weight, total }), endings.weight);
}

/** Logits of all positions, [B*L, V], for export and tests. */
export function fullGraph(
  network: Network,
  options: GraphOptions = {},
): { graph: Graph; logits: Tensor } {
  const graph = new Graph(options);
  const { x, beside } = wholeRows(graph, network, () => {});
  return { graph, logits: logitsOf(readout(x, beside), network) };
}

export interface PromptGraph {
  readonly graph: Graph;
  /** [1, V] after the last position, which the input `last` [1] names. */
  readonly probabilities: Tensor;
  /** What stands beside that position, [1, d]. */
  readonly beside: Tensor | undefined;
  /** Per layer, [L, d]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** softmax(logits / temperature). */
export function probabilitiesOf(logits: Tensor, temperature: number): Tensor {
  return softmax(temperature === 1 ? logits : scale(logits, 1 / temperature));
}

/** Reads one prompt: B is 1, positions after the prompt are padding that nothing looks at. */
export function promptGraph(network: Network, temperature: number): PromptGraph {
  const graph = new Graph();
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  const [probabilities, beside] = graph.withoutGradient(() => {
    const rows = wholeRows(graph, network, (k, v) => {
      keys.push(k);
      values.push(v);
    });
    const last = graph.input("last", [1], "int32");
    const beside = rows.beside === undefined ? undefined : lookup(rows.beside, last);
    const h = readout(lookup(rows.x, last), beside);
    return [probabilitiesOf(logitsOf(h, network), temperature), beside];
  });
  return { graph, probabilities, beside, keys, values };
}
