/** The operators of our graphs in tfjs, one function each; float32 only. What is not here is refused by name. */
import type * as TF from "@tensorflow/tfjs";
import type { Node } from "./graph.ts";

export type Tfjs = typeof TF;
/** Sizes, axes and bounds (int64 in a graph) are plain numbers; all else is a tensor. */
export type Value = TF.Tensor | readonly number[];
export type Operator = (tf: Tfjs, x: readonly Value[], node: Node) => Value | readonly Value[];

/** Numbers of the element type in a Cast. */
const INT32 = 6;
const INT64 = 7;

export function isList(value: Value | undefined): value is readonly number[] {
  return Array.isArray(value);
}

function numbers(value: Value | undefined): number[] {
  if (value === undefined) return [];
  return isList(value) ? [...value] : [...(value as TF.Tensor).dataSync()];
}

function tensor(tf: Tfjs, value: Value | undefined): TF.Tensor {
  if (value === undefined) throw new Error("tfjs: an input is missing");
  return isList(value) ? tf.tensor1d([...value], "int32") : (value as TF.Tensor);
}

function int({ attributes }: Node, name: string, standard = 0): number {
  const value = attributes[name];
  return value !== undefined && "int" in value ? value.int : standard;
}

function float({ attributes }: Node, name: string, standard: number): number {
  const value = attributes[name];
  return value !== undefined && "float" in value ? value.float : standard;
}

function ints({ attributes }: Node, name: string): number[] | undefined {
  const value = attributes[name];
  return value !== undefined && "ints" in value ? [...value.ints] : undefined;
}

const unary =
  (apply: (tf: Tfjs, x: TF.Tensor) => TF.Tensor): Operator =>
  (tf, [x]) =>
    apply(tf, tensor(tf, x));

const binary =
  (
    apply: (tf: Tfjs, a: TF.Tensor, b: TF.Tensor) => TF.Tensor,
    plain?: (a: number, b: number) => number,
  ): Operator =>
  (tf, [a, b]) => {
    if (plain === undefined || !isList(a) || !isList(b))
      return apply(tf, tensor(tf, a), tensor(tf, b));
    const at = (list: readonly number[], i: number) =>
      (list.length === 1 ? list[0] : list[i]) as number;
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      plain(at(a, i), at(b, i)),
    );
  };

/** A reduction over the axes of an attribute or of the second input. */
const reduction =
  (
    apply: (tf: Tfjs, x: TF.Tensor, axes: number[] | undefined, keep: boolean) => TF.Tensor,
  ): Operator =>
  (tf, [x, axes], node) => {
    const given = ints(node, "axes") ?? (axes === undefined ? undefined : numbers(axes));
    return apply(tf, tensor(tf, x), given, int(node, "keepdims", 1) === 1);
  };

function product(tf: Tfjs, a: Value | undefined, b: Value | undefined, node: Node): TF.Tensor {
  const transposed = (name: string) => int(node, name) === 1;
  const y = tf.matMul(tensor(tf, a), tensor(tf, b), transposed("transA"), transposed("transB"));
  const alpha = float(node, "alpha", 1);
  return alpha === 1 ? y : y.mul(alpha);
}

/** x minus its largest value along an axis, so that no exponential overflows. */
function lowered(tf: Tfjs, x: Value | undefined, node: Node): { y: TF.Tensor; axis: number } {
  const t = tensor(tf, x);
  const axis = (int(node, "axis", -1) + t.rank) % t.rank;
  return { y: t.sub(t.max(axis, true)), axis };
}

const layerNormalization: Operator = (tf, [x, gain, bias], node) => {
  const t = tensor(tf, x);
  const { mean, variance } = tf.moments(t, -1, true);
  const inverse = tf.rsqrt(variance.add(float(node, "epsilon", 1e-5)));
  const unit = t.sub(mean).mul(inverse).mul(tensor(tf, gain));
  return [bias === undefined ? unit : unit.add(tensor(tf, bias)), mean, inverse];
};

const cast: Operator = (tf, [x], node) => {
  const to = int(node, "to");
  if (to === INT64) return numbers(x);
  return tensor(tf, x).cast(to === INT32 ? "int32" : "float32");
};

const sliced: Operator = (tf, [x, from, to, axes]) => {
  const t = tensor(tf, x);
  const [start = 0] = numbers(from);
  const [end = 0] = numbers(to);
  const [axis = 0] = numbers(axes);
  const begin = t.shape.map((_, i) => (i === axis ? start : 0));
  return tf.slice(
    t,
    begin,
    t.shape.map((size, i) => (i === axis ? end - start : size)),
  );
};

/** One element of each row of a matrix. */
const gatherElements: Operator = (tf, [x, ids], node) => {
  if (int(node, "axis") !== 1) throw new Error("tfjs: GatherElements is known for rows only");
  return tf.gather(tensor(tf, x), tensor(tf, ids).cast("int32"), 1, 1);
};

/**
 * Two forms: rows added to those of a matrix (axis 0; ids come repeated along the rows), and one element
 * of each row replaced (axis 1).
 */
