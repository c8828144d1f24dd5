/**
 * onnxruntime-node, loaded on first use, so that commands that train nothing work without it. The only file
 * that imports it.
 */
import { createRequire } from "node:module";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { BenchError } from "../core/errors.ts";
import { switchOffTelemetry } from "../core/privacy.ts";
import type { ConstantArray, ElementType } from "./element.ts";
import { makeRecorder, type ProfileRecorder } from "./profile.ts";

type Runtime = typeof import("onnxruntime-node");

/** A fed value; its array is read at every run, as parameters change in place. */
export interface Fed {
  readonly type: ElementType;
  readonly values: ConstantArray;
  readonly shape: readonly number[];
}

export interface RuntimeVersion {
  readonly name: string;
  readonly version: string;
}

export interface SessionOptions {
  /** Threads inside one operation; default 1. The numbers do not depend on it. */
  readonly threads?: number;
  /** What it is for, in profiles; default `prediction`. */
  readonly label?: string;
}

let loaded: Promise<Runtime> | undefined;

/** The runtime's module. @throws BenchError when it is not installed. */
export async function loadRuntime(
  load: () => Promise<Runtime> = () => import("onnxruntime-node"),
): Promise<Runtime> {
  switchOffTelemetry();
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

/** A model in onnxruntime. */
export class OrtBackend {
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

  static async create(model: Uint8Array, options: SessionOptions): Promise<OrtBackend> {
    const { threads = 1, label = "prediction" } = options;
    const recorder = makeRecorder(label);
    loaded ??= loadRuntime();
    const ort = await loaded;
    const session = await ort.InferenceSession.create(model, {
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
