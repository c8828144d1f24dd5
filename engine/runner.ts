/**
 * Runs graphs, on onnxruntime unless tfjs is chosen. The only file that imports onnxruntime-node, and it does so on first use, so that
 * commands that train nothing work without it. Feeds are checked by name, type and size before a run,
 * as the runtime ignores unknown names and its messages name no tensor of ours.
 */
import { createRequire } from "node:module";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { BenchError } from "../core/errors.ts";
import type { ElementType, Tensor } from "./graph.ts";
import type { OnnxModel } from "./onnx.ts";
import { makeRecorder, type ProfileRecorder } from "./profile.ts";
import { type DimValues, evaluateShape, showShape } from "./shape.ts";
import { type Fed, installedTfjs, type RuntimeVersion, TfjsSession } from "./tfjs.ts";

type Runtime = typeof import("onnxruntime-node");
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

let loaded: Promise<Runtime> | undefined;

/** The runtime's module. @throws BenchError when it is not installed. */
export async function loadRuntime(
  load: () => Promise<Runtime> = () => import("onnxruntime-node"),
): Promise<Runtime> {
  try {
    return await load();
  } catch (cause) {
    throw new BenchError({
      what: "the package onnxruntime-node, which trains and runs the models, could not be loaded",
      fix: "install it without its GPU download: npm install --onnxruntime-node-install=skip",
      cause,
    });
  }
}

/** Name and version of the runtime, for records and `doctor`; null when it is not installed. */
export function runtimeVersion(): RuntimeVersion | null {
  try {
    const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json");
    return { name: "onnxruntime-node", version: String(version) };
  } catch {
    return null;
  }
}

export const RUNTIMES = ["onnxruntime", "tfjs"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];
let chosen: RuntimeName = "onnxruntime";

/** Makes every session from now on one of this runtime. */
export function chooseRuntime(name: RuntimeName): void {
  chosen = name;
}

/** Name and version of the runtime that sessions are made of now; null when it is not installed. */
export function chosenRuntime(): RuntimeVersion | null {
  return chosen === "tfjs" ? (installedTfjs()[0] ?? null) : runtimeVersion();
}

/** What a session needs of a runtime. */
interface Backend {
  run(
    feeds: Readonly<Record<string, Fed>>,
  ): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Threads inside one operation; default 1. The numbers do not depend on it. */
  readonly threads?: number;
  /** What it is for, in profiles; default `prediction`. */
  readonly label?: string;
}

/** onnxruntime behind the common face. */
class OrtBackend implements Backend {
  readonly #ort: Runtime;
  readonly #session: InferenceSession;
  readonly #recorder: ProfileRecorder | undefined;
  /** Tensors of values that are fed again, e.g. parameters. */
  readonly #known = new WeakMap<Fed, OrtTensor>();

  private constructor(ort: Runtime, session: InferenceSession, recorder?: ProfileRecorder) {
    this.#ort = ort;
    this.#session = session;
    this.#recorder = recorder;
  }

  static async create(model: OnnxModel, options: SessionOptions): Promise<OrtBackend> {
    const { threads = 1, label = "prediction" } = options;
    const recorder = makeRecorder(label);
    loaded ??= loadRuntime();
    const ort = await loaded;
    const session = await ort.InferenceSession.create(model.bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "basic", // fixed: other levels give other bits
      logSeverityLevel: 3,
      ...recorder?.options,
      // Waiting threads that spin make two threads slower than one as soon as the machine is shared.
      ...(threads > 1 ? { extra: { session: { intra_op: { allow_spinning: "0" } } } } : {}),
    });
    return new OrtBackend(ort, session, recorder);
  }

  async run(feeds: Readonly<Record<string, Fed>>) {
    const all = Object.entries(feeds).map(([name, fed]) => [name, this.#tensor(fed)]);
    const outputs = await this.#session.run(Object.fromEntries(all));
    this.#recorder?.ran(() => this.#session.endProfiling());
    return outputs;
  }

  async release(): Promise<void> {
    this.#recorder?.released(() => this.#session.endProfiling());
    await this.#session.release();
  }

  #tensor(fed: Fed): OrtTensor {
    const known = this.#known.get(fed);
    if (known !== undefined) return known;
    const { type, values, shape } = fed;
    const made = new this.#ort.Tensor(type, values as Float32Array, [...shape]);
    this.#known.set(fed, made);
    return made;
  }
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
    const backend = isTfjs ? TfjsSession.create(model) : OrtBackend.create(model, options);
    return new Session(model, await backend);
  }

  /** Feeds a static input at every run from now on; the array is read in place, so later writes show. */
  hold(name: string, values: FeedArray): void {
    const input = this.model.inputs.find((candidate) => candidate.name === name);
    if (input !== undefined) this.#held.set(name, this.#tensor(input, values, {}));
  }

  /** One run. @throws when a feed is unknown, missing, or of the wrong type or size. */
  async run(feeds: Feeds, dims: DimValues = {}): Promise<Results> {
    const known = new Set(this.model.inputs.map((input) => input.name));
    for (const name of Object.keys(feeds))
      if (!known.has(name)) throw new Error(`run: the model has no input "${name}"`);
    const all: Record<string, Fed> = {};
    for (const input of this.model.inputs) all[input.name] = this.#feed(input, feeds, dims);
    const outputs = await this.#backend.run(all);
    return new Map(
      this.model.outputs.map(({ name }) => [name, outputs[name]?.data as Float32Array]),
    );
  }

  async release(): Promise<void> {
    this.#held.clear();
    await this.#backend.release();
  }

  #feed(input: Tensor, feeds: Feeds, dims: DimValues): Fed {
    const values = feeds[input.name];
    if (values !== undefined) return this.#tensor(input, values, dims);
    const held = this.#held.get(input.name);
    if (held !== undefined) return held;
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
