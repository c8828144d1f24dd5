/**
 * Tables that follow a trained one: row r of [n, segments · width] is, segment by segment,
 *
 *   E[r] = concat over s of Σ_k w[r, s, k] Θ[t[r, s, k]]
 *
 * with fixed ids t and weights w, and Θ a parameter [rows, width]. They are made outside the graph, once a step for
 * the rows that its batch reads however often these occur, and their gradient is handed on to Θ once a step: in the
 * graph each position of each part would look its own K rows up.
 */
import type { Graph, Mixture, Tensor } from "./graph.ts";

export interface MixedRows {
  /** t, [n · segments · each]; row, segment and term in this order. */
  readonly ids: Int32Array;
  /** w, of the same length. */
  readonly weights: Float32Array;
  readonly segments: number;
  readonly each: number;
}

/** Adds E from Θ, all rows, to zeros `values`; `round` is what becomes of a product before it is added. */
export function addMixed<T extends Float32Array | Float64Array>(
  values: T,
  { ids, weights, each }: MixedRows,
  theta: T,
  width: number,
  round: (x: number) => number = (x) => x,
): T {
  for (let place = 0; place < ids.length / each; place++)
    for (let k = place * each; k < (place + 1) * each; k++) {
      const weight = weights[k] as number;
      const from = (ids[k] as number) * width;
      for (let j = 0; j < width; j++) {
        const at = place * width + j;
        values[at] = (values[at] as number) + round(weight * (theta[from + j] as number));
      }
    }
  return values;
}

/** E from Θ, all rows, in the order and with the roundings of the kernel that training uses (`kernels.wat`). */
export function mixed<T extends Float32Array | Float64Array>(
  { source, rows }: Mixture,
  theta: T,
): T {
  const width = source.shape[1] as number;
  const Kind = theta.constructor as new (length: number) => T;
  const values = new Kind((rows.ids.length / rows.each) * width);
  return addMixed(
    values,
    rows,
    theta,
    width,
    theta instanceof Float32Array ? Math.fround : undefined,
  );
}

/** Values of a graph's mixtures by input name, from those of its parameters. */
export function mixedTables(
  { mixtures }: Graph,
  parameterOf: (name: string) => Float32Array,
): Record<string, Float32Array> {
  return Object.fromEntries(
    mixtures.map((mixture) => [
      mixture.tensor.name,
      mixed(mixture, parameterOf(mixture.source.name)),
    ]),
  );
}

/** The inputs whose ids alone say which rows of a table a graph reads; undefined where others do too. */
export function readBy({ nodes, inputs }: Graph, { name }: Tensor): readonly string[] | undefined {
  const names = new Set<string>();
  for (const { op, inputs: given, attributes } of nodes) {
    const isInside = Object.values(attributes).some(
      (value) => "body" in value && value.body.graph.captured.has(name),
    );
    if (isInside) return undefined;
    if (!given.includes(name)) continue;
    const [table, ids] = given as [string, string];
    if (op !== "Gather" || table !== name || !inputs.has(ids)) return undefined;
    names.add(ids);
  }
  return [...names];
}
