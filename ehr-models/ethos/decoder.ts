/**
 * Generation with key-value caches: prompts are read once, then many futures advance by one token a run.
 * The caches lie outside the graph and are read in place; a run returns only the newest key and value of
 * each row, so nothing of the size of a cache is ever copied.
 */

import { HIDDEN } from "../../engine/layers/attention-bias.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
import {
  causalBias,
  type Network,
  type PromptGraph,
  promptGraph,
  type StepGraph,
  stepGraph,
} from "./network.ts";

/** Lengths of prompts are rounded up to a multiple of this. */
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

/** A prompt as it was read. */
export interface ReadPrompt {
  readonly length: number;
  /** Per layer, [h, L, d/h] with L the padded length. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  /** [V] of the token after it. */
  readonly probabilities: Float32Array;
}

export function paddedPrompt(length: number): number {
  return Math.max(BLOCK, Math.ceil(length / BLOCK) * BLOCK);
}

async function open(
  { graph, probabilities, keys, values }: PromptGraph | StepGraph,
  options: DecoderOptions,
): Promise<Session> {
  const model = toOnnx(graph, [probabilities, ...keys, ...values]);
  const session = await Session.create(model, { threads: options.threads });
  for (const { name } of graph.parameters) session.hold(name, options.parameterOf(name));
  return session;
}

/** Rows of one length into rows of another, as far as they go. */
function copyRows(from: Float32Array, to: Float32Array, before: number, after: number): void {
  const kept = Math.min(before, after);
  for (let row = 0; row * before < from.length; row++)
    to.set(from.subarray(row * before, row * before + kept), row * after);
}

/** The caches of one arrangement of rows: all prompts padded to one length. */
interface Caches {
  /** L. */
  readonly length: number;
  readonly promptBias: Float32Array; // [S, L]
  readonly promptLength: Int32Array; // [S]
  readonly promptKeys: readonly Float32Array[]; // per layer [S, h, L, d/h]
  readonly promptValues: readonly Float32Array[];
}

export class Decoder {
  readonly options: DecoderOptions;
  readonly #prompt: { readonly graph: PromptGraph; readonly session: Session };
  readonly #step: { readonly graph: StepGraph; readonly session: Session };
  readonly #pastBias: Float32Array; // [R, G]
  readonly #pastKeys: readonly Float32Array[]; // per layer [R, h, G, d/h]
  readonly #pastValues: readonly Float32Array[];
  readonly #causal = new Map<number, Float32Array>();
  /** Tokens of each row that are in the past, [R]. */
  readonly lengths: Int32Array;
  #caches: Caches;

