/**
 * Generation with key-value caches: prompts are read once, then many futures advance by one token a run.
 * The caches lie outside the graph and are read in place; a run returns only the newest key and value of
 * each row, so nothing of the size of a cache is ever copied.
 */

import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, type Feeds, Session } from "../../engine/runner.ts";
import { Caches } from "./caches.ts";
import { causalBias, type Network, type PromptGraph, promptGraph } from "./network.ts";
import { type StepGraph, stepGraph } from "./step-graph.ts";

/** Lengths of prompts and futures are rounded up to a multiple of this. */
const BLOCK = 32;

export interface DecoderOptions {
  readonly network: Network;
  readonly parameterOf: (name: string) => Float32Array;
  readonly temperature: number;
  /** S: prompts that are worked on at once. */
  readonly prompts: number;
  /** M: futures of a prompt that are worked on at once. */
  readonly futures: number;
  /** G: most tokens of a future. */
  readonly newTokens: number;
  readonly threads: number;
}

export interface PromptInput {
  /** At least one. */
  readonly tokens: Int32Array;
  /** Feeds of what stands beside the positions, padded to L; read where the network has it. */
  readonly beside?: (L: number) => Feeds;
}

/** A prompt as it was read. */
export interface ReadPrompt {
  readonly length: number;
  /** What stands beside its end, [d]. */
  readonly beside: Float32Array | undefined;
  /** Per layer, [L, d] with L the padded length. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  /** [V] of the token after it. */
  readonly probabilities: Float32Array;
}

export function paddedPrompt(length: number): number {
  return Math.max(BLOCK, Math.ceil(length / BLOCK) * BLOCK);
}

async function open(
  { graph, probabilities, keys, values, ...more }: PromptGraph | StepGraph,
  options: DecoderOptions,
): Promise<Session> {
  const beside = "beside" in more && more.beside !== undefined ? [more.beside] : [];
  const model = toOnnx(graph, [probabilities, ...beside, ...keys, ...values]);
  const session = await Session.create(model, { threads: options.threads });
  for (const { name } of graph.parameters) session.hold(name, options.parameterOf(name));
  return session;
}

export class Decoder {
  readonly options: DecoderOptions;
  readonly #prompt: { readonly graph: PromptGraph; readonly session: Session };
  readonly #step: { readonly graph: StepGraph; readonly session: Session };
  readonly #causal = new Map<number, Float32Array>();
  /** Tokens of each row that are in the past, [R]. */
  readonly lengths: Int32Array;
  readonly #promptLength: Int32Array; // [S]
  #prompts: Caches; // [S, L]
  #past: Caches; // [R, G]
  readonly #beside: Float32Array; // [R, d]

  private constructor(options: DecoderOptions, prompt: Session, step: Session, graphs: Graphs) {
    this.options = options;
    this.#prompt = { graph: graphs.prompt, session: prompt };
    this.#step = { graph: graphs.step, session: step };
    this.lengths = new Int32Array(this.rows);
    this.#promptLength = new Int32Array(options.prompts);
    this.#prompts = new Caches(options.prompts, BLOCK, options.network);
    for (let g = 0; g < options.prompts; g++) this.#prompts.show(g, 1);
    this.#past = new Caches(this.rows, BLOCK, options.network);
    this.#beside = new Float32Array(this.rows * options.network.width);
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    const { network, temperature } = options;
    const graphs = {
      prompt: promptGraph(network, temperature),
      step: stepGraph(network, temperature),
    };
    const prompt = await open(graphs.prompt, options);
    const step = await open(graphs.step, options);
    return new Decoder(options, prompt, step, graphs);
  }

  /** R = S*M. */
  get rows(): number {
    return this.options.prompts * this.options.futures;
  }

  /** Makes room for prompts of at most this many tokens. Longer ones that were placed are gone. */
  makeRoom(longest: number): void {
    this.#prompts = this.#prompts.resized(paddedPrompt(longest));
  }

  /** Reads a prompt, first position 0. */
  async read({ tokens, beside }: PromptInput): Promise<ReadPrompt> {
    const { graph, session } = this.#prompt;
    const L = paddedPrompt(tokens.length);
    const ids = new Int32Array(L);
    ids.set(tokens);
    const feeds = {
      "tokens.ids": ids,
      "positions.ids": Int32Array.from({ length: L }, (_, i) => i).fill(0, tokens.length),
      causal: this.#causalBias(L),
      last: Int32Array.of(tokens.length - 1),
      ...(graph.beside === undefined ? {} : beside?.(L)),
    };
    const results = await session.run(feeds, { B: 1, L });
    const of = (name: string) => results.get(name) as Float32Array;
    return {
      length: tokens.length,
      beside: graph.beside && of(graph.beside.name),
      keys: graph.keys.map(({ name }) => of(name)),
      values: graph.values.map(({ name }) => of(name)),
      probabilities: of(graph.probabilities.name),
    };
  }

