/**
 * Losses with closed-form gradients. Each takes logits, a weight per sample and the total weight of the
 * step, so that neither padding samples (weight 0) nor splitting a batch changes a mean.
 */

import type { Graph, Tensor } from "../graph.ts";
import { type Dim, sameShape } from "../shape.ts";
import { lastAxisSum, softmax } from "./activation.ts";
import { abs, add, div, exp, log, mul, neg, shift, sub } from "./elementwise.ts";
import { dimAsFloat } from "./sizes.ts";

/** What the targets are weighted by. */
export interface Weighting {
  /** [B, 1]; 0 leaves a sample out. */
  readonly weight: Tensor;
  /** Sum of the weights over the whole step, shape []. */
  readonly total: Tensor;
}

function check(op: string, logits: Tensor, targets: Tensor, { weight, total }: Weighting): void {
  const g: Graph = logits.graph;
  if (logits.shape.length !== 2 || !sameShape(logits.shape, targets.shape))
    g.fail(op, `logits and targets of one shape [B, C] wanted, got ${logits} and ${targets}`);
  if (!sameShape(weight.shape, [logits.shape[0] as Dim, 1]) || total.shape.length !== 0)
    g.fail(op, `weights [B, 1] and a total [] wanted, got ${weight} and ${total}`);
}

/** Emits a loss without recording its parts, and records `slope`, its closed-form gradient, instead. */
function closedForm(logits: Tensor, emit: () => Tensor, slope: () => Tensor): Tensor {
  const loss = logits.graph.withoutGradient(emit);
  return logits.graph.record(loss, [logits], (dy) => [() => mul(dy, slope())]);
}

/** Sum of all elements, shape []; records nothing. */
function total(x: Tensor): Tensor {
  return x.graph.emit("ReduceSum", [x], [], { attributes: { keepdims: { int: 0 } } });
}

/**
 * Mean over samples and columns of softplus(z) - y z, for binary and multilabel targets; shape [].
 * softplus(z) = max(z, 0) + log(1 + e^-|z|). Gradient: (σ(z) - y) · weight / (total · C).
 */
export function binaryLoss(logits: Tensor, targets: Tensor, weighting: Weighting): Tensor {
  const g: Graph = logits.graph;
  check("binaryLoss", logits, targets, weighting);
  const columns = dimAsFloat(g, logits.shape[1] as Dim);
  const share = () => div(weighting.weight, mul(weighting.total, columns)); // [B, 1]
  const emit = () => {
    const positive = g.emit("Relu", [logits], logits.shape);
    const softplus = add(positive, log(shift(exp(neg(abs(logits))), 1)));
    return total(mul(sub(softplus, mul(targets, logits)), share()));
  };
  const probability = () => g.emit("Sigmoid", [logits], logits.shape);
  return closedForm(logits, emit, () => mul(sub(probability(), targets), share()));
}

/**
 * Mean over samples of logsumexp(z) - z_y, for targets that sum to 1 in each row; shape [].
 * Gradient: (softmax(z) - y) · weight / total.
 */
export function softmaxLoss(logits: Tensor, targets: Tensor, weighting: Weighting): Tensor {
  const g: Graph = logits.graph;
  check("softmaxLoss", logits, targets, weighting);
  const share = () => div(weighting.weight, weighting.total); // [B, 1]
  const emit = () => {
    const attributes = { axis: { int: -1 } };
    const logProbability = g.emit("LogSoftmax", [logits], logits.shape, { attributes });
    return total(mul(neg(lastAxisSum(mul(targets, logProbability))), share()));
  };
  return closedForm(logits, emit, () => mul(sub(softmax(logits), targets), share()));
}