const scatterElements: Operator = (tf, [x, ids, updates], node) => {
  const data = tensor(tf, x);
  const [rows = 0, width = 0] = tensor(tf, ids).shape;
  const isAdding = node.attributes["reduction"] !== undefined;
  const axis = int(node, "axis");
  if (data.rank !== 2 || axis !== (isAdding ? 0 : 1))
    throw new Error("tfjs: ScatterElements is known for adding rows and replacing elements only");
  if (!isAdding) {
    const mark = tf.oneHot(tensor(tf, ids).reshape([rows]).cast("int32"), data.shape[1] as number);
    const chosen = mark.cast("float32");
    return data.mul(tf.sub(1, chosen)).add(chosen.mul(tensor(tf, updates)));
  }
  const columns = tf.tile(tf.range(0, width, 1, "int32").reshape([1, width]), [rows, 1]);
  const where = tf.stack([tensor(tf, ids), columns], 2).reshape([rows * width, 2]);
  const added = tf.scatterND(where, tensor(tf, updates).flatten(), data.shape as [number, number]);
  return data.add(added);
};

/** What is above the diagonal; the only use our graphs make of Trilu. */
const trilu: Operator = (tf, [x, k], node) => {
  if (int(node, "upper", 1) !== 1 || numbers(k)[0] !== 1)
    throw new Error("tfjs: Trilu is known for what is above the diagonal only");
  const t = tensor(tf, x);
  return t.sub(tf.linalg.bandPart(t, -1, 0));
};

const half = Math.SQRT1_2;

export const OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: unary((tf, x) => tf.abs(x)),
  Add: binary(
    (tf, a, b) => tf.add(a, b),
    (a, b) => a + b,
  ),
  Cast: cast,
  Concat: (tf, parts, node) => {
    if (parts.every(isList)) return parts.flatMap((part) => numbers(part));
    const all = parts.map((part) => tensor(tf, part));
    const axis = int(node, "axis");
    return tf.concat(all, axis < 0 ? axis + (all[0]?.rank ?? 0) : axis);
  },
  Cos: unary((tf, x) => tf.cos(x)),
  CumSum: (tf, [x, axis], node) =>
    tf.cumsum(
      tensor(tf, x),
      numbers(axis)[0],
      int(node, "exclusive") === 1,
      int(node, "reverse") === 1,
    ),
  Div: binary((tf, a, b) => tf.div(a, b)),
  Equal: binary((tf, a, b) => tf.equal(a, b)),
  Erf: unary((tf, x) => tf.erf(x)),
  Exp: unary((tf, x) => tf.exp(x)),
  Expand: (tf, [x, shape]) => tf.broadcastTo(tensor(tf, x), numbers(shape)),
  FusedMatMul: (tf, [a, b], node) => product(tf, a, b, node),
  Gather: (tf, [x, ids], node) =>
    tf.gather(tensor(tf, x), tensor(tf, ids).cast("int32"), int(node, "axis")),
  GatherElements: gatherElements,
  Gelu: unary((tf, x) => x.mul(0.5).mul(tf.erf(x.mul(half)).add(1))),
  Gemm: (tf, [a, b, c], node) => {
    const y = product(tf, a, b, node);
    return c === undefined ? y : y.add(tensor(tf, c));
  },
  Greater: binary((tf, a, b) => tf.greater(a, b)),
  HardSigmoid: (tf, [x], node) =>
    tf.clipByValue(
      tensor(tf, x)
        .mul(float(node, "alpha", 0.2))
        .add(float(node, "beta", 0.5)),
      0,
      1,
    ),
  Identity: (_, [x]) => x as Value,
  LayerNormalization: layerNormalization,
  Log: unary((tf, x) => tf.log(x)),
  LogSoftmax: (tf, [x], node) => {
    const { y, axis } = lowered(tf, x, node);
    return y.sub(tf.log(tf.sum(tf.exp(y), axis, true)));
  },
  MatMul: (tf, [a, b], node) => product(tf, a, b, node),
  Max: binary((tf, a, b) => tf.maximum(a, b)),
  Mul: binary(
    (tf, a, b) => tf.mul(a, b),
    (a, b) => a * b,
  ),
  Neg: unary((tf, x) => tf.neg(x)),
  Range: (tf, bounds) => {
    const [start = 0, end = 0, by = 1] = bounds.map((bound) => numbers(bound)[0]);
    return tf.range(start, end, by, "int32");
  },
  Reciprocal: unary((tf, x) => tf.reciprocal(x)),
  ReduceLogSumExp: reduction((tf, x, axes, keep) => tf.logSumExp(x, axes, keep)),
  ReduceMax: reduction((tf, x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMean: reduction((tf, x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceSum: reduction((tf, x, axes, keep) => tf.sum(x, axes, keep)),
  Relu: unary((tf, x) => tf.relu(x)),
  Reshape: (tf, [x, shape]) => (isList(x) ? x : tf.reshape(tensor(tf, x), numbers(shape))),
  ScatterElements: scatterElements,
  Sigmoid: unary((tf, x) => tf.sigmoid(x)),
  Sign: unary((tf, x) => tf.sign(x)),
  Sin: unary((tf, x) => tf.sin(x)),
  Slice: sliced,
  Softmax: (tf, [x], node) => {
    const { y, axis } = lowered(tf, x, node);
    const e = tf.exp(y);
    return e.div(tf.sum(e, axis, true));
  },
  Split: (tf, [x], node) => tf.split(tensor(tf, x), node.outputs.length, int(node, "axis")),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Sub: binary(
    (tf, a, b) => tf.sub(a, b),
    (a, b) => a - b,
  ),
  Tanh: unary((tf, x) => tf.tanh(x)),
  Transpose: (tf, [x], node) => tf.transpose(tensor(tf, x), ints(node, "perm")),
  Trilu: trilu,
};
