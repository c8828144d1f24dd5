/** A published graph (PrimeKG) in the form of the project's own. */
import type { PublishedGraph } from "../../../core/knowledge.ts";
import type { GraphEdges, KnowledgeGraph } from "../types.ts";
import { hashOf } from "./build.ts";

/** The node that stands for "nothing known", the last of the graph. */
export const NOTHING = "nothing known";

/** Both directions of sorted edges, by counting: no list of objects, as there may be millions. */
function bothDirections({ from, to, relation }: PublishedGraph, nodes: number): GraphEdges {
  const offset = new Int32Array(nodes + 1);
  for (const ends of [from, to])
    for (const node of ends) offset[node + 1] = (offset[node + 1] as number) + 1;
  for (let i = 0; i < nodes; i++) offset[i + 1] = (offset[i + 1] as number) + (offset[i] as number);
  const next = offset.slice(0, nodes);
  const target = new Int32Array(2 * from.length);
  const kind = new Uint8Array(2 * from.length);
  const put = (node: number, other: number, e: number) => {
    const at = next[node] as number;
    next[node] = at + 1;
    target[at] = other;
    kind[at] = relation[e] as number;
  };
  // Edges are sorted by their lower end, then the higher: lower neighbours first, and both in order.
  for (let e = 0; e < from.length; e++) put(to[e] as number, from[e] as number, e);
  for (let e = 0; e < from.length; e++) put(from[e] as number, to[e] as number, e);
  return { offset, target, relation: kind, origin: new Uint8Array(2 * from.length) };
}

/** The graph with one more node for codes of which nothing is known (medtok.md 8.1 #11). */
export function publishedKnowledgeGraph(published: PublishedGraph): KnowledgeGraph {
  const count = published.nodeName.length;
  const edges = bothDirections(published, count + 1);
  const nodeType = new Uint8Array(count + 1);
  nodeType.set(published.nodeType);
  nodeType[count] = published.nodeTypes.length;
  return {
    nodeId: [...published.nodeName.map((_, i) => `${published.origin}/${i}`), NOTHING],
    nodeName: [...published.nodeName, NOTHING],
    nodeType,
    nodeTypes: [...published.nodeTypes, NOTHING],
    edges,
    relations: published.relations,
    origins: [published.origin],
    usesSubjects: false,
    hash: hashOf([published.nodeName, published.relations], [edges.target, edges.relation]),
  };
}
