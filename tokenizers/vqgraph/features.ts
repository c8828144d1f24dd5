/**
 * What the layer reads about each node. A graph of codes has no node features: `Deviation:` a node's features are a
 * random projection of its row of the adjacency matrix, so that nodes with the same neighbours have the same
 * features and nodes without common ones have nearly orthogonal ones.
 */
import type { Random } from "../../core/random.ts";
import type { GraphEdges } from "../medtok/types.ts";

export interface NodeFeatures {
  readonly width: number;
  /** [nodes × width] unit rows; zeros for a node without neighbours. */
  readonly own: Float32Array;
  /** [nodes × width] D^-1/2 (A + I) D^-1/2 of them: what a first layer of graph convolution multiplies. */
  readonly around: Float32Array;
}

function unitRows(values: Float32Array, width: number): void {
  for (let at = 0; at < values.length; at += width) {
    let square = 0;
    for (let j = 0; j < width; j++) square += (values[at + j] as number) ** 2;
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let j = 0; j < width; j++) values[at + j] = (values[at + j] as number) * scale;
  }
}

/** Adds `weight` times row `from` of `source` to row `to` of `target`. */
function addRow(
  target: Float32Array,
  to: number,
  source: Float32Array,
  from: number,
  weight: number,
  width: number,
): void {
  const [a, b] = [to * width, from * width];
  for (let j = 0; j < width; j++)
    target[a + j] = (target[a + j] as number) + weight * (source[b + j] as number);
}

/** Features of all nodes. The same graph, width and stream give the same numbers. */
export function nodeFeatures(edges: GraphEdges, width: number, random: Random): NodeFeatures {
  const { offset, target } = edges;
  const nodes = offset.length - 1;
  const drawn = Float32Array.from({ length: nodes * width }, () => random.normal());
  const own = new Float32Array(nodes * width);
  for (let i = 0; i < nodes; i++)
    for (let e = offset[i] as number; e < (offset[i + 1] as number); e++)
      addRow(own, i, drawn, target[e] as number, 1, width);
  unitRows(own, width);
  // Degrees count the loop; parallel edges count each.
  const scale = Float64Array.from({ length: nodes }, (_, i) => {
    const degree = 1 + (offset[i + 1] as number) - (offset[i] as number);
    return 1 / Math.sqrt(degree);
  });
  const around = drawn.fill(0);
  for (let i = 0; i < nodes; i++) {
    const mine = scale[i] as number;
    addRow(around, i, own, i, mine * mine, width);
    for (let e = offset[i] as number; e < (offset[i + 1] as number); e++) {
      const other = target[e] as number;
      addRow(around, i, own, other, mine * (scale[other] as number), width);
    }
  }
  return { width, own, around };
}
