/**
 * The edges that an artefact keeps for `inspect`. Of the self-contained graph all of them; of a published one, which
 * has millions, each code's nodes and those edges that lie in some code's subgraph: what the network saw.
 */
import { HAS_NODE } from "../artefact/config.ts";
import type { GraphLine } from "../artefact/write.ts";
import { INCLUDES, IS_A } from "../medtok/graph/build.ts";
import type { CodeInputs, KnowledgeGraph, Subgraphs } from "../medtok/types.ts";

/** Whether codes are the graph's first nodes, as in the self-contained one. */
export function codesAreNodes(graph: KnowledgeGraph, codes: readonly string[]): boolean {
  return codes.every((code, row) => graph.nodeId[row] === code);
}

/** Every edge once: up the hierarchy, and from the lower node where there is no direction. */
function* ownLines(graph: KnowledgeGraph): Iterable<GraphLine> {
  const { offset, target, relation, origin } = graph.edges;
  const [up, down] = [graph.relations.indexOf(IS_A), graph.relations.indexOf(INCLUDES)];
  for (let node = 0; node < graph.nodeId.length; node++)
    for (let e = offset[node] as number; e < (offset[node + 1] as number); e++) {
      const other = target[e] as number;
      if (relation[e] === down || (relation[e] !== up && other < node)) continue;
      yield {
        from: graph.nodeId[node] as string,
        relation: graph.relations[relation[e] as number] as string,
        to: graph.nodeId[other] as string,
        origin: graph.origins[origin[e] as number] as string,
      };
    }
}

/** Pairs of nodes, lower first, that are linked in some subgraph: a · nodes + b, sorted, each once. */
function linkedPairs(graph: KnowledgeGraph, subgraphs: Subgraphs): Float64Array {
  const { nodeOffset, node, edgeOffset, edgeFrom, edgeTo } = subgraphs;
  const keys = new Float64Array(edgeFrom.length);
  for (let code = 0; code + 1 < edgeOffset.length; code++) {
    const start = nodeOffset[code] as number;
    for (let e = edgeOffset[code] as number; e < (edgeOffset[code + 1] as number); e++) {
      const a = node[start + (edgeFrom[e] as number)] as number;
      const b = node[start + (edgeTo[e] as number)] as number;
      keys[e] = Math.min(a, b) * graph.nodeId.length + Math.max(a, b);
    }
  }
  keys.sort();
  return keys.filter((key, i) => i === 0 || key !== keys[i - 1]);
}

function* publishedLines(
  graph: KnowledgeGraph,
  codes: CodeInputs,
  subgraphs: Subgraphs,
): Iterable<GraphLine> {
  const named = (node: number) => {
    const [id, name] = [graph.nodeId[node] as string, graph.nodeName[node] as string];
    return id === name ? id : `${id} (${name})`;
  };
  const { nodeOffset, node } = subgraphs;
  for (const [row, code] of codes.code.entries())
    for (let i = nodeOffset[row] as number; i < (nodeOffset[row + 1] as number); i++)
      yield {
        from: code,
        relation: HAS_NODE,
        to: named(node[i] as number),
        origin: "code table",
      };
  const { offset, target, relation, origin } = graph.edges;
  for (const key of linkedPairs(graph, subgraphs)) {
    const [a, b] = [Math.floor(key / graph.nodeId.length), key % graph.nodeId.length];
    for (let e = offset[a] as number; e < (offset[a + 1] as number); e++)
      if (target[e] === b)
        yield {
          from: named(a),
          relation: graph.relations[relation[e] as number] as string,
          to: named(b),
          origin: graph.origins[origin[e] as number] as string,
        };
  }
}

/** The lines of graph.tsv. */
export function graphLines(
  graph: KnowledgeGraph,
  codes: CodeInputs,
  subgraphs: Subgraphs,
): Iterable<GraphLine> {
  return codesAreNodes(graph, codes.code)
    ? ownLines(graph)
    : publishedLines(graph, codes, subgraphs);
}
