/** Which nodes a step looks at: random ones, each with some of its neighbours, so that there are edges to rebuild. */
import type { Random } from "../../core/random.ts";
import type { GraphEdges } from "../medtok/types.ts";

export interface Block {
  /** [n] distinct nodes. */
  readonly nodes: Int32Array;
  /** [n × n] 1 where two nodes are linked, and on the diagonal. */
  readonly linked: Float32Array;
}

/** At most `most` neighbours of a node, drawn without replacement; all of them where there are no more. */
function someNeighbours(edges: GraphEdges, node: number, most: number, random: Random): Int32Array {
  const [from, to] = [edges.offset[node] as number, edges.offset[node + 1] as number];
  const all = edges.target.slice(from, to);
  if (all.length <= most) return all;
  // Hubs have thousands of neighbours: positions are drawn, not the whole list shuffled.
  const places = new Set<number>();
  while (places.size < most) places.add(random.below(all.length));
  return Int32Array.from(places, (place) => all[place] as number);
}

/** A block of `size` nodes, or of all nodes where there are no more. */
export function drawBlock(
  edges: GraphEdges,
  size: number,
  neighbours: number,
  random: Random,
): Block {
  const count = edges.offset.length - 1;
  const kept = new Map<number, number>();
  const wanted = Math.min(size, count);
  const add = (node: number) => {
    if (kept.size < wanted && !kept.has(node)) kept.set(node, kept.size);
  };
  if (wanted === count) for (let node = 0; node < count; node++) add(node);
  while (kept.size < wanted) {
    const node = random.below(count);
    add(node);
    for (const other of someNeighbours(edges, node, neighbours, random)) add(other);
  }
  const linked = new Float32Array(wanted * wanted);
  for (const [node, i] of kept) {
    linked[i * wanted + i] = 1;
    for (let e = edges.offset[node] as number; e < (edges.offset[node + 1] as number); e++) {
      const j = kept.get(edges.target[e] as number);
      if (j !== undefined) linked[i * wanted + j] = 1;
    }
  }
  return { nodes: Int32Array.from(kept.keys()), linked };
}
