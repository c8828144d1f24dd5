/** Trainable look-up tables, and the fixed sinusoid. */
import type { Graph, Initializer, Tensor } from "../graph.ts";
import { normal } from "../initial.ts";
import { add, mul, sin } from "../ops/elementwise.ts";
import { gatherRows } from "../ops/indexing.ts";

export interface TableOptions {
  /** Default: standard normal, as torch's embedding. */
  readonly initial?: Initializer;
  /** Whether weight decay applies; default false. */
  readonly decay?: boolean;
}

/** A table [rows, width] under `name`. */
export function table(
  g: Graph,
  name: string,
  rows: number,
  width: number,
  options: TableOptions = {},
): Tensor {
  return g.parameter(name, [rows, width], options.initial ?? normal(1), options.decay ?? false);
}

/** Rows `ids` (int32) of a table; the result has shape [...ids, width]. */
export const lookup = gatherRows;

/**
 * Sinusoids of positions or times x [n, 1] -> [n, width] (Vaswani et al. 2017, section 3.5): column 2i is
 * sin(x / 10000^(2i/width)), column 2i+1 the cosine of the same, written as a sine a quarter turn ahead.
 */
export function sinusoid(x: Tensor, width: number): Tensor {
  const g = x.graph;
  if (x.shape.length !== 2 || x.shape[1] !== 1) g.fail("sinusoid", `[n, 1] wanted, got ${x}`);
  const columns = Array.from({ length: width }, (_, column) => column);
  const rate = columns.map((column) => 10000 ** (-(column - (column % 2)) / width));
  const phase = columns.map((column) => (column % 2) * (Math.PI / 2));
  return sin(add(mul(x, g.floats(rate, [1, width])), g.floats(phase, [1, width])));
}
