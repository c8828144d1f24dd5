/**
 * First vectors of the graph's nodes, from texts. `Deviation:` the public code draws them at random (medtok.md 2.2).
 * With few codes they stay what they were drawn as: a name for each node that knows nothing of the others, and
 * the contrast between codes reads little else. So a code's own node starts from the text features of its
 * description, any other node from their mean over the codes whose subgraph it is in.
 *
 *   v_n = (t_n R - mean) · scale,   R Gaussian [text width, d], mean over nodes, |v_n|² = d on average, as of normal draws
 */
import type { Random } from "../../core/random.ts";
import type { MedTokInputs } from "./types.ts";

/** 1 for nodes that some code calls its own. */
function ownNodes({ subgraphs, codes }: MedTokInputs): Uint8Array {
  const { nodeCount, node, nodeOffset, core } = subgraphs;
  const isOwn = new Uint8Array(nodeCount);
  for (let row = 0; row < codes.code.length; row++)
    if ((core[row] as number) > 0) isOwn[node[nodeOffset[row] as number] as number] = 1;
  return isOwn;
}

/** t R of every code, [codes × d]. */
function projected({ text, codes }: MedTokInputs, d: number, random: Random): Float32Array {
  const projection = Float64Array.from({ length: text.width * d }, () => random.normal());
  const vectors = new Float32Array(codes.code.length * d);
  for (let row = 0; row < codes.code.length; row++)
    for (let i = 0; i < text.width; i++) {
      const x = text.sentence[row * text.width + i] as number;
      for (let j = 0; j < d; j++)
        vectors[row * d + j] =
          (vectors[row * d + j] as number) + x * (projection[i * d + j] as number);
    }
  return vectors;
}

/** Means of codes' vectors by node, [nodes × d], and of how many codes each is the mean. */
function byNode(inputs: MedTokInputs, vectors: Float32Array, d: number) {
  const { node, nodeOffset, nodeCount } = inputs.subgraphs;
  const isOwn = ownNodes(inputs);
  const counts = new Uint32Array(nodeCount);
  const means = new Float64Array(nodeCount * d);
  const add = (n: number, row: number) => {
    const count = (counts[n] as number) + 1;
    counts[n] = count;
    for (let j = 0; j < d; j++) {
      const old = means[n * d + j] as number;
      means[n * d + j] = old + ((vectors[row * d + j] as number) - old) / count;
    }
  };
  for (let row = 0; row < inputs.codes.code.length; row++) {
    const first = nodeOffset[row] as number;
    for (let e = first; e < (nodeOffset[row + 1] as number); e++)
      if (e === first || isOwn[node[e] as number] === 0) add(node[e] as number, row);
  }
  return { means, counts };
}

/** Writes first vectors into a table [nodes × d]; rows of nodes that no code has stay as they are. */
export function fillFromTexts(table: Float32Array, inputs: MedTokInputs, random: Random): void {
  const d = table.length / inputs.subgraphs.nodeCount;
  const { means, counts } = byNode(inputs, projected(inputs, d, random), d);
  const known = [...counts.keys()].filter((n) => counts[n] !== 0);
  const centre = new Float64Array(d);
  for (const n of known)
    for (let j = 0; j < d; j++)
      centre[j] = (centre[j] as number) + (means[n * d + j] as number) / known.length;
  const at = (n: number, j: number) => (means[n * d + j] as number) - (centre[j] as number);
  let square = 0;
  for (const n of known) for (let j = 0; j < d; j++) square += at(n, j) ** 2 / (known.length * d);
  if (square < 1e-12) return; // no texts, or all alike
  const scale = 1 / Math.sqrt(square);
  for (const n of known) for (let j = 0; j < d; j++) table[n * d + j] = at(n, j) * scale;
}