  /** Puts a prompt in place `group` of S; the rows of the group begin again. */
  place(group: number, prompt: ReadPrompt): void {
    const { length: L, keys, values } = this.#prompts;
    const { width, layers } = this.options.network;
    const from = paddedPrompt(prompt.length);
    if (from > L) throw new Error(`a prompt of ${prompt.length} tokens, room for ${L}`);
    this.#promptLength[group] = prompt.length;
    this.#prompts.show(group, prompt.length);
    for (let layer = 0; layer < layers; layer++) {
      keys[layer]?.set(prompt.keys[layer] as Float32Array, group * L * width);
      values[layer]?.set(prompt.values[layer] as Float32Array, group * L * width);
    }
    for (let m = 0; m < this.options.futures; m++) {
      const row = group * this.options.futures + m;
      this.restart(row);
      if (prompt.beside !== undefined) this.#beside.set(prompt.beside, row * width);
    }
  }

  /** Forgets what a row has generated. */
  restart(row: number): void {
    this.lengths[row] = 0;
    this.#past.show(row, 0);
  }

  /** Makes room for one more token of the longest row, and gives back what no row needs: a step reads all of it. */
  #fitPast(): void {
    const longest = this.lengths.reduce((most, n) => Math.max(most, n), 0);
    this.#past = this.#past.resized(Math.min(this.options.newTokens, paddedPrompt(longest + 1)));
  }

  /**
   * Appends token r to row r and returns the probabilities of the next, [R, V]; a negative token leaves
   * its row alone, and the probabilities of that row mean nothing.
   */
  async step(tokens: Int32Array): Promise<Float32Array> {
    const { prompts: S, futures: M, network } = this.options;
    this.#fitPast();
    const [prompt, past] = [this.#prompts, this.#past];
    const positions = new Int32Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      const start = this.#promptLength[Math.floor(row / M)] as number;
      positions[row] = Math.min(network.context - 1, start + (this.lengths[row] as number));
    }
    const feeds: Record<string, FeedArray> = {
      "tokens.ids": tokens.map((token) => Math.max(0, token)),
      "positions.ids": positions,
      "prompt.bias": prompt.bias,
      "past.bias": past.bias,
      ...(network.standing === true ? { beside: this.#beside } : {}),
    };
    for (let i = 0; i < network.layers; i++) {
      feeds[`prompt.keys${i}`] = prompt.keys[i] as Float32Array;
      feeds[`prompt.values${i}`] = prompt.values[i] as Float32Array;
      feeds[`past.keys${i}`] = past.keys[i] as Float32Array;
      feeds[`past.values${i}`] = past.values[i] as Float32Array;
    }
    const { graph, session } = this.#step;
    const results = await session.run(feeds, { S, M, L: prompt.length, G: past.length });
    const of = (name: string) => results.get(name) as Float32Array;
    for (let i = 0; i < network.layers; i++) {
      this.#append(tokens, of(graph.keys[i]?.name ?? ""), past.keys[i] as Float32Array);
      this.#append(tokens, of(graph.values[i]?.name ?? ""), past.values[i] as Float32Array);
    }
    for (let row = 0; row < this.rows; row++) {
      if ((tokens[row] as number) < 0) continue;
      const count = (this.lengths[row] as number) + 1;
      this.lengths[row] = count;
      past.bias[row * past.length + count - 1] = 0;
    }
    return of(graph.probabilities.name);
  }

  async release(): Promise<void> {
    await this.#prompt.session.release();
    await this.#step.session.release();
  }

  /** Writes the newest vectors [R, d] to the end of each row's past [R, G, d]. */
  #append(tokens: Int32Array, newest: Float32Array, past: Float32Array): void {
    const { newTokens, network } = this.options;
    const { width: d } = network;
    for (let row = 0; row < this.rows; row++) {
      if ((tokens[row] as number) < 0) continue;
      const at = this.lengths[row] as number;
      if (at >= newTokens) throw new Error(`a future has more than ${newTokens} tokens`);
      past.set(newest.subarray(row * d, (row + 1) * d), (row * this.#past.length + at) * d);
    }
  }

  #causalBias(length: number): Float32Array {
    const known = this.#causal.get(length) ?? causalBias(length);
    this.#causal.set(length, known);
    return known;
  }
}

interface Graphs {
  readonly prompt: PromptGraph;
  readonly step: StepGraph;
}
