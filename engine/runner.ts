/**
 * Runs graphs, on onnxruntime unless tfjs is chosen. Feeds are checked by name, type and size before a run, as
 * the runtime ignores unknown names and its messages name no tensor of ours.
 */
import type { ElementType } from "./element.ts";
import type { Tensor } from "./graph.ts";
import type { OnnxModel } from "./onnx.ts";
import {
  type Fed,
  OrtBackend,
  type RuntimeVersion,
  runtimeVersion,
  type SessionOptions,
} from "./onnxruntime.ts";
import { type DimValues, evaluateShape, showShape } from "./shape.ts";
import { installedTfjs, TfjsSession } from "./tfjs.ts";

export type FeedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
/** Flat values by input name; shapes follow from the graph and the dims. */
export type Feeds = Readonly<Record<string, FeedArray>>;
/** Flat values by output name, each in a buffer of its own. */
export type Results = ReadonlyMap<string, Float32Array | Float64Array>;

const ARRAYS: Readonly<Record<ElementType, { new (n: number): FeedArray; readonly name: string }>> =
  {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    int64: BigInt64Array,
    bool: Uint8Array,
  };

export const RUNTIMES = ["onnxruntime", "tfjs"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];
let chosen: RuntimeName = "onnxruntime";

/** Makes every session from now on one of this runtime. */
export function chooseRuntime(name: RuntimeName): void {
  chosen = name;
}

export function chosenRuntimeName(): RuntimeName {
  return chosen;
}

/** Name and version of the runtime that sessions are made of now; null when it is not installed. */
export function chosenRuntime(): RuntimeVersion | null {
  return chosen === "tfjs" ? (installedTfjs()[0] ?? null) : runtimeVersion();
}

/** Fed values by input name. */
type Feds = Readonly<Record<string, Fed>>;

/** What a session needs of a runtime. */
interface Backend {
  run(feeds: Feds): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

/** A model loaded into the runtime. Release it when done: each keeps its memory until then. */
export class Session {
  readonly model: OnnxModel;
  readonly #backend: Backend;
  /** Values given once, e.g. parameters and frozen tables, by name. */
  readonly #held = new Map<string, Fed>();

  private constructor(model: OnnxModel, backend: Backend) {
    this.model = model;
    this.#backend = backend;
  }

  /** @throws BenchError when the runtime is not installed, or does not know an operator of the model. */
  static async create(model: OnnxModel, options: SessionOptions = {}): Promise<Session> {
    const isTfjs = chosen === "tfjs";
    const backend = isTfjs ? TfjsSession.create(model) : OrtBackend.create(model.bytes, options);
    return new Session(model, await backend);
  }

  /** Feeds a static input at every run from now on; the array is read in place, so later writes show. */
  hold(name: string, values: FeedArray): void {
    const input = this.model.inputs.find((candidate) => candidate.name === name);
    if (input !== undefined) this.#held.set(name, this.#tensor(input, values, {}));
  }

  /** One run. @throws when a feed is unknown, missing, or of the wrong type or size. */
  async run(feeds: Feeds, dims: DimValues = {}): Promise<Results> {
    const held = Object.fromEntries(this.#held);
    const outputs = await this.#backend.run({ ...held, ...this.fed(feeds, dims) });
    return new Map(
      this.model.outputs.map(({ name }) => [name, outputs[name]?.data as Float32Array]),
    );
  }

  /** Values given once, by name. */
  get held(): ReadonlyMap<string, Fed> {
    return this.#held;
  }

  /** The inputs of one run that are not held, but those in `later`. @throws as `run`. */
  fed(feeds: Feeds, dims: DimValues, later: ReadonlySet<string> = new Set()): Feds {
    const known = new Set(this.model.inputs.map((input) => input.name));
    for (const name of Object.keys(feeds))
      if (!known.has(name)) throw new Error(`run: the model has no input "${name}"`);
    const all: Record<string, Fed> = {};
    for (const input of this.model.inputs) {
      const isGiven = feeds[input.name] !== undefined;
      if (isGiven || !(this.#held.has(input.name) || later.has(input.name)))
        all[input.name] = this.#feed(input, feeds, dims);
    }
    return all;
  }

  async release(): Promise<void> {
    this.#held.clear();
    await this.#backend.release();
  }

  #feed(input: Tensor, feeds: Feeds, dims: DimValues): Fed {
    const values = feeds[input.name];
    if (values !== undefined) return this.#tensor(input, values, dims);
    const dim = input.name.startsWith("dim:") ? dims[input.name.slice(4)] : undefined;
    if (dim !== undefined) return this.#tensor(input, BigInt64Array.of(BigInt(dim)), dims);
    throw new Error(`run: no value for the input "${input.name}" ${showShape(input.shape)}`);
  }

  #tensor(input: Tensor, values: FeedArray, dims: DimValues): Fed {
    const shape = evaluateShape(input.shape, dims);
    const size = shape.reduce((a, b) => a * b, 1);
    const wanted = ARRAYS[input.type];
    if (!(values instanceof wanted))
      throw new Error(`run: "${input.name}" wants ${wanted.name}, got ${values.constructor.name}`);
    if (values.length !== size)
      throw new Error(
        `run: "${input.name}" wants ${showShape(input.shape)} = ${showShape(shape)}, got ${values.length} values`,
      );
    return { type: input.type, values, shape };
  }
}
