/**
 * Entry of a thread that runs sessions for `thread-pool.ts`: opens them, runs them with one thread inside an
 * operation, closes them. Imports little, as every thread loads it anew.
 */
import { parentPort } from "node:worker_threads";
import { type Fed, OrtBackend } from "./onnxruntime.ts";

/** Where a parameter lies in the shared block, in floats. */
export interface Place {
  readonly name: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

/** A dropout mask as a window of the pool of its rate. */
export interface Window {
  readonly name: string;
  readonly rate: number;
  readonly offset: number;
  readonly shape: readonly number[];
}

export type Feds = Readonly<Record<string, Fed>>;

/** Loads a model; `held` are the inputs that never change. */
export interface Open {
  readonly kind: "open";
  readonly session: number;
  readonly model: Uint8Array;
  readonly held: Feds;
  readonly places: readonly Place[];
  /** The parameters' block; the runtime refuses shared memory, so that each thread reads a copy. */
  readonly block: Float32Array;
}

export interface Run {
  readonly kind: "run";
  readonly session: number;
  /** Whether the parameters have changed since this thread's last run of the session. */
  readonly isStale: boolean;
  readonly feeds: Feds;
  readonly windows: readonly Window[];
  /** Pools that are new or have grown, by rate. */
  readonly pools: readonly (readonly [rate: number, values: Float32Array])[];
}

export interface Close {
  readonly kind: "close";
  readonly session: number;
}

export type Request = (Open | Run | Close) & { readonly id: number };

export interface Reply {
  readonly id: number;
  /** Of a run, by output name. */
  readonly results?: Readonly<Record<string, Float32Array>>;
  readonly error?: string;
}

interface Opened {
  readonly backend: OrtBackend;
  readonly block: Float32Array;
  readonly copy: Float32Array;
  readonly fixed: Feds;
  readonly pools: Map<number, Float32Array>;
}

const opened = new Map<number, Opened>();

async function open({ session, model, held, places, block }: Open): Promise<void> {
  const copy = new Float32Array(block.length);
  const fixed: Record<string, Fed> = { ...held };
  for (const { name, offset, shape } of places) {
    const size = shape.reduce((a, b) => a * b, 1);
    fixed[name] = { type: "float32", values: copy.subarray(offset, offset + size), shape };
  }
  const backend = await OrtBackend.create(model, { threads: 1 });
  opened.set(session, { backend, block, copy, fixed, pools: new Map() });
}

async function run(job: Run): Promise<Record<string, Float32Array>> {
  const { backend, block, copy, fixed, pools } = opened.get(job.session) as Opened;
  if (job.isStale) copy.set(block);
  for (const [rate, values] of job.pools) pools.set(rate, values);
  const masks: Record<string, Fed> = {};
  for (const { name, rate, offset, shape } of job.windows) {
    const size = shape.reduce((a, b) => a * b, 1);
    const pool = pools.get(rate) as Float32Array;
    masks[name] = { type: "float32", values: pool.subarray(offset, offset + size), shape };
  }
  const outputs = await backend.run({ ...fixed, ...masks, ...job.feeds });
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

async function close({ session }: Close): Promise<void> {
  await opened.get(session)?.backend.release();
  opened.delete(session);
}

async function answer(request: Request): Promise<Reply> {
  const { id } = request;
  try {
    switch (request.kind) {
      case "open":
        await open(request);
        return { id };
      case "run":
        return { id, results: await run(request) };
      case "close":
        await close(request);
        return { id };
      default:
        return request satisfies never;
    }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (request: Request) => {
  last = last.then(async () => {
    const reply = await answer(request);
    const buffers = Object.values(reply.results ?? {}).map(({ buffer }) => buffer as ArrayBuffer);
    parentPort?.postMessage(reply, [...new Set(buffers)]);
  });
});
