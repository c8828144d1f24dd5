/**
 * A loop over the first axis of some tensors, as one Scan node. Records nothing: an operation that is made
 * of it knows its own gradient. The body may read any value of the graph through `body.capture`.
 */
import { type Body, Graph, type Tensor } from "../graph.ts";
import type { Dim, Shape } from "../shape.ts";

export interface ScanOptions {
  /** Values before the first step. */
  readonly states: readonly Tensor[];
  /** Read step by step, [T, ...] each. */
  readonly inputs: readonly Tensor[];
  /** From the last step to the first. */
  readonly reverse?: boolean;
}

interface Step {
  readonly states: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** @returns the states after the last step, and the outputs of all steps, [T, ...] each, in the order of the inputs. */
export function scan(
  g: Graph,
  { states, inputs, reverse = false }: ScanOptions,
  build: (body: Graph, states: readonly Tensor[], slices: readonly Tensor[]) => Step,
): Step {
  const name = `loop${g.nodes.length}`;
  const body = new Graph({
    dtype: g.dtype,
    fused: g.fused,
    around: { graph: g, name: `${name}_` },
  });
  const port = (kind: string, x: Tensor, i: number, shape: Shape) =>
    body.input(`${name}_${kind}${i}`, shape, x.type);
  const before = states.map((x, i) => port("state", x, i, x.shape));
  const slices = inputs.map((x, i) => port("slice", x, i, x.shape.slice(1)));
  const step = build(body, before, slices);
  // A value that leaves twice, or as it came, needs a node of its own.
  const leave = (x: Tensor) => body.emit("Identity", [x], x.shape, { type: x.type });
  const after = step.states.map(leave);
  const seen = step.outputs.map((x) =>
    body.emit("Identity", [leave(x)], x.shape, { type: x.type }),
  );
  const length = inputs[0]?.shape[0] as Dim;
  const shapes = [
    ...after.map(({ shape }) => shape),
    ...seen.map(({ shape }) => [length, ...shape]),
  ];
  const direction = { ints: inputs.map(() => (reverse ? 1 : 0)) };
  const whole: Body = {
    graph: body,
    inputs: [...before, ...slices],
    outputs: [...after, ...seen],
    toJSON: () => name,
  };
  const results = g.emitMany("Scan", [...states, ...inputs], shapes, {
    attributes: {
      body: { body: whole },
      num_scan_inputs: { int: inputs.length },
      scan_input_directions: direction,
      scan_output_directions: { ints: seen.map(() => (reverse ? 1 : 0)) },
    },
  });
  return { states: results.slice(0, after.length), outputs: results.slice(after.length) };
}
