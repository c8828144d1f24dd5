/** Elementwise arithmetic with broadcasting. Gradients are summed back over broadcast axes. */
import type { Graph, Rule, Tensor } from "../graph.ts";
import { broadcastShapes, showShape } from "../shape.ts";
import { sumTo } from "./broadcast.ts";

function binary(op: string, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined)
    a.graph.fail(op.toLowerCase(), `shapes do not broadcast, ${a} with ${b}`);
  if (a.type !== b.type) a.graph.fail(op.toLowerCase(), `types differ, ${a.type} and ${b.type}`);
  return a.graph.emit(op, [a, b], shape, { type: a.type });
}

function unary(op: string, x: Tensor, rule: (dy: Tensor, y: Tensor) => Tensor): Tensor {
  const y = x.graph.emit(op, [x], x.shape);
  return x.graph.record(y, [x], (dy) => [() => rule(dy, y)]);
}

/** a + b. */
export function add(a: Tensor, b: Tensor): Tensor {
  const rule: Rule = (dy) => [() => sumTo(dy, a.shape), () => sumTo(dy, b.shape)];
  return a.graph.record(binary("Add", a, b), [a, b], rule);
}

/** a - b. */
export function sub(a: Tensor, b: Tensor): Tensor {
  const rule: Rule = (dy) => [() => sumTo(dy, a.shape), () => sumTo(neg(dy), b.shape)];
  return a.graph.record(binary("Sub", a, b), [a, b], rule);
}

/** a ⊙ b. */
export function mul(a: Tensor, b: Tensor): Tensor {
  const rule: Rule = (dy) => [() => sumTo(mul(dy, b), a.shape), () => sumTo(mul(dy, a), b.shape)];
  return a.graph.record(binary("Mul", a, b), [a, b], rule);
}

/** a / b. */
export function div(a: Tensor, b: Tensor): Tensor {
  const y = binary("Div", a, b);
  return a.graph.record(y, [a, b], (dy) => [
    () => sumTo(div(dy, b), a.shape),
    () => sumTo(neg(mul(div(dy, b), y)), b.shape),
  ]);
}

/** x multiplied by a number. */
export function scale(x: Tensor, factor: number): Tensor {
  return mul(x, x.graph.scalar(factor));
}

/** x plus a number. */
export function shift(x: Tensor, offset: number): Tensor {
  return add(x, x.graph.scalar(offset));
}

/** -x. */
export function neg(x: Tensor): Tensor {
  return unary("Neg", x, (dy) => neg(dy));
}

/** e^x. */
export function exp(x: Tensor): Tensor {
  return unary("Exp", x, (dy, y) => mul(dy, y));
}

/** Natural logarithm; make x positive first. */
export function log(x: Tensor): Tensor {
  return unary("Log", x, (dy) => div(dy, x));
}

/** Square root; the gradient at 0 is infinite, so guard x. */
export function sqrt(x: Tensor): Tensor {
  return unary("Sqrt", x, (dy, y) => div(scale(dy, 0.5), y));
}

/** |x|, with gradient 0 at 0. */
export function abs(x: Tensor): Tensor {
  return unary("Abs", x, (dy) => mul(dy, x.graph.emit("Sign", [x], x.shape)));
}

/** sin x. */
export function sin(x: Tensor): Tensor {
  return unary("Sin", x, (dy) => mul(dy, x.graph.emit("Cos", [x], x.shape)));
}

/** x as a value through which no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  if (!x.tracked) return x;
  return x.graph.emit("Identity", [x], x.shape, { type: x.type });
}

/** x as the graph's float type, from integers or booleans; carries no gradient. */
export function toFloat(x: Tensor): Tensor {
  if (x.type === x.graph.dtype) return x;
  const to = x.graph.dtype === "float32" ? 1 : 11;
  return x.graph.emit("Cast", [x], x.shape, { attributes: { to: { int: to } } });
}

/** 1 where integer x equals `value`, else 0, in the graph's float type; carries no gradient. */
export function equals(x: Tensor, value: number): Tensor {
  const g: Graph = x.graph;
  if (x.type !== "int32") g.fail("equals", `int32 wanted, got ${x.type} ${showShape(x.shape)}`);
  const other = g.constant(Int32Array.of(value), [], "int32");
  return toFloat(g.emit("Equal", [x, other], x.shape, { type: "bool" }));
}
