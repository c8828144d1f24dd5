/**
 * Each code's part of the graph, cut once into flat arrays: by the rules of medtok.md 9.3 for the self-contained
 * graph, by given lists of nodes for a published one. The edge list is never scanned for a code.
 */
import { firstNotBefore } from "../../../core/search.ts";
import type { KnowledgeGraph, Subgraphs } from "../types.ts";
import { COOCCURS, hashOf, INCLUDES, IS_A } from "./build.ts";

export interface SubgraphLimits {
  /** Nodes of a subgraph, all in all. */
  readonly nodes: number;
  readonly children: number;
  readonly siblings: number;
  /** Codes of other systems and what is directly above them. */
  readonly mapped: number;
  readonly cooccurring: number;
}

export const SUBGRAPH_LIMITS: SubgraphLimits = {
  nodes: 48,
  children: 8,
  siblings: 8,
  mapped: 8,
  cooccurring: 16,
};

/** The targets of a node's edges that are of the wanted relations, in order, distinct. */
function neighbours(
  { edges }: KnowledgeGraph,
  node: number,
  isWanted: (relation: number) => boolean,
): number[] {
  const found: number[] = [];
  for (let e = edges.offset[node] as number; e < (edges.offset[node + 1] as number); e++) {
    const target = edges.target[e] as number;
    if (isWanted(edges.relation[e] as number) && found.at(-1) !== target) found.push(target);
  }
  return found;
}

/** The `count` siblings nearest to a node in the order of the nodes below its parent, the node itself left out. */
function around(below: readonly number[], node: number, count: number): number[] {
  const at = below.indexOf(node);
  const found: number[] = [];
  for (let step = 1; found.length < count && step < below.length; step++)
    for (const near of [at - step, at + step]) {
      const sibling = below[near];
      if (near >= 0 && sibling !== undefined && found.length < count) found.push(sibling);
    }
  return found;
}

/** Relations to what stands for the same thing; drugs that interact, say, do not. */
const SAME: ReadonlySet<string> = new Set(["equivalent", "approx", "contains"]);

interface Cut {
  /** Distinct, the code's own node first. */
  readonly nodes: readonly number[];
  /** See `Subgraphs.core`. */
  readonly core: number;
}

class Cutter {
  readonly #graph: KnowledgeGraph;
  readonly #limits: SubgraphLimits;
  readonly #up: number;
  readonly #down: number;
  readonly #together: number;
  readonly #same: ReadonlySet<number>;
  /** What lies below a node, kept: siblings share it. */
  readonly #below = new Map<number, number[]>();

  constructor(graph: KnowledgeGraph, limits: SubgraphLimits) {
    this.#graph = graph;
    this.#limits = limits;
    this.#up = graph.relations.indexOf(IS_A);
    this.#down = graph.relations.indexOf(INCLUDES);
    this.#together = graph.relations.indexOf(COOCCURS);
    this.#same = new Set(graph.relations.flatMap((name, r) => (SAME.has(name) ? [r] : [])));
  }

