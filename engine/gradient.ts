/** Reverse-mode differentiation: walks the tape backwards and emits the backward nodes into the same graph. */
import type { Recorded, Tensor } from "./graph.ts";
import { add } from "./ops/elementwise.ts";
import { sameShape } from "./shape.ts";

/** Gradients by tensor; a tensor that the loss does not depend on has none. */
export type Gradients = ReadonlyMap<Tensor, Tensor>;

/**
 * Gradients of sum(output * seed) with respect to every tracked ancestor of `output`: parameters, rows
 * of look-ups and what lies between. `seed` has the shape of `output`.
 * @throws ShapeError when a rule yields a gradient of another shape than its input's.
 */
export function gradients(output: Tensor, seed: Tensor): Gradients {
  const { graph } = output;
  if (!sameShape(output.shape, seed.shape))
    graph.fail("gradients", `the seed ${seed} has not the shape of ${output}`);
  const found = new Map<Tensor, Tensor>([[output, seed]]);
  graph.withoutGradient(() => {
    for (const step of [...graph.tape].reverse()) {
      const dy = found.get(step.output);
      if (dy !== undefined) propagate(step, dy, found);
    }
  });
  return found;
}

/** Adds the gradients of one operation's inputs to those found so far. */
function propagate(
  { output, inputs, rule }: Recorded,
  dy: Tensor,
  found: Map<Tensor, Tensor>,
): void {
  const parts = rule(dy);
  for (const [i, input] of inputs.entries()) {
    const make = parts[i];
    if (!input.tracked || make === undefined) continue;
    const d = make();
    if (!sameShape(d.shape, input.shape))
      output.graph.fail("gradients", `the rule of ${output.label} gives ${d} for ${input}`);
    const before = found.get(input);
    found.set(input, before === undefined ? d : add(before, d));
  }
}
