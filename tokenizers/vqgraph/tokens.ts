/** From rows of nodes to tokens of codes: the distinct rows of a code's nodes, weighted by how many have each. */
export interface CodeTokens {
  /** [codes × K] rows, lowest first; -1 where a code has fewer. */
  readonly ids: Int32Array;
  /** [codes × K] each code's sum to 1; zeros for a code of which the graph knows nothing. */
  readonly weights: Float32Array;
  /** K. */
  readonly perPart: number;
  /** [codes × width] weighted sums of the rows: the mean over the code's nodes. */
  readonly vectors: Float32Array;
}

/**
 * @param nodesOf each code's nodes; empty where there are none
 * @param codebook [N × width]
 */
export function codeTokens(
  nodesOf: readonly ArrayLike<number>[],
  rowOf: Int32Array,
  codebook: Float32Array,
  width: number,
): CodeTokens {
  const shares = nodesOf.map((nodes) => {
    const found = new Map<number, number>();
    for (const node of Array.from(nodes)) {
      const row = rowOf[node] as number;
      found.set(row, (found.get(row) ?? 0) + 1 / nodes.length);
    }
    return [...found].sort(([a], [b]) => a - b);
  });
  const perPart = shares.reduce((most, own) => Math.max(most, own.length), 1);
  const ids = new Int32Array(shares.length * perPart).fill(-1);
  const weights = new Float32Array(shares.length * perPart);
  const vectors = new Float32Array(shares.length * width);
  for (const [code, own] of shares.entries())
    for (const [k, [row, weight]] of own.entries()) {
      ids[code * perPart + k] = row;
      weights[code * perPart + k] = weight;
      for (let j = 0; j < width; j++)
        vectors[code * width + j] =
          (vectors[code * width + j] as number) + weight * (codebook[row * width + j] as number);
    }
  return { ids, weights, perPart, vectors };
}
