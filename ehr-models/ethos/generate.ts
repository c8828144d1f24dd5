/**
 * Keeps the rows of a decoder busy: each prompt has a group of rows, a row that is done takes the prompt's
 * next future, a group that is done takes the next prompt. What a future draws depends on its own stream
 * of random numbers and on its prompt alone, so neither grouping nor order shows in the result.
 */
import type { Decoder, PromptInput, ReadPrompt } from "./decoder.ts";
import { AGAIN, type TokenSource } from "./future.ts";

export interface Job {
  readonly prompt: PromptInput;
  /** Futures of the prompt, in order. */
  readonly futures: readonly TokenSource[];
}

interface Group {
  readonly job: Job;
  readonly prompt: ReadPrompt;
  /** Futures begun so far. */
  begun: number;
}

/** Advances all futures until each is over. */
export async function generate(
  decoder: Decoder,
  jobs: readonly Job[],
  signal?: AbortSignal,
): Promise<void> {
  const longestFirst = [...jobs].sort((a, b) => b.prompt.tokens.length - a.prompt.tokens.length);
  decoder.makeRoom(longestFirst[0]?.prompt.tokens.length ?? 0);
  await new Arrangement(decoder, longestFirst).run(signal);
}

class Arrangement {
  readonly #decoder: Decoder;
  readonly #jobs: readonly Job[];
  readonly #groups: (Group | undefined)[];
  readonly #running: (TokenSource | undefined)[]; // [R]
  readonly #tokens: Int32Array; // [R] next token of each row, -1 without one
  #next = 0;

  constructor(decoder: Decoder, jobs: readonly Job[]) {
    this.#decoder = decoder;
    this.#jobs = jobs;
    this.#groups = Array.from({ length: decoder.options.prompts }, () => undefined);
    this.#running = Array.from({ length: decoder.rows }, () => undefined);
    this.#tokens = new Int32Array(decoder.rows).fill(-1);
  }

  async run(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      await this.#refill();
      this.#shrink();
      if (this.#running.every((future) => future === undefined)) return;
      const probabilities = await this.#decoder.step(this.#tokens);
      for (const [row, future] of this.#running.entries())
        if (future !== undefined) this.#advance(row, future, probabilities, row);
      await new Promise((resolve) => setImmediate(resolve)); // lets signals in
    }
  }

  /** Gives every idle row a future, and every idle group a prompt, while there are any. */
  async #refill(): Promise<void> {
    const { prompts, futures } = this.#decoder.options;
    for (let g = 0; g < prompts; g++) {
      const isIdle = () => this.#rowsOf(g).every((row) => this.#running[row] === undefined);
      do {
        if (isIdle() && this.#isExhausted(g)) await this.#placeNext(g);
        for (let m = 0; m < futures; m++) this.#begin(g, g * futures + m);
      } while (isIdle() && this.#next < this.#jobs.length);
    }
  }

  /** Prompts come longest first, so the room they need only falls. */
  #shrink(): void {
    let longest = 0;
    for (const group of this.#groups) longest = Math.max(longest, group?.prompt.length ?? 0);
    this.#decoder.makeRoom(longest);
  }

  #rowsOf(group: number): number[] {
    const { futures } = this.#decoder.options;
    return Array.from({ length: futures }, (_, m) => group * futures + m);
  }

  #isExhausted(g: number): boolean {
    const group = this.#groups[g];
    return group === undefined || group.begun >= group.job.futures.length;
  }

  async #placeNext(g: number): Promise<void> {
    const job = this.#jobs[this.#next];
    this.#groups[g] = undefined;
    if (job === undefined) return;
    this.#next += 1;
    const prompt = await this.#decoder.read(job.prompt);
    this.#decoder.place(g, prompt);
    this.#groups[g] = { job, prompt, begun: 0 };
  }

  /** Starts futures of the group in a row until one has a first token. */
  #begin(g: number, row: number): void {
    const group = this.#groups[g];
    while (group !== undefined && this.#running[row] === undefined) {
      const future = group.job.futures[group.begun];
      if (future === undefined) return;
      group.begun += 1;
      this.#decoder.restart(row);
      this.#advance(row, future, group.prompt.probabilities, 0);
    }
  }

  #advance(row: number, future: TokenSource, probabilities: Float32Array, from: number): void {
    const group = this.#groups[Math.floor(row / this.#decoder.options.futures)] as Group;
    let token = future.next(probabilities, from);
    while (token === AGAIN) {
      this.#decoder.restart(row);
      token = future.next(group.prompt.probabilities, 0);
    }
    if (token < 0) this.#decoder.restart(row);
    this.#running[row] = token < 0 ? undefined : future;
    this.#tokens[row] = Math.max(-1, token);
  }
}