  private constructor(options: DecoderOptions, prompt: Session, step: Session, graphs: Graphs) {
    this.options = options;
    this.#prompt = { graph: graphs.prompt, session: prompt };
    this.#step = { graph: graphs.step, session: step };
    const { network, newTokens } = options;
    const perLayer = () => this.#perLayer(this.rows * network.width * newTokens);
    this.lengths = new Int32Array(this.rows);
    this.#pastBias = new Float32Array(this.rows * newTokens).fill(HIDDEN);
    this.#pastKeys = perLayer();
    this.#pastValues = perLayer();
    this.#caches = this.#allocate(BLOCK);
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
    const length = paddedPrompt(longest);
    const before = this.#caches;
    if (length === before.length) return;
    this.#caches = this.#allocate(length);
    const { prompts: S, network } = this.options;
    const { promptLength } = before;
    this.#caches.promptLength.set(promptLength);
    const copy = (from: Float32Array, to: Float32Array, width: number) =>
      copyRows(from, to, before.length * width, length * width);
    copy(before.promptBias, this.#caches.promptBias, 1);
    if (length > before.length)
      for (let g = 0; g < S; g++)
        this.#caches.promptBias.fill(HIDDEN, g * length + before.length, (g + 1) * length);
    const w = network.width / network.heads;
    for (let i = 0; i < network.layers; i++) {
      const layer = (all: readonly Float32Array[]) => all[i] as Float32Array;
      copy(layer(before.promptKeys), layer(this.#caches.promptKeys), w);
      copy(layer(before.promptValues), layer(this.#caches.promptValues), w);
    }
  }

  /** Reads a prompt of at least one token, first position 0. */
  async read(tokens: Int32Array): Promise<ReadPrompt> {
    const { graph, session } = this.#prompt;
    const L = paddedPrompt(tokens.length);
    const ids = new Int32Array(L);
    ids.set(tokens);
    const feeds = {
      "tokens.ids": ids,
      "positions.ids": Int32Array.from({ length: L }, (_, i) => i).fill(0, tokens.length),
      causal: this.#causalBias(L),
      last: Int32Array.of(tokens.length - 1),
    };
    const results = await session.run(feeds, { B: 1, L });
    const of = (name: string) => results.get(name) as Float32Array;
    return {
      length: tokens.length,
      keys: graph.keys.map(({ name }) => of(name)),
      values: graph.values.map(({ name }) => of(name)),
      probabilities: of(graph.probabilities.name),
    };
  }

  /** Puts a prompt in place `group` of S; the rows of the group begin again. */
  place(group: number, prompt: ReadPrompt): void {
    const { length: L, promptBias, promptLength, promptKeys, promptValues } = this.#caches;
    const { heads, width, layers } = this.options.network;
    const from = paddedPrompt(prompt.length);
    if (from > L) throw new Error(`a prompt of ${prompt.length} tokens, room for ${L}`);
    promptLength[group] = prompt.length;
    promptBias.fill(HIDDEN, group * L, (group + 1) * L);
    promptBias.fill(0, group * L, group * L + prompt.length);
    const w = width / heads;
    for (let layer = 0; layer < layers; layer++) {
      for (const [source, target] of [
        [prompt.keys[layer], promptKeys[layer]],
        [prompt.values[layer], promptValues[layer]],
      ] as const) {
        for (let h = 0; h < heads; h++) {
          const head = (source as Float32Array).subarray(h * from * w, (h + 1) * from * w);
          target?.set(head, (group * heads + h) * L * w);
        }
      }
    }
    for (let m = 0; m < this.options.futures; m++) this.restart(group * this.options.futures + m);
  }

  /** Forgets what a row has generated. */
  restart(row: number): void {
    const { newTokens } = this.options;
    this.lengths[row] = 0;
    this.#pastBias.fill(HIDDEN, row * newTokens, (row + 1) * newTokens);
  }

  /**
   * Appends token r to row r and returns the probabilities of the next, [R, V]; a negative token leaves
   * its row alone, and the probabilities of that row mean nothing.
   */
  async step(tokens: Int32Array): Promise<Float32Array> {
    const { prompts: S, futures: M, newTokens: G, network } = this.options;
    const { length: L, promptLength, promptBias } = this.#caches;
    const positions = new Int32Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      const start = promptLength[Math.floor(row / M)] as number;
      positions[row] = Math.min(network.context - 1, start + (this.lengths[row] as number));
    }
    const feeds: Record<string, FeedArray> = {
      "tokens.ids": tokens.map((token) => Math.max(0, token)),
      "positions.ids": positions,
      "prompt.bias": promptBias,
      "past.bias": this.#pastBias,
    };
    for (let i = 0; i < network.layers; i++) {
      feeds[`prompt.keys${i}`] = this.#caches.promptKeys[i] as Float32Array;
      feeds[`prompt.values${i}`] = this.#caches.promptValues[i] as Float32Array;
      feeds[`past.keys${i}`] = this.#pastKeys[i] as Float32Array;
      feeds[`past.values${i}`] = this.#pastValues[i] as Float32Array;
    }
    const { graph, session } = this.#step;
    const results = await session.run(feeds, { S, M, L, G });
    const of = (name: string) => results.get(name) as Float32Array;
    for (let i = 0; i < network.layers; i++) {
      this.#append(tokens, of(graph.keys[i]?.name ?? ""), this.#pastKeys[i] as Float32Array);
      this.#append(tokens, of(graph.values[i]?.name ?? ""), this.#pastValues[i] as Float32Array);
    }
    for (let row = 0; row < this.rows; row++) {
      if ((tokens[row] as number) < 0) continue;
      this.#pastBias[row * G + (this.lengths[row] as number)] = 0;
      this.lengths[row] = (this.lengths[row] as number) + 1;
    }
    return of(graph.probabilities.name);
  }

  async release(): Promise<void> {
    await this.#prompt.session.release();
    await this.#step.session.release();
  }

  /** Writes the newest vectors [R, d] to the end of each row's past [R, h, G, d/h]. */
  #append(tokens: Int32Array, newest: Float32Array, past: Float32Array): void {
    const { newTokens: G, network } = this.options;
    const { heads, width } = network;
    const w = width / heads;
    for (let row = 0; row < this.rows; row++) {
      if ((tokens[row] as number) < 0) continue;
      const at = this.lengths[row] as number;
      if (at >= G) throw new Error(`a future has more than ${G} tokens`);
      for (let h = 0; h < heads; h++) {
        const to = ((row * heads + h) * G + at) * w;
        const from = row * width + h * w;
        for (let j = 0; j < w; j++) past[to + j] = newest[from + j] as number;
      }
    }
  }

  #perLayer(size: number): Float32Array[] {
    return Array.from({ length: this.options.network.layers }, () => new Float32Array(size));
  }

  #allocate(length: number): Caches {
    const { prompts: S, network } = this.options;
    const perLayer = () => this.#perLayer(S * network.width * length);
    return {
      length,
      promptBias: new Float32Array(S * length).fill(HIDDEN).map((v, i) => (i % length ? v : 0)),
      promptLength: new Int32Array(S),
      promptKeys: perLayer(),
      promptValues: perLayer(),
    };
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
