import t from "tap";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { zeros } from "../../engine/initial.ts";
import { multiHeadAttention } from "../../engine/layers/attention.ts";
import { table } from "../../engine/layers/embedding.ts";
import { linear } from "../../engine/layers/linear.ts";
import { ShapeError } from "../../engine/module-path.ts";
import { attention } from "../../engine/ops/attention.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { gatherRows } from "../../engine/ops/indexing.ts";
import { concat, expand, reshape, slice, transpose } from "../../engine/ops/layout.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { affine, matmul } from "../../engine/ops/matmul.ts";
import { layerNorm } from "../../engine/ops/normalization.ts";
import { sum } from "../../engine/ops/reduction.ts";

type Build = (g: Graph, x: Tensor) => unknown;

const MISTAKES: Readonly<Record<string, readonly [Build, string]>> = {
  "inner dimensions": [
    (g, x) => matmul(x, g.input("w", [32, 8])),
    "layer0.query: matmul: inner dimensions differ, x [B*L, 64] × w [32, 8]",
  ],
  "batch dimensions": [
    (g) => matmul(g.input("a", ["B", 2, 3]), g.input("b", ["L", 3, 2])),
    "layer0.query: matmul: batch dimensions do not broadcast, a [B, 2, 3] × b [L, 3, 2]",
  ],
  broadcasting: [
    (g, x) => add(x, g.input("y", [32])),
    "layer0.query: add: shapes do not broadcast, x [B*L, 64] with y [32]",
  ],
  types: [
    (g, x) => add(x, g.input("ids", ["B*L", 64], "int32")),
    "layer0.query: add: types differ, float32 and int32",
  ],
  "a bias": [
    (g, x) => affine(x, g.input("w", [64, 8]), g.input("b", [9])),
    "layer0.query: affine: the bias b [9] does not fit w [64, 8]",
  ],
  "a reshape": [
    (_, x) => reshape(x, ["B", 64]),
    "layer0.query: reshape: x [B*L, 64] has not the size of [B, 64]",
  ],
  "an order of axes": [
    (_, x) => transpose(x, [0, 0]),
    "layer0.query: transpose: [0,0] is no order of the axes of x [B*L, 64]",
  ],
  "joined parts": [
    (g, x) => concat([x, g.input("y", ["B*L", 32])], 0),
    "layer0.query: concat: shapes differ beside axis 0, x [B*L, 64] and y [B*L, 32]",
  ],
  "a range": [
    (_, x) => slice(x, 1, 0, 65),
    "layer0.query: slice: [0, 65) of axis 1 is not in x [B*L, 64]",
  ],
  "an axis": [(_, x) => sum(x, [2]), "layer0.query: sum: axis 2 is not in x [B*L, 64]"],
  expansion: [
    (_, x) => expand(x, ["B", 64]),
    "layer0.query: expand: x [B*L, 64] does not broadcast to [B, 64]",
  ],
  "a gain": [
    (g, x) => layerNorm(x, g.input("gain", [32]), g.input("bias", [64])),
    "layer0.query: layerNorm: gain [32] does not fit x [B*L, 64]",
  ],
  heads: [
    (_, x) =>
      multiHeadAttention(x, x, { heads: 5, batch: "B", queries: "L", keys: "L", dropout: 0 }),
    "layer0.query: multiHeadAttention: 5 heads do not divide the width of x [B*L, 64]",
  ],
  "keys and values": [
    (g) => {
      const four = (name: string, L: string) => g.input(name, ["B", 2, L, 4]);
      return attention(four("q", "M"), four("k", "L"), four("v", "M"));
    },
    "layer0.query: attention: keys k [B, 2, L, 4] and values v [B, 2, M, 4] differ",
  ],
  "a mask": [
    (g) => {
      const q = g.input("q", ["B", 2, "L", 4]);
      return attention(q, q, q, { bias: g.input("bias", ["B", 1, 1, "M"]) });
    },
    "layer0.query: attention: the bias bias [B, 1, 1, M] does not fit the scores [B, 2, L, L]",
  ],
  "ids that are floats": [
    (g, x) => gatherRows(g.input("table", [9, 4]), x),
    "layer0.query: gatherRows: ids must be int32, got float32 x [B*L, 64]",
  ],
  "targets of a loss": [
    (g, x) => {
      const weighting = { weight: g.input("weight", ["B*L", 1]), total: g.input("total", []) };
      return binaryLoss(x, g.input("y", ["B*L", 2]), weighting);
    },
    "layer0.query: binaryLoss: logits and targets of one shape [B, C] wanted, got x [B*L, 64] and y [B*L, 2]",
  ],
};

for (const [name, [build, message]] of Object.entries(MISTAKES)) {
  t.test(`wrong shapes name the module, the operation and both shapes: ${name}`, async (t) => {
    const g = new Graph();
    const x = g.input("x", ["B*L", 64]);
    t.throws(
      () => g.scope("layer0", () => g.scope("query", () => build(g, x))),
      new ShapeError(message),
    );
  });
}

t.test("one name cannot stand for two parameters or two inputs", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B", 4]);
  linear(x, 3, "output");
  t.throws(() => linear(x, 3, "output"), /parameter: "output.weight" exists already/);
  t.throws(() => g.input("x", ["B", 5]), /"x" is float32 \[B, 4\] already/);
  t.equal(g.input("x", ["B", 4]), x, "the same input is the same tensor");
});

t.test("a table that is trained must be a parameter itself", async (t) => {
  const g = new Graph();
  const E = table(g, "table", 5, 2, { initial: zeros });
  const ids = g.input("ids", ["B", "L"], "int32");
  t.throws(() => gatherRows(add(E, E), ids), /the table must be a parameter or an input/);
});

t.test("equal nodes are emitted once", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B", 4]);
  t.equal(add(x, x), add(x, x));
  t.equal(g.nodes.length, 1);
});
