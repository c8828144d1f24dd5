/**
 * Threads that run parts of batches, shared by all sessions of the process and started on first use. They
 * keep no process alive.
 */
import { Worker } from "node:worker_threads";
import type { Close, Open, Reply, Run } from "./part-thread.ts";

type Results = Readonly<Record<string, Float32Array>>;

interface Pending {
  readonly resolve: (results: Results) => void;
  readonly reject: (error: Error) => void;
}

/** A thread of the built file; from source, one that learns to read TypeScript first. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL("./part-thread.js", import.meta.url));
  const [api, entry] = [
    import.meta.resolve("tsx/esm/api"),
    import.meta.resolve("./part-thread.ts"),
  ];
  const code = `import("${api}").then(({ register }) => (register(), import("${entry}")))`;
  return new Worker(code, { eval: true });
}

export class PoolThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor() {
    this.#worker = startWorker();
    this.#worker.on("message", (reply: Reply) => this.#settle(reply));
    this.#worker.on("error", (error: Error) => {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
    this.#worker.unref();
  }

  /** Sends a request; requests to one thread are answered in order. Results of a run by output name. */
  ask(request: Open | Run | Close, transfer: readonly ArrayBuffer[] = []): Promise<Results> {
    const id = this.#count++;
    if (this.#pending.size === 0) this.#worker.ref(); // while it is waited for
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id }, [...transfer]);
    });
  }

  #settle({ id, results, error }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (error === undefined) pending?.resolve(results ?? {});
    else pending?.reject(new Error(error));
  }
}

const threads: PoolThread[] = [];

/** The first `count` threads of the pool. */
export function poolThreads(count: number): readonly PoolThread[] {
  while (threads.length < count) threads.push(new PoolThread());
  return threads.slice(0, count);
}
