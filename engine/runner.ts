/**
 * Runs ONNX models. The only file that imports onnxruntime-node, and it does so on first use, so that
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
export function runtimeVersion(): { readonly name: string; readonly version: string } | null {
  try {
    const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json");
    return { name: "onnxruntime-node", version: String(version) };
  } catch {
    return null;
  }
}

export interface SessionOptions {
  /** Threads inside one operation; default 1. The numbers do not depend on it. */
  readonly threads?: number;
  /** What it is for, in profiles; default `prediction`. */
  readonly label?: string;
}

/** A model loaded into the runtime. Release it when done: each keeps its memory until then. */
export class Session {
  readonly model: OnnxModel;
  readonly #ort: Runtime;
  readonly #session: InferenceSession;
  /** Values given once, e.g. parameters and frozen tables: name -> tensor. */
  readonly #held = new Map<string, OrtTensor>();
  readonly #recorder: ProfileRecorder | undefined;
  readonly #endProfile: () => void;

  private constructor(
    model: OnnxModel,
    ort: Runtime,
    session: InferenceSession,
    recorder: ProfileRecorder | undefined,
  ) {
    this.model = model;
    this.#recorder = recorder;
    this.#endProfile = () => session.endProfiling();
    this.#ort = ort;
    this.#session = session;
  }

  /** @throws BenchError when onnxruntime-node is not installed. */
  static async create(model: OnnxModel, options: SessionOptions = {}): Promise<Session> {
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
    return new Session(model, ort, session, recorder);
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
    const all: Record<string, OrtTensor> = {};
    for (const input of this.model.inputs) all[input.name] = this.#feed(input, feeds, dims);
    const outputs = await this.#session.run(all);
    this.#recorder?.ran(this.#endProfile);
    return new Map(
      this.model.outputs.map(({ name }) => [name, outputs[name]?.data as Float32Array]),
    );
  }

  async release(): Promise<void> {
    this.#held.clear();
    this.#recorder?.released(this.#endProfile);
    await this.#session.release();
  }

  #feed(input: Tensor, feeds: Feeds, dims: DimValues): OrtTensor {
    const values = feeds[input.name];
    if (values !== undefined) return this.#tensor(input, values, dims);
    const held = this.#held.get(input.name);
    if (held !== undefined) return held;
    const dim = input.name.startsWith("dim:") ? dims[input.name.slice(4)] : undefined;
    if (dim !== undefined) return this.#tensor(input, BigInt64Array.of(BigInt(dim)), dims);
    throw new Error(`run: no value for the input "${input.name}" ${showShape(input.shape)}`);
  }

  #tensor(input: Tensor, values: FeedArray, dims: DimValues): OrtTensor {
    const shape = evaluateShape(input.shape, dims);
    const size = shape.reduce((a, b) => a * b, 1);
    const wanted = ARRAYS[input.type];
    if (!(values instanceof wanted))
      throw new Error(`run: "${input.name}" wants ${wanted.name}, got ${values.constructor.name}`);
    if (values.length !== size)
      throw new Error(
        `run: "${input.name}" wants ${showShape(input.shape)} = ${showShape(shape)}, got ${values.length} values`,
      );
    return new this.#ort.Tensor(input.type, values as Float32Array, shape);
  }
}
