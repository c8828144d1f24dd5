/**
 * A trained forward graph as one ONNX file for any runtime: parameters inside, probabilities out, no
 * inputs but the model's own. Build the graph with `fused: false`, so that it holds standard operators only.
 */
import type { LabelKind } from "../core/label.ts";
import type { ExportedModel } from "../core/model.ts";
import type { ConstantArray } from "./element.ts";
import { type Graph, Tensor } from "./graph.ts";
import { toOnnx } from "./onnx.ts";

const DIM = "dim:";
const OUTPUT = "probabilities";

/** Reads the sizes that graphs are otherwise fed (`dim:B`) off the shapes of the inputs. */
function deriveDims(graph: Graph, isInside: (name: string) => boolean): void {
  const ports = [...graph.inputs.values()].filter(({ name }) => !isInside(name));
  for (const { name } of ports.filter((input) => input.name.startsWith(DIM))) {
    const dim = name.slice(DIM.length);
    const from = ports.find(({ shape }) => shape.includes(dim));
    if (from === undefined) continue; // it stays an input
    const axis = from.shape.indexOf(dim);
    graph.inputs.delete(name);
    graph.nodes.unshift({
      op: "Shape",
      domain: "",
      name: `size of ${dim}`,
      inputs: [from.name],
      outputs: [name],
      attributes: { start: { int: axis }, end: { int: axis + 1 } },
    });
  }
}

/**
 * @param values parameters and fixed inputs by name, written into the file
 * @throws when an operator is not a standard one
 */
export function exportOnnx(
  graph: Graph,
  logits: Tensor,
  kind: LabelKind,
  values: ReadonlyMap<string, ConstantArray>,
): ExportedModel {
  const foreign = graph.nodes.find(({ domain }) => domain !== "");
  if (foreign !== undefined) throw new Error(`export: ${foreign.op} is no standard operator`);
  deriveDims(graph, (name) => values.has(name));
  const output = new Tensor(graph, OUTPUT, logits.shape, logits.type, OUTPUT);
  const isExclusive = kind === "multiclass";
  graph.nodes.push({
    op: isExclusive ? "Softmax" : "Sigmoid",
    domain: "",
    name: OUTPUT,
    inputs: [logits.name],
    outputs: [OUTPUT],
    attributes: isExclusive ? { axis: { int: -1 } } : {},
  });
  const { bytes, inputs } = toOnnx(graph, [output], values);
  const port = ({ name, type, shape }: Tensor) => ({ name, type, shape });
  const sizes = inputs.filter(({ name }) => name.startsWith(DIM)).map(({ name }) => name);
  const note = `${sizes.join(", ")}: sizes that no input has alone, each one whole number; inputs' shapes are made of them`;
  return {
    bytes,
    inputs: inputs.map(port),
    output: port(output),
    ...(sizes.length === 0 ? {} : { notes: [note] }),
  };
}
