/** Sizes as values of the graph, for operators that read shapes and bounds. They carry no gradient. */
import type { Graph, Tensor } from "../graph.ts";
import { type Dim, type Shape, termsOf } from "../shape.ts";

/** A dim as an int64 tensor of shape [1]; names become the tiny inputs `dim:<name>`. */
export function dimValue(g: Graph, dim: Dim): Tensor {
  if (typeof dim === "number") return g.integers([dim]);
  if (g.around !== undefined) return g.capture(dimValue(g.around.graph, dim));
  const terms = termsOf(dim).map(({ factor, names }) => {
    const parts = names.map((name) => g.input(`dim:${name}`, [1], "int64"));
    if (factor !== 1 || parts.length === 0) parts.unshift(g.integers([factor]));
    return parts.reduce((a, b) => g.emit("Mul", [a, b], [1], { type: "int64" }));
  });
  return terms.reduce((a, b) => g.emit("Add", [a, b], [1], { type: "int64" }));
}

/** A dim as a number of the graph's float type, shape [1]. */
export function dimAsFloat(g: Graph, dim: Dim): Tensor {
  const to = g.dtype === "float32" ? 1 : 11;
  return g.emit("Cast", [dimValue(g, dim)], [1], { attributes: { to: { int: to } } });
}

/** A shape as an int64 tensor, constant where it is static. */
export function shapeValue(g: Graph, shape: Shape): Tensor {
  if (shape.every((dim) => typeof dim === "number")) return g.integers(shape as readonly number[]);
  const parts = shape.map((dim) => dimValue(g, dim));
  const attributes = { axis: { int: 0 } };
  return g.emit("Concat", parts, [shape.length], { type: "int64", attributes });
}
