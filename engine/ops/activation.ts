/** Nonlinearities. */
import type { Graph, Tensor } from "../graph.ts";
import { keptSum } from "./broadcast.ts";
import { abs, add, exp, log, mul, neg, scale, shift, sub, toFloat } from "./elementwise.ts";

/** min(max(alpha x + beta, 0), 1) in one pass; the runtime has it in float32 only. Records nothing. */
function hardSigmoid(x: Tensor, alpha: number, beta: number): Tensor {
  const attributes = { alpha: { float: alpha }, beta: { float: beta } };
  return x.graph.emit("HardSigmoid", [x], x.shape, { attributes });
}

/** 1 where y > 0, else 0, for y >= 0. A comparison and its cast to floats take twice as long, Sign eight times. */
function isPositive(y: Tensor): Tensor {
  const g: Graph = y.graph;
  if (g.dtype === "float32") return hardSigmoid(y, STEEP, 0);
  return toFloat(g.emit("Greater", [y, g.scalar(0)], y.shape, { type: "bool" }));
}

/** Times the smallest normal number of float32 it is above 1. */
const STEEP = 3e38;

/** max(x, 0), with gradient 0 at 0. */
export function relu(x: Tensor): Tensor {
  const y = x.graph.emit("Relu", [x], x.shape);
  return x.graph.record(y, [x], (dy) => [() => mul(dy, isPositive(y))]);
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  const y = x.graph.emit("Sigmoid", [x], x.shape);
  return x.graph.record(y, [x], (dy) => [() => mul(dy, mul(y, sub(x.graph.scalar(1), y)))]);
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  const y = x.graph.emit("Tanh", [x], x.shape);
  return x.graph.record(y, [x], (dy) => [() => mul(dy, sub(x.graph.scalar(1), mul(y, y)))]);
}

/**
 * x Φ(x) with the normal distribution function Φ, exactly (erf), not by the tanh approximation; float32
 * only (the runtime has no float64 kernel). Gradient: Φ(x) + x φ(x).
 */
export function gelu(x: Tensor): Tensor {
  const g: Graph = x.graph;
  if (g.dtype !== "float32") g.fail("gelu", "there is no float64 kernel");
  const phi = () => hardSigmoid(g.emit("Erf", [scale(x, Math.SQRT1_2)], x.shape), 0.5, 0.5); // (1 + erf) / 2
  const density = () => {
    const bell = g.emit("Exp", [mul(x, scale(x, -0.5))], x.shape);
    return scale(mul(x, bell), 1 / Math.sqrt(2 * Math.PI));
  };
  const y = g.fused
    ? g.emit("Gelu", [x], x.shape, { domain: "com.microsoft" })
    : g.withoutGradient(() => mul(x, phi()));
  return g.record(y, [x], (dy) => [() => mul(dy, add(phi(), density()))]);
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). Gradient: σ(x). */
export function softplus(x: Tensor): Tensor {
  const g: Graph = x.graph;
  const y = g.withoutGradient(() => {
    const rest = log(shift(exp(neg(abs(x))), 1));
    return add(g.emit("Relu", [x], x.shape), rest);
  });
  return g.record(y, [x], (dy) => [() => mul(dy, g.emit("Sigmoid", [x], x.shape))]);
}

/** Softmax along an axis, the last by default. Gradient: y ⊙ (dy - sum(dy ⊙ y)). */
export function softmax(x: Tensor, axis: number = x.shape.length - 1): Tensor {
  const g: Graph = x.graph;
  const y = g.emit("Softmax", [x], x.shape, { attributes: { axis: { int: axis } } });
  return g.record(y, [x], (dy) => [() => mul(y, sub(dy, keptSum(mul(dy, y), [axis])))]);
}

/** Logarithm of the softmax along an axis, the last by default. Gradient: dy - softmax(x) sum(dy). */
export function logSoftmax(x: Tensor, axis: number = x.shape.length - 1): Tensor {
  const g: Graph = x.graph;
  const y = g.emit("LogSoftmax", [x], x.shape, { attributes: { axis: { int: axis } } });
  return g.record(y, [x], (dy) => [() => sub(dy, mul(softmax(x, axis), keptSum(dy, [axis])))]);
}

/** Sum along the last axis, which is kept with size 1; records nothing. */
export function lastAxisSum(x: Tensor): Tensor {
  const shape = [...x.shape.slice(0, -1), 1];
  return x.graph.emit("ReduceSum", [x, x.graph.integers([-1])], shape, {
    attributes: { keepdims: { int: 1 } },
  });
}
