/** Cross entropy against class numbers, for many classes: no one-hot array of targets is ever fed. */
import type { Tensor } from "../graph.ts";
import { type Dim, sameShape } from "../shape.ts";
import { softmax } from "./activation.ts";
import { reshaped } from "./broadcast.ts";
import { div, mul, neg, shift } from "./elementwise.ts";
import type { Weighting } from "./losses.ts";

/** The element of each row of x [N, V] that `index` [N, 1] names; records nothing. */
function picked(x: Tensor, index: Tensor): Tensor {
  const attributes = { axis: { int: 1 } };
  return x.graph.emit("GatherElements", [x, index], [x.shape[0] as Dim, 1], { attributes });
}

/** `x` with the element of each row that `index` names replaced; rows differ, so no write meets another. */
function replaced(x: Tensor, index: Tensor, values: Tensor): Tensor {
  const attributes = { axis: { int: 1 } };
  return x.graph.emit("ScatterElements", [x, index, values], x.shape, { attributes });
}

/**
 * Sum over rows of weight · (logsumexp(z) - z_y) / total for logits z [N, V], classes y int32 [N] in [0, V)
 * and weights [N, 1]; shape []. Rows of weight 0 are left out, of the divisor too if `total` leaves them out.
 * Gradient: (softmax(z) - 1 at y) · weight / total.
 */
export function classLoss(logits: Tensor, classes: Tensor, { weight, total }: Weighting): Tensor {
  const g = logits.graph;
  const rows = logits.shape[0] as Dim;
  if (logits.shape.length !== 2 || !sameShape(classes.shape, [rows]) || classes.type !== "int32")
    g.fail("classLoss", `logits [N, V] and int32 classes [N] wanted, got ${logits} and ${classes}`);
  if (!sameShape(weight.shape, [rows, 1]) || total.shape.length !== 0)
    g.fail("classLoss", `weights [N, 1] and a total [] wanted, got ${weight} and ${total}`);
  const index = reshaped(classes, [rows, 1]);
  const share = () => div(weight, total); // [N, 1]
  const loss = g.withoutGradient(() => {
    const attributes = { axis: { int: -1 } };
    const logProbability = g.emit("LogSoftmax", [logits], logits.shape, { attributes });
    const each = mul(neg(picked(logProbability, index)), share());
    return g.emit("ReduceSum", [each], [], { attributes: { keepdims: { int: 0 } } });
  });
  return g.record(loss, [logits], (dy) => [
    () => {
      const p = softmax(logits);
      return mul(mul(replaced(p, index, shift(picked(p, index), -1)), share()), dy);
    },
  ]);
}
