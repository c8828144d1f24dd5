/** Look-ups of rows, and picking along an axis. */

import type { Graph, Tensor } from "../graph.ts";
import { type Dim, multiplyDims, sameShape } from "../shape.ts";
import { repeated, reshaped } from "./broadcast.ts";
import { mul, toFloat } from "./elementwise.ts";
import { sum } from "./reduction.ts";
import { dimValue, shapeValue } from "./sizes.ts";

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
  const isFed = [...g.parameters, ...g.mixtures].some(({ tensor }) => tensor === table);
  if (table.tracked && !isFed)
    g.fail("gatherRows", `the table must be a parameter or an input, got the computed ${table}`);
  const rows = g.emit("Gather", [table, ids], [...ids.shape, table.shape[1] as number], {
    attributes: { axis: { int: 0 } },
    type: table.type,
  });
  return g.recordLookup(table, ids, rows);
}

/**
 * Rows `ids` (int32, any shape, computed or fed) of any matrix x [n, d], computed ones and trained tables
 * included; the result has shape [...ids, d]. The gradient of x is dense: rows are added one after the
 * other (ScatterElements), so that repeated ids and threads give the same bits. For a large trained
 * table and ids that are an input take `gatherRows`, which never makes a dense gradient in the graph.
 */
export function takeRows(x: Tensor, ids: Tensor): Tensor {
  const g: Graph = x.graph;
  const [n, width] = x.shape;
  if (x.shape.length !== 2) g.fail("takeRows", `a matrix wanted, got ${x}`);
  if (ids.type !== "int32") g.fail("takeRows", `ids must be int32, got ${ids.type} ${ids}`);
  const d = width as Dim;
  const rows = g.emit("Gather", [x, ids], [...ids.shape, d], { attributes: { axis: { int: 0 } } });
  return g.record(rows, [x], (dy) => [
    () => {
      const count = multiplyDims(...ids.shape);
      const where = g.emit(
        "Expand",
        [reshaped(ids, [count, 1]), shapeValue(g, [count, d])],
        [count, d],
        { type: "int32" },
      );
      const nothing = repeated(g.scalar(0), [n as Dim, d]);
      return g.emit("ScatterElements", [nothing, where, reshaped(dy, [count, d])], x.shape, {
        attributes: { axis: { int: 0 }, reduction: { string: "add" } },
      });
    },
  ]);
}

/** The whole numbers from 0 to below n as int32, [n]. */
export function indices(g: Graph, n: Dim): Tensor {
  const to = g.emit("Cast", [reshaped(dimValue(g, n), [])], [], {
    type: "int32",
    attributes: { to: { int: 6 } },
  });
  const number = (value: number) => g.constant(Int32Array.of(value), [], "int32");
  return g.emit("Range", [number(0), to, number(1)], [n], { type: "int32" });
}

/** One row of 0 and 1 per id: ids (int32, any shape) -> [...ids, n]; all 0 for an id outside [0, n). Carries no gradient. */
export function oneHot(ids: Tensor, n: Dim): Tensor {
  const g: Graph = ids.graph;
  if (ids.type !== "int32") g.fail("oneHot", `ids must be int32, got ${ids.type} ${ids}`);
  const upright = reshaped(ids, [...ids.shape, 1]);
  return toFloat(g.emit("Equal", [upright, indices(g, n)], [...ids.shape, n], { type: "bool" }));
}

/**
 * One element along axis 1 per sample: x [B, n] or [B, n, d] and ids [B] (int32) -> [B] or [B, d], e.g.
 * the logit of a class or the state at a step; 0 for an id outside [0, n).
 */
export function pick(x: Tensor, ids: Tensor): Tensor {
  const g: Graph = x.graph;
  const [batch, n] = x.shape;
  if (x.shape.length < 2 || x.shape.length > 3 || !sameShape(ids.shape, [batch as Dim]))
    g.fail("pick", `[B, n] or [B, n, d] with ids [B] wanted, got ${x} and ${ids}`);
  const chosen = oneHot(ids, n as Dim);
  const aligned = x.shape.length === 3 ? reshaped(chosen, [...chosen.shape, 1]) : chosen;
  return sum(mul(x, aligned), [1]);
}
