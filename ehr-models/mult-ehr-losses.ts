/** The losses of MulT-EHR; the docblock of `mult-ehr.ts` has the equations. */
import type { LabelKind } from "../core/label.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { linear } from "../engine/layers/linear.ts";
import { logSoftmax, relu } from "../engine/ops/activation.ts";
import {
  add,
  div,
  exp,
  mul,
  neg,
  scale,
  shift,
  stopGradient,
  sub,
} from "../engine/ops/elementwise.ts";
import { binaryLoss, softmaxLoss, type Weighting } from "../engine/ops/losses.ts";
import { max, sum } from "../engine/ops/reduction.ts";
import type { Dim } from "../engine/shape.ts";
import { ANSWERS, STAY_CLASSES } from "./next-visit.ts";

/** Input of the loss in training: u, uniform in [0, 1), [B, D]. */
export const NOISE = "denoising.noise";
/** Keeps the scaling of a state whose elements are all equal finite. */
const LEAST_RANGE = 1e-6;

/** The loss of a kind of label. */
export function taskLoss(
  kind: LabelKind,
  z: Tensor,
  targets: Tensor,
  weighting: Weighting,
): Tensor {
  const lossOf = kind === "multiclass" ? softmaxLoss : binaryLoss;
  return lossOf(z, targets, weighting);
}

/** Each row scaled to [0, 1] by its own extremes, through which no gradient flows. */
function unitRange(x: Tensor): Tensor {
  const highest = stopGradient(max(x, 1, { keep: true }));
  const lowest = stopGradient(neg(max(neg(x), 1, { keep: true })));
  return div(sub(x, lowest), shift(sub(highest, lowest), LEAST_RANGE));
}

/** Mean over samples of L_unif, shape []. KL both ways is Σ (p - q)(log p - log q). */
export function noiseLoss(trivial: Tensor, { weight, total }: Weighting): Tensor {
  const noise = trivial.graph.input(NOISE, trivial.shape);
  const [p, q] = [logSoftmax(unitRange(trivial)), logSoftmax(noise)];
  const both = sum(mul(sub(exp(p), exp(q)), sub(p, q)), [1], { keep: true }); // [B, 1]
  return scale(sum(mul(both, div(weight, total))), 0.5);
}

/** Loss of one auxiliary task over the samples where its answer is known, as a share of what knowing nothing costs. */
function auxiliary(
  state: Tensor,
  name: "died" | "soon" | "stay" | "drugs",
  classes: number,
): Tensor {
  const g = state.graph;
  const batch = state.shape[0] as Dim;
  const weight = g.input(ANSWERS[`${name}Known`], [batch, 1]);
  const total = shift(relu(shift(sum(weight), -1)), 1); // at least 1
  const logits = linear(state, classes, `next.${name}`, { fewRows: true });
  const targets = g.input(ANSWERS[name], [batch, classes]);
  const isStay = name === "stay";
  const loss = (isStay ? softmaxLoss : binaryLoss)(logits, targets, { weight, total });
  return scale(loss, 1 / Math.log(isStay ? classes : 2));
}

/** Mean and variance of some losses, the variance with its gradient (M6): shape []. */
export function meanAndVariance(losses: readonly Tensor[]): Tensor {
  const mean = scale(losses.reduce(add), 1 / losses.length);
  const squares = losses.map((loss) => {
    const apart = sub(loss, mean);
    return mul(apart, apart);
  });
  return add(mean, scale(squares.reduce(add), 1 / losses.length));
}

/**
 * The combined loss of the auxiliary tasks on states [B, D], shape [], weighted by the part's share of the
 * whole batch. Without classes of drugs there are three tasks.
 */
export function tasksLoss(g: Graph, state: Tensor, drugCount: number, total: Tensor): Tensor {
  const losses = [
    auxiliary(state, "died", 1),
    auxiliary(state, "soon", 1),
    auxiliary(state, "stay", STAY_CLASSES),
    ...(drugCount > 0 ? [auxiliary(state, "drugs", drugCount)] : []),
  ];
  const samples = sum(g.input(ANSWERS.diedKnown, [state.shape[0] as Dim, 1]));
  return mul(meanAndVariance(losses), div(samples, total));
}
