/**
 * Runs the parts of a batch side by side, each on a thread of its own with one thread inside an operation: a
 * part is the same work with any number of threads, so its bits are too, and no thread waits for another
 * inside an operation. A single part runs in the session it was given, with threads inside operations.
 */
import type { MaskPool } from "./dropout.ts";
import type { Mask } from "./graph.ts";
import type { Fed } from "./onnxruntime.ts";
import type { Feds, Place, Run } from "./part-thread.ts";
import { isProfiling } from "./profile.ts";
import { chosenRuntimeName, type Feeds, type Results, type Session } from "./runner.ts";
import type { DimValues } from "./shape.ts";
import { type PoolThread, poolThreads } from "./thread-pool.ts";

export interface PartJob {
  readonly feeds: Feeds;
  readonly dims: DimValues;
  /** Names the run in the dropout pool. */
  readonly key?: string;
}

export interface PartsOptions {
  readonly session: Session;
  readonly threads: number;
  /** Names of the session's held inputs that change between batches: each thread takes a copy. */
  readonly parameters: readonly string[];
  readonly dropout?: { readonly pool: MaskPool; readonly masks: readonly Mask[] };
}

/** Most bytes of parameters, which are copied to the threads for every batch, and of other held inputs, which each thread keeps. */
const MOST_COPIED = 16 * 2 ** 20;
const MOST_KEPT = 64 * 2 ** 20;

/** The session as the threads have it. */
interface Remote {
  readonly id: number;
  readonly threads: readonly PoolThread[];
  /** Parameters, in memory that the threads share. */
  readonly block: Float32Array;
  /** Per thread: lengths of the dropout pools it has, by rate. */
  readonly pools: readonly Map<number, number>[];
}

let sessions = 0;

export class PartRunner {
  readonly #options: PartsOptions;
  #remote: Promise<Remote> | undefined;

  constructor(options: PartsOptions) {
    this.#options = options;
  }

  /** Runs all jobs and hands over their results in order. Jobs are asked for one by one, as threads become free. */
  async run(jobs: Iterable<PartJob>, take: (results: Results) => void): Promise<void> {
    const [first, second, rest] = twoAndRest(jobs);
    if (first === undefined) return;
    if (second !== undefined && this.#isWorthwhile())
      return this.#sideBySide(chain([first, second], rest), take);
    for (const job of chain(second === undefined ? [first] : [first, second], rest)) {
      const { pool, masks } = this.#options.dropout ?? {};
      const drawn = pool?.feeds(masks ?? [], job.dims, job.key ?? "") ?? {};
      take(await this.#options.session.run({ ...job.feeds, ...drawn }, job.dims));
    }
  }

  async release(): Promise<void> {
    const remote = await this.#remote;
    if (remote === undefined) return;
    const close = { kind: "close", session: remote.id } as const;
    await Promise.all(remote.threads.map((thread) => thread.ask(close)));
  }

  #isWorthwhile(): boolean {
    const { session, threads, parameters } = this.#options;
    if (threads === 1 || chosenRuntimeName() !== "onnxruntime" || isProfiling()) return false;
    const [copied, kept] = [new Set(parameters), session.held];
    const bytes = (wanted: boolean) =>
      [...kept].reduce(
        (sum, [name, { values }]) => sum + (copied.has(name) === wanted ? values.byteLength : 0),
        0,
      );
    return bytes(true) <= MOST_COPIED && bytes(false) <= MOST_KEPT;
  }

  async #open(): Promise<Remote> {
    const { session, threads, parameters } = this.#options;
    const places: Place[] = [];
    let end = 0;
    for (const [name, { values, shape }] of this.#parameters()) {
      places.push({ name, offset: end, shape });
      end += values.length;
    }
    const block = new Float32Array(new SharedArrayBuffer(4 * end));
    const others = [...session.held].filter(([name]) => !parameters.includes(name));
    const held = Object.fromEntries(others.map(([name, fed]) => [name, owned(fed)]));
    const id = sessions++;
    const model = session.model.bytes;
    const pool = poolThreads(threads);
    const open = { kind: "open", session: id, model, held, places, block } as const;
    await Promise.all(pool.map((thread) => thread.ask(open)));
    return { id, threads: pool, block, pools: pool.map(() => new Map()) };
  }

  #fill(block: Float32Array): void {
    let end = 0;
    for (const [, { values }] of this.#parameters()) {
      block.set(values as Float32Array, end);
      end += values.length;
    }
  }

  /** Parameters that the session reads. */
  #parameters(): readonly (readonly [string, Fed])[] {
    const { session, parameters } = this.#options;
    return parameters.flatMap((name) => {
      const fed = session.held.get(name);
      return fed === undefined ? [] : [[name, fed] as const];
    });
  }

  async #sideBySide(jobs: Iterator<PartJob>, take: (results: Results) => void): Promise<void> {
    this.#remote ??= this.#open();
    const remote = await this.#remote;
    this.#fill(remote.block);
    const done = new Map<number, Results>();
    let asked = 0;
    let taken = 0;
    let isBroken = false;
    const work = async (thread: PoolThread, t: number) => {
      let isStale = true;
      for (let job = jobs.next(); job.done !== true; job = jobs.next()) {
        const place = asked++;
        const { request, buffers } = this.#request(remote, t, job.value, isStale);
        done.set(place, new Map(Object.entries(await thread.ask(request, buffers))));
        isStale = false;
        if (isBroken) return;
        for (let next = done.get(taken); next !== undefined; next = done.get(taken)) {
          done.delete(taken++);
          take(next);
        }
      }
    };
    const guarded = (thread: PoolThread, t: number) =>
      work(thread, t).catch((error: unknown) => {
        isBroken = true;
        throw error;
      });
    // All are waited for, whatever happens: a thread must have nothing under way when the next batch comes.
    const ends = await Promise.allSettled(remote.threads.map(guarded));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #request(remote: Remote, t: number, { feeds, dims, key }: PartJob, isStale: boolean) {
    const { session, dropout } = this.#options;
    const windows = dropout?.pool.windows(dropout.masks, dims, key ?? "") ?? [];
    const given = session.fed(feeds, dims, new Set(windows.map(({ name }) => name)));
    const sent: Feds = Object.fromEntries(
      Object.entries(given).map(([name, fed]) => [name, owned(fed)]),
    );
    const known = remote.pools[t] as Map<number, number>;
    const pools: [number, Float32Array][] = [];
    for (const rate of new Set(windows.map((window) => window.rate))) {
      const values = dropout?.pool.values(rate) as Float32Array;
      if (known.get(rate) === values.length) continue;
      known.set(rate, values.length);
      pools.push([rate, values]);
    }
    const request: Run = {
      kind: "run",
      session: remote.id,
      isStale,
      feeds: sent,
      windows,
      pools,
    };
    return {
      request,
      buffers: Object.values(sent).map(({ values }) => values.buffer as ArrayBuffer),
    };
  }
}

/** A value in a buffer of its own, which can be given away. */
function owned({ type, values, shape }: Fed): Fed {
  return { type, values: values.slice(), shape };
}

function twoAndRest<T>(values: Iterable<T>): [T | undefined, T | undefined, Iterator<T>] {
  const rest = values[Symbol.iterator]();
  const next = () => {
    const { done, value } = rest.next();
    return done === true ? undefined : value;
  };
  const first = next();
  return [first, first === undefined ? undefined : next(), rest];
}

function* chain<T>(first: readonly T[], rest: Iterator<T>): Generator<T, void> {
  yield* first;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}
