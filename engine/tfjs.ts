/**
 * A second runtime over the same graphs: an interpreter of their nodes in tfjs, on whichever of its packages
 * is installed (none is a dependency). The same numbers within float tolerance, not the same bits; the pure
 * package is for checking, not for speed. Parameters stay in our memory and are updated by our kernels.
 */
import { createRequire } from "node:module";
import type * as TF from "@tensorflow/tfjs";
import { BenchError } from "../core/errors.ts";
import type { Body, Node } from "./graph.ts";
import type { OnnxModel } from "./onnx.ts";
import type { Fed, RuntimeVersion } from "./onnxruntime.ts";
import { OPERATORS, type Tfjs, type Value } from "./tfjs-operators.ts";

/** In the order in which they are tried. */
export const TFJS_PACKAGES = [
  "@tensorflow/tfjs-node-gpu",
  "@tensorflow/tfjs-node",
  "@tensorflow/tfjs",
] as const;

/** The packages of tfjs that are installed, best first. */
export function installedTfjs(): RuntimeVersion[] {
  const require = createRequire(import.meta.url);
  return TFJS_PACKAGES.flatMap((name) => {
    try {
      return [{ name, version: String(require(`${name}/package.json`).version) }];
    } catch {
      return [];
    }
  });
}

let loaded: Promise<Tfjs> | undefined;

async function load(): Promise<Tfjs> {
  const [best] = installedTfjs();
  if (best === undefined)
    throw new BenchError({
      what: "the runtime tfjs was asked for, and none of its packages is installed",
      where: "--runtime",
      fix: `npm install one of ${TFJS_PACKAGES.join(", ")}, or leave --runtime out`,
      exitCode: 2,
    });
  const tf = (await import(best.name)) as Tfjs;
  if (best.name === "@tensorflow/tfjs") await tf.setBackend("cpu");
  await tf.ready();
  return tf;
}

type Values = Map<string, Value>;

export class TfjsSession {
  readonly #tf: Tfjs;
  readonly #model: OnnxModel;

  private constructor(tf: Tfjs, model: OnnxModel) {
    this.#tf = tf;
    this.#model = model;
  }

  /** @throws BenchError when tfjs is not installed or does not know an operator. */
  static async create(model: OnnxModel): Promise<TfjsSession> {
    loaded ??= load();
    const unknown = model.nodes.find(({ op }) => op !== "Scan" && OPERATORS[op] === undefined);
    if (unknown !== undefined)
      throw new BenchError({
        what: `the runtime tfjs does not know the operator ${unknown.op}, which this model needs`,
        where: "--runtime",
        fix: "leave --runtime out",
        exitCode: 2,
      });
    return new TfjsSession(await loaded, model);
  }

  /** One run; values by output name. */
  async run(feeds: Readonly<Record<string, Fed>>): Promise<Record<string, { data: Float32Array }>> {
    const tf = this.#tf;
    const { nodes, constants, outputs } = this.#model;
    const results: Record<string, { data: Float32Array }> = {};
    tf.tidy(() => {
      const values: Values = new Map();
      for (const { tensor, values: given } of constants)
        values.set(
          tensor.name,
          upload(tf, { type: tensor.type, values: given, shape: tensor.shape.map(Number) }),
        );
      for (const [name, fed] of Object.entries(feeds)) values.set(name, upload(tf, fed));
      evaluate(tf, nodes, values);
      for (const { name } of outputs)
        results[name] = { data: Float32Array.from((values.get(name) as TF.Tensor).dataSync()) };
    });
    return results;
  }

  async release(): Promise<void> {}
}

function upload(tf: Tfjs, { type, values, shape }: Fed): Value {
  if (type === "int64") return Array.from(values as BigInt64Array, Number);
  if (type === "float64") throw new Error("tfjs: there is no float64");
  const kind = type === "float32" ? "float32" : type;
  return tf.tensor(values as Float32Array, [...shape], kind);
}

function evaluate(tf: Tfjs, nodes: readonly Node[], values: Values): void {
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => values.get(name) as Value);
    const made =
      node.op === "Scan" ? scan(tf, node, inputs, values) : OPERATORS[node.op]?.(tf, inputs, node);
    // A list of numbers is one value (sizes), a list of values is several outputs.
    const several = Array.isArray(made) && !isNumbers(made) ? made : [made];
    for (const [i, name] of node.outputs.entries()) values.set(name, several[i] as Value);
  }
}

function isNumbers(made: readonly unknown[]): boolean {
  return made.every((part) => typeof part === "number");
}

function scan(tf: Tfjs, node: Node, inputs: readonly Value[], around: Values): Value[] {
  const { body, num_scan_inputs, scan_input_directions } = node.attributes as {
    readonly body: { readonly body: Body };
    readonly num_scan_inputs: { readonly int: number };
    readonly scan_input_directions: { readonly ints: readonly number[] };
  };
  const { graph, inputs: ports, outputs } = body.body;
  const stateCount = inputs.length - num_scan_inputs.int;
  let states = inputs.slice(0, stateCount);
  const read = inputs.slice(stateCount).map((x) => tf.unstack(x as TF.Tensor));
  const length = read[0]?.length ?? 0;
  const isReverse = scan_input_directions.ints[0] === 1;
  const kept: TF.Tensor[][] = outputs.slice(stateCount).map(() => []);
  for (let i = 0; i < length; i++) {
    const t = isReverse ? length - 1 - i : i;
    const values: Values = new Map(around);
    for (const { tensor, values: given } of graph.constants.values())
      values.set(
        tensor.name,
        upload(tf, { type: tensor.type, values: given, shape: tensor.shape.map(Number) }),
      );
    const given = [...states, ...read.map((steps) => steps[t] as Value)];
    for (const [p, port] of ports.entries()) values.set(port.name, given[p] as Value);
    evaluate(tf, graph.nodes, values);
    const made = outputs.map(({ name }) => values.get(name) as TF.Tensor);
    states = made.slice(0, stateCount);
    for (const [k, x] of made.slice(stateCount).entries()) {
      if (isReverse) kept[k]?.unshift(x);
      else kept[k]?.push(x);
    }
  }
  return [...states, ...kept.map((steps) => tf.stack(steps))];
}
