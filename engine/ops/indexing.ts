/** Look-ups of rows. */
import type { Graph, Tensor } from "../graph.ts";

/**
 * Rows `ids` (int32, any shape) of a table [V, d]; the result has shape [...ids, d]. The table's gradient
 * leaves the graph as rows and is scattered into the state outside (`state.ts`): scatter operators
 * of the runtime that add lose updates when two threads meet on a row, or are slow. Ids that are computed
 * leave the graph with them. A table of integers gives integers, e.g. the ids of another look-up.
 */
export function gatherRows(table: Tensor, ids: Tensor): Tensor {
  const g: Graph = table.graph;
  if (table.shape.length !== 2) g.fail("gatherRows", `a table has two axes, got ${table}`);
  if (ids.type !== "int32") g.fail("gatherRows", `ids must be int32, got ${ids.type} ${ids}`);
  if (table.tracked && !g.parameters.some((p) => p.tensor === table))
    g.fail("gatherRows", `the table must be a parameter or an input, got the computed ${table}`);
  const rows = g.emit("Gather", [table, ids], [...ids.shape, table.shape[1] as number], {
    attributes: { axis: { int: 0 } },
    type: table.type,
  });
  return g.recordLookup(table, ids, rows);
}