  /**
   * Own node, mapped codes, ancestors to the root, children, siblings, what is above mapped codes,
   * co-occurrence; and how many of the first stand for the code itself.
   */
  nodesOf(code: number): Cut {
    const { nodes, children, siblings, mapped, cooccurring } = this.#limits;
    const kept = new Set<number>([code]);
    const add = (more: readonly number[]) => {
      for (const node of more) if (kept.size < nodes) kept.add(node);
    };
    const parents = this.#above(code);
    const same = neighbours(this.#graph, code, (r) => this.#same.has(r)).slice(0, mapped);
    add(same);
    const core = kept.size;
    const others = neighbours(this.#graph, code, (r) => this.#isMap(r) && !this.#same.has(r));
    const partners = [...same, ...others].slice(0, mapped);
    add(this.#upFrom(parents));
    add(this.#children(code).slice(0, children));
    const first = parents[0];
    if (first !== undefined) add(around(this.#children(first), code, siblings));
    add(partners);
    for (const partner of partners) add(this.#upFrom(this.#above(partner)));
    add(neighbours(this.#graph, code, (r) => r === this.#together).slice(0, cooccurring));
    return { nodes: [...kept], core };
  }

  /** These nodes and everything above them, nearest first. */
  #upFrom(nodes: readonly number[]): number[] {
    const found = [...nodes];
    for (const node of found)
      for (const above of this.#above(node)) if (!found.includes(above)) found.push(above);
    return found;
  }

  #isMap(relation: number): boolean {
    return relation !== this.#up && relation !== this.#down && relation !== this.#together;
  }

  #above(node: number): number[] {
    return neighbours(this.#graph, node, (relation) => relation === this.#up);
  }

  #children(node: number): number[] {
    const known = this.#below.get(node);
    if (known !== undefined) return known;
    const found = neighbours(this.#graph, node, (relation) => relation === this.#down);
    this.#below.set(node, found);
    return found;
  }
}

/** How many edges there are from `a` to `b`, by binary search among the sorted targets of `a`. */
function edgesBetween({ edges }: KnowledgeGraph, a: number, b: number): number {
  const { offset, target } = edges;
  const end = offset[a + 1] as number;
  const first = firstNotBefore(offset[a] as number, end, (i) => (target[i] as number) < b);
  let count = 0;
  while (first + count < end && target[first + count] === b) count += 1;
  return count;
}

/** Up to this many edges a node's list is read through, which is faster than a search for each pair. */
const SHORT_LIST = 512;

/** Finds the edges among a code's nodes; kept for all codes, as it holds an entry a node of the graph. */
class Induced {
  readonly #graph: KnowledgeGraph;
  /** Position of a node within the code at hand, -1 for all others. */
  readonly #position: Int32Array;

  constructor(graph: KnowledgeGraph) {
    this.#graph = graph;
    this.#position = new Int32Array(graph.nodeId.length).fill(-1);
  }

  #isShort(node: number): boolean {
    const { offset } = this.#graph.edges;
    return (offset[node + 1] as number) - (offset[node] as number) <= SHORT_LIST;
  }

  /** Calls `take` with the positions of both ends of every edge among `nodes`, each edge once, sorted, lower first. */
  each(nodes: readonly number[], take: (from: number, to: number) => void): void {
    for (const [i, node] of nodes.entries()) this.#position[node] = i;
    const keys: number[] = [];
    for (const [i, node] of nodes.entries())
      if (this.#isShort(node)) this.#read(node, i, nodes, keys);
      else this.#search(node, i, nodes, keys);
    keys.sort((a, b) => a - b);
    for (const key of keys) take(Math.floor(key / nodes.length), key % nodes.length);
    for (const node of nodes) this.#position[node] = -1;
  }

  /** Edges of a node with a short list: those to later nodes, and to earlier ones with long lists. */
  #read(node: number, i: number, nodes: readonly number[], keys: number[]): void {
    const { offset, target } = this.#graph.edges;
    for (let e = offset[node] as number; e < (offset[node + 1] as number); e++) {
      const other = target[e] as number;
      const j = this.#position[other] as number;
      if (j > i) keys.push(i * nodes.length + j);
      else if (j >= 0 && j < i && !this.#isShort(other)) keys.push(j * nodes.length + i);
    }
  }

  /** Edges of a node with a long list to later nodes with long lists. */
  #search(node: number, i: number, nodes: readonly number[], keys: number[]): void {
    for (let j = i + 1; j < nodes.length; j++) {
      const other = nodes[j] as number;
      if (this.#isShort(other)) continue;
      for (let k = edgesBetween(this.#graph, node, other); k > 0; k--)
        keys.push(i * nodes.length + j);
    }
  }
}

/** Flat arrays of subgraphs whose nodes `nodesOf` lists, code by code. */
function collect(graph: KnowledgeGraph, codes: number, nodesOf: (code: number) => Cut): Subgraphs {
  const node: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  const core = new Int32Array(codes);
  const nodeOffset = new Int32Array(codes + 1);
  const edgeOffset = new Int32Array(codes + 1);
  const induced = new Induced(graph);
  for (let code = 0; code < codes; code++) {
    const { nodes, core: own } = nodesOf(code);
    core[code] = own;
    for (const one of nodes) node.push(one);
    induced.each(nodes, (a, b) => {
      from.push(a);
      to.push(b);
    });
    nodeOffset[code + 1] = node.length;
    edgeOffset[code + 1] = from.length;
  }
  const arrays = {
    nodeOffset,
    node: Int32Array.from(node),
    core,
    edgeOffset,
    edgeFrom: Uint16Array.from(from),
    edgeTo: Uint16Array.from(to),
  };
  const hash = hashOf([[String(graph.nodeId.length)]], Object.values(arrays));
  return { nodeCount: graph.nodeId.length, ...arrays, hash };
}

/** Subgraphs of the first `codes` nodes of a self-contained graph. */
export function cutSubgraphs(
  graph: KnowledgeGraph,
  codes: number,
  limits: SubgraphLimits = SUBGRAPH_LIMITS,
): Subgraphs {
  const cutter = new Cutter(graph, limits);
  return collect(graph, codes, (code) => cutter.nodesOf(code));
}

/** Lists of nodes by code, in CSR form. */
export interface NodeLists {
  readonly offset: Int32Array;
  readonly node: Int32Array;
}

/**
 * Subgraphs by given lists of nodes, sorted, without duplicates (medtok.md 8.1 #18), cut to `most` nodes. The
 * last node of the graph stands for "nothing known" and is the subgraph of a code whose list is empty (#11).
 */
export function subgraphsFromLists(
  graph: KnowledgeGraph,
  lists: NodeLists,
  most = SUBGRAPH_LIMITS.nodes,
): Subgraphs {
  const nothing = graph.nodeId.length - 1;
  return collect(graph, lists.offset.length - 1, (code) => {
    const own = lists.node.subarray(lists.offset[code], lists.offset[code + 1]);
    const distinct = [...new Set(own)].sort((a, b) => a - b).slice(0, most);
    return { nodes: distinct.length > 0 ? distinct : [nothing], core: 0 };
  });
}
