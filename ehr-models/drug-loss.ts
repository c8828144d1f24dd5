/** The loss of GAMENet; its docblock has the equations. */
import type { Tensor } from "../engine/graph.ts";
import { lastAxisSum, relu, sigmoid } from "../engine/ops/activation.ts";
import { add, div, exp, mul, neg, scale, shift, sub } from "../engine/ops/elementwise.ts";
import { binaryLoss } from "../engine/ops/losses.ts";
import { affine } from "../engine/ops/matmul.ts";
import { sum } from "../engine/ops/reduction.ts";
import type { Dim } from "../engine/shape.ts";
import type { LossContext } from "./model-graphs.ts";

/** Inputs that the loss is fed in training: a uniform number a sample [B, 1], and τ of the epoch []. */
export const COIN = "interactions.coin";
export const TEMPERATURE = "interactions.temperature";

interface LossWeights {
  readonly bceWeight: number;
  readonly marginWeight: number;
  readonly interactionTarget: number;
}

/** 1 where x > 0, else 0; without gradient. */
function isPositive(x: Tensor): Tensor {
  return x.graph.withoutGradient(() => relu(x.graph.emit("Sign", [x], x.shape)));
}

/** Sum of each row, [B, C] -> [B, 1]. */
function rowSum(x: Tensor): Tensor {
  return sum(x, [1], { keep: true });
}

/** Σ_{ij} A[i,j] x_i y_j of each row, [B, 1]; A is [C, C] without gradient. */
function pairSum(x: Tensor, A: Tensor, y: Tensor): Tensor {
  const zeros = x.graph.floats(new Array<number>(A.shape[1] as number).fill(0));
  return rowSum(mul(affine(x, A, zeros, { fewRows: true }), y));
}

/** (1/C) Σ_{i in Y} Σ_{j not in Y} (1 - (p_i - p_j)), [B, 1]. */
export function marginLoss(p: Tensor, targets: Tensor): Tensor {
  const C = p.shape[1] as number;
  const others = sub(p.graph.scalar(1), targets);
  const [inside, outside] = [lastAxisSum(targets), lastAxisSum(others)];
  const [ofInside, ofOutside] = [rowSum(mul(p, targets)), rowSum(mul(p, others))];
  const all = add(sub(mul(inside, outside), mul(outside, ofInside)), mul(inside, ofOutside));
  return scale(all, 1 / C);
}

/** 1 for a sample that takes the loss of interactions, else 0, [B, 1]; without gradient. */
function takesInteractions(z: Tensor, A: Tensor, target: number): Tensor {
  const g = z.graph;
  return g.withoutGradient(() => {
    const chosen = sub(g.scalar(1), isPositive(neg(z))); // probability of at least 0.5
    const size = lastAxisSum(chosen);
    const pairs = shift(relu(shift(mul(size, shift(size, -1)), -1)), 1); // at least 1
    const rate = div(pairSum(chosen, A, chosen), pairs); // both count each pair twice
    const coin = g.input(COIN, [z.shape[0] as Dim, 1]);
    const chance = exp(div(shift(neg(rate), target), g.input(TEMPERATURE, [])));
    return mul(isPositive(shift(rate, -target)), isPositive(sub(chance, coin)));
  });
}

/**
 * Mean over samples of L, shape [].
 * @param interactions name of the input with A_d [C, C]; undefined for L_p alone.
 */
export function drugLoss(
  { graph: g, logits, targets, weighting, hyperparameters: h }: LossContext<LossWeights>,
  interactions: string | undefined,
): Tensor {
  const C = logits.shape[1] as number;
  const p = sigmoid(logits);
  const A = interactions === undefined ? undefined : g.input(interactions, [C, C]);
  const chosen = A === undefined ? undefined : takesInteractions(logits, A, h.interactionTarget);
  const { weight: all, total } = weighting;
  const weight = chosen === undefined ? all : mul(all, sub(g.scalar(1), chosen));
  const meanOf = (x: Tensor, share: Tensor) => sum(mul(x, div(share, total)));
  const bce = scale(binaryLoss(logits, targets, { weight, total }), h.bceWeight);
  const prediction = add(bce, scale(meanOf(marginLoss(p, targets), weight), h.marginWeight));
  if (A === undefined || chosen === undefined) return prediction;
  const interacting = scale(pairSum(p, A, p), 1 / C ** 2);
  return add(prediction, meanOf(interacting, mul(all, chosen)));
}
