/**
 * Writes a graph as an ONNX model (IR 8, opset 17, and com.microsoft 1 where it is used): the few protobuf messages that
 * are needed, by hand. Field numbers are those of onnx.proto3. Nodes that no output needs are left out.
 */
import type { ConstantArray, ElementType } from "./element.ts";
import type { Attribute, Body, Graph, Node, Tensor } from "./graph.ts";
import type { Shape } from "./shape.ts";

const IR_VERSION = 8;
/** Version by domain. */
const OPSETS: ReadonlyMap<string, number> = new Map([
  ["", 17],
  ["com.microsoft", 1],
]);
const TYPE_NUMBER: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FLOAT = 5;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function integerField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8 + WIRE_VARINT), varint(value)]);
}

function bytesField(field: number, body: Uint8Array | string): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return Buffer.concat([varint(field * 8 + WIRE_BYTES), varint(bytes.length), bytes]);
}

function message(field: number, parts: readonly Buffer[]): Buffer {
  return bytesField(field, Buffer.concat(parts));
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + WIRE_FLOAT), bytes]);
}

/** AttributeProto: name 1, f 2, i 3, s 4, g 6, ints 8, type 20. */
function attribute(name: string, value: Attribute): Buffer {
  const parts = [bytesField(1, name)];
  if ("int" in value) parts.push(integerField(3, value.int), integerField(20, 2));
  else if ("float" in value) parts.push(floatField(2, value.float), integerField(20, 1));
  else if ("body" in value) parts.push(message(6, body(value.body)), integerField(20, 5));
  else if ("string" in value) parts.push(bytesField(4, value.string), integerField(20, 3));
  else parts.push(...value.ints.map((v) => integerField(8, v)), integerField(20, 7));
  return message(5, parts);
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
function node(n: Node): Buffer {
  return message(1, [
    ...n.inputs.map((name) => bytesField(1, name)),
    ...n.outputs.map((name) => bytesField(2, name)),
    bytesField(3, n.name),
    bytesField(4, n.op),
    ...Object.entries(n.attributes).map(([name, value]) => attribute(name, value)),
    ...(n.domain === "" ? [] : [bytesField(7, n.domain)]),
  ]);
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { value 1, param 2 } } } }. */
function valueInfo(field: number, tensor: Tensor): Buffer {
  const dims = (shape: Shape) =>
    shape.map((dim) =>
      message(1, [typeof dim === "number" ? integerField(1, dim) : bytesField(2, dim)]),
    );
  const type = [integerField(1, TYPE_NUMBER[tensor.type]), message(2, dims(tensor.shape))];
  return message(field, [bytesField(1, tensor.name), message(2, [message(1, type)])]);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little-endian). */
function initializer(tensor: Tensor, values: ConstantArray): Buffer {
  return message(5, [
    ...tensor.shape.map((dim) => integerField(1, Number(dim))),
    integerField(2, TYPE_NUMBER[tensor.type]),
    bytesField(8, tensor.name),
    bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  ]);
}

/** GraphProto of a body: node 1, name 2, initializer 5, input 11, output 12. */
function body({ graph, inputs, outputs, ...rest }: Body): Buffer[] {
  const { nodes, used } = reachable(graph, outputs);
  const constants = [...graph.constants.values()].filter(({ tensor }) => used.has(tensor.name));
  return [
    ...nodes.map(node),
    bytesField(2, rest.toJSON()),
    ...constants.map(({ tensor, values }) => initializer(tensor, values)),
    ...inputs.map((tensor) => valueInfo(11, tensor)),
    ...outputs.map((tensor) => valueInfo(12, tensor)),
  ];
}

/** Names of outer values that the bodies of a node read. */
function capturedBy({ attributes }: Node): string[] {
  return Object.values(attributes).flatMap((value) =>
    "body" in value ? [...value.body.graph.captured] : [],
  );
}

/** The nodes that `outputs` depend on, in order, and the names of every value they read. */
function reachable(graph: Graph, outputs: readonly Tensor[]): { nodes: Node[]; used: Set<string> } {
  const used = new Set(outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const n of [...graph.nodes].reverse()) {
    if (!n.outputs.some((name) => used.has(name))) continue;
    nodes.push(n);
    for (const name of [...n.inputs, ...capturedBy(n)]) used.add(name);
  }
  return { nodes: nodes.reverse(), used };
}

function domainsOf({ domain, attributes }: Node): string[] {
  const inside = Object.values(attributes).flatMap((value) =>
    "body" in value ? value.body.graph.nodes.flatMap(domainsOf) : [],
  );
  return [domain, ...inside];
}

/** A model ready for a runtime: its bytes, and the inputs it reads. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly nodeCount: number;
  /** The same as data, for runtimes that read no bytes. */
  readonly nodes: readonly Node[];
  readonly constants: readonly { readonly tensor: Tensor; readonly values: ConstantArray }[];
}

/**
 * The part of a graph that `outputs` depend on. `initializers` turns inputs (parameters, say) into
 * constants of the file, which makes an exported model self-contained.
 */
export function toOnnx(
  graph: Graph,
  outputs: readonly Tensor[],
  initializers: ReadonlyMap<string, ConstantArray> = new Map(),
): OnnxModel {
  const distinct = [...new Set(outputs)];
  const { nodes, used } = reachable(graph, distinct);
  const inputs: Tensor[] = [];
  const parts = [...nodes.map(node), bytesField(2, "graph")];
  for (const { tensor, values } of graph.constants.values())
    if (used.has(tensor.name)) parts.push(initializer(tensor, values));
  for (const tensor of graph.inputs.values()) {
    if (!used.has(tensor.name)) continue;
    const values = initializers.get(tensor.name);
    if (values !== undefined) parts.push(initializer(tensor, values));
    else inputs.push(tensor);
  }
  parts.push(...inputs.map((tensor) => valueInfo(11, tensor)));
  parts.push(...distinct.map((tensor) => valueInfo(12, tensor)));
  const domains = new Set(["", ...nodes.flatMap(domainsOf)]);
  const opsets = [...domains].map((domain) =>
    message(8, [bytesField(1, domain), integerField(2, OPSETS.get(domain) ?? 1)]),
  );
  const bytes = Buffer.concat([integerField(1, IR_VERSION), message(7, parts), ...opsets]);
  const constants = [...graph.constants.values()].filter(({ tensor }) => used.has(tensor.name));
  return { bytes, inputs, outputs: distinct, nodeCount: nodes.length, nodes, constants };
}
