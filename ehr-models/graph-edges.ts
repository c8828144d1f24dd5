/**
 * Pretraining on edges: vectors of codes such that codes of one visit are near each other along a vector of
 * their relation (TransE: Bordes et al., NeurIPS 2013; the initialisation of MulT-EHR's nodes).
 *
 *   score(x, r, y) = -‖f_x + ρ_r - f_y‖_1;   loss = mean of max(0, γ - score(true edge) + score(false edge))
 *
 * A true edge joins two known codes of one visit of a training timeline, a false one has another code drawn
 * in y's place; r is the pair of their kinds. Edges are drawn anew in every epoch.
 */

import { CODE_KINDS } from "../core/event-store.ts";
import type { Random } from "../core/random.ts";
import type { History, SampleSource } from "../core/samples.ts";
import { FIRST_KNOWN_UNIT, type Tokenizer } from "../core/tokenizer.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { normal } from "../engine/initial.ts";
import { lookup, table } from "../engine/layers/embedding.ts";
import { relu } from "../engine/ops/activation.ts";
import { abs, add, div, mul, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice } from "../engine/ops/layout.ts";
import { sum } from "../engine/ops/reduction.ts";
import type { BatchSource } from "./batch-source.ts";
import { embedCodes } from "./code-embedding.ts";
import type { StageFeeds } from "./pretraining.ts";

/** Edges drawn of a timeline, and false ones for each. */
const EDGES = 8;
const FALSE_EDGES = 5;
const X = "edges.x";
const Y = "edges.y";
const FALSE_Y = "edges.falseY";
const RELATION = "edges.relation";
const IS_EDGE = "edges.isEdge";

/** Timelines as an empty batch: what an edge is made of is drawn in `drawEdges`. */
export function edgeSource(timelines: SampleSource): BatchSource {
  return {
    size: timelines.size,
    specs: {},
    lengthOf: () => EDGES * (2 + FALSE_EDGES),
    collate: (samples) => ({ feeds: {}, dims: { B: samples.length } }),
  };
}

interface Edge {
  readonly x: number;
  readonly y: number;
  readonly relation: number;
}

/** Two different known codes of one visit; undefined where the draw finds none. */
function drawEdge(history: History, unit: Int32Array, random: Random): Edge | undefined {
  if (history.length < 2) return undefined;
  const i = random.below(history.length);
  const partners: number[] = [];
  const unitAt = (at: number) => unit[history.code[at] as number] as number;
  for (let j = 0; j < history.length; j++)
    if (
      history.visit[j] === history.visit[i] &&
      unitAt(j) !== unitAt(i) &&
      unitAt(j) >= FIRST_KNOWN_UNIT
    )
      partners.push(j);
  if (partners.length === 0 || unitAt(i) < FIRST_KNOWN_UNIT) return undefined;
  const j = partners[random.below(partners.length)] as number;
  const relation = (history.kind[i] as number) * CODE_KINDS.length + (history.kind[j] as number);
  return { x: unitAt(i), y: unitAt(j), relation };
}

/** What `edgeLoss` reads for some timelines; the weight is the number of edges that were found. */
export function drawEdges(
  timelines: SampleSource,
  { unit, vocabularySize }: Tokenizer,
  samples: Int32Array,
  random: Random,
): StageFeeds {
  const n = samples.length * EDGES;
  const ids = (size: number) => new Int32Array(size);
  const [x, y, falseY, relation] = [ids(n), ids(n), ids(n * FALSE_EDGES), ids(n)];
  const isEdge = new Float32Array(n);
  for (const [b, sample] of samples.entries()) {
    const history = timelines.read(sample);
    for (let e = b * EDGES; e < (b + 1) * EDGES; e++) {
      const edge = drawEdge(history, unit, random);
      if (edge === undefined) continue;
      isEdge[e] = 1;
      x[e] = edge.x;
      y[e] = edge.y;
      relation[e] = edge.relation;
      for (let k = 0; k < FALSE_EDGES; k++)
        falseY[e * FALSE_EDGES + k] =
          FIRST_KNOWN_UNIT + random.below(vocabularySize - FIRST_KNOWN_UNIT);
    }
  }
  const feeds = { [X]: x, [Y]: y, [FALSE_Y]: falseY, [RELATION]: relation, [IS_EDGE]: isEdge };
  return { feeds, weight: isEdge.reduce((a, b) => a + b, 0) };
}

/** The mean loss over edges, shape []; `total` is the number of edges of the whole batch. */
export function edgeLoss(
  g: Graph,
  total: Tensor,
  tokenizer: Tokenizer,
  options: { readonly width: number; readonly initialScale: number; readonly margin: number },
): Tensor {
  const { width: d, initialScale, margin } = options;
  const [E, F] = [EDGES, FALSE_EDGES];
  const ids = (name: string, n: number) => g.input(name, ["B", n], "int32");
  const all = concat([ids(X, E), ids(Y, E), ids(FALSE_Y, E * F)], 1);
  const vectors = reshape(embedCodes(all, tokenizer, d, initialScale), ["B", E * (2 + F), d]);
  const part = (from: number, count: number) => slice(vectors, 1, from * E, (from + count) * E);
  const relations = CODE_KINDS.length ** 2;
  const rho = table(g, "relation.table", relations, d, { initial: normal(initialScale) });
  const moved = add(part(0, 1), lookup(rho, ids(RELATION, E))); // [B, E, d]
  const distance = (y: Tensor, n: number) =>
    sum(abs(sub(reshape(moved, ["B", E, 1, d]), reshape(y, ["B", E, n, d]))), [3]);
  const near = distance(part(1, 1), 1); // [B, E, 1]
  const far = distance(part(2, F), F); // [B, E, F]
  const hinge = relu(shift(sub(near, far), margin));
  const isEdge = reshape(g.input(IS_EDGE, ["B", E]), ["B", E, 1]);
  return div(scale(sum(mul(hinge, isEdge)), 1 / F), total);
}
