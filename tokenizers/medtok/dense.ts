/** Weights of a dense layer that several places of a graph share. */
import type { Graph, Initializer, Tensor } from "../../engine/graph.ts";
import { zeros } from "../../engine/initial.ts";

export interface Dense {
  /** [inputs, outputs]. */
  readonly weight: Tensor;
  /** [outputs]. */
  readonly bias: Tensor;
}

export interface DenseInitial {
  readonly weight: Initializer;
  /** Default: the bias is drawn as the weight is. */
  readonly zeroBias?: boolean;
}

/** Parameters `<name>.weight` and `<name>.bias`. */
export function dense(
  g: Graph,
  name: string,
  inputs: number,
  outputs: number,
  initial: DenseInitial,
): Dense {
  return g.scope(name, () => ({
    weight: g.parameter("weight", [inputs, outputs], initial.weight),
    bias: g.parameter("bias", [outputs], initial.zeroBias ? zeros : initial.weight, false),
  }));
}
