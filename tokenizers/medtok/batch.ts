/**
 * A step's codes as feeds: codes ordered by the size of their subgraph and cut into buckets, each padded to
 * its largest; normalised adjacency per code, with some edges dropped for the augmented view.
 */
import type { Random } from "../../core/random.ts";
import type { FeedArray, Feeds } from "../../engine/runner.ts";
import type { DimValues } from "../../engine/shape.ts";
import type { MedTokConfig } from "./config.ts";
import { inputName, type NetworkSizes } from "./network.ts";
import type { MedTokInputs } from "./types.ts";

/** What hides a key that is padding. */
const HIDDEN = -1e9;

export interface StepFeeds {
  /** Rows of `CodeInputs` in the order of the step's vectors. */
  readonly rows: Int32Array;
  readonly feeds: Feeds;
  readonly dims: DimValues;
}

export interface FeedOptions {
  readonly buckets: number;
  /** Draws the edges dropped in the augmented view; left out, there is no view. */
  readonly view?: Random;
  readonly edgeDropout?: number;
  /** Pad every bucket to these sizes, so that a code's numbers do not depend on its neighbours. */
  readonly pad?: { readonly nodes: number; readonly words: number };
}

/** Sizes of the network for these inputs. */
export function sizesOf(inputs: MedTokInputs, buckets: number): NetworkSizes {
  return {
    codes: inputs.codes.code.length,
    words: Math.max(1, inputs.text.word.length / inputs.text.width),
    textWidth: inputs.text.width,
    nodes: inputs.subgraphs.nodeCount,
    buckets,
  };
}

/** Largest subgraph and longest text over all codes; at least 1. */
export function largest(inputs: MedTokInputs): { nodes: number; words: number } {
  const widest = (offset: Int32Array) => {
    let most = 1;
    for (let i = 1; i < offset.length; i++)
      most = Math.max(most, (offset[i] as number) - (offset[i - 1] as number));
    return most;
  };
  return {
    nodes: widest(inputs.subgraphs.nodeOffset),
    words: widest(inputs.text.wordOffset),
  };
}

/** Frozen tables that a session holds. */
export function heldTables(inputs: MedTokInputs, config: MedTokConfig): Record<string, FeedArray> {
  if (config.modality === "graph") return {};
  const { word, width, sentence } = inputs.text;
  return { sentences: sentence, words: word.length > 0 ? word : new Float32Array(width) };
}

/** Makes feeds, and keeps their buffers from step to step: feeds are valid until the next call. */
export class Batcher {
  readonly #inputs: MedTokInputs;
  readonly #config: MedTokConfig;
  readonly #buffers = new Map<string, Float32Array | Int32Array>();

  constructor(inputs: MedTokInputs, config: MedTokConfig) {
    this.#inputs = inputs;
    this.#config = config;
  }

  /** Feeds for the codes `rows`, in an order of their own. */
  feeds(rows: Int32Array, options: FeedOptions): StepFeeds {
    const ordered = options.pad === undefined ? this.#bySize(rows) : rows;
    const feeds: Record<string, FeedArray> = {};
    const dims: Record<string, number> = {};
    const { modality } = this.#config;
    if (modality !== "graph") feeds["rows"] = ordered;
    for (let i = 0; i < options.buckets; i++) {
      const start = Math.floor((i * ordered.length) / options.buckets);
      const end = Math.floor(((i + 1) * ordered.length) / options.buckets);
      const codes = ordered.subarray(start, end);
      dims[`B${i}`] = codes.length;
      if (modality !== "graph") dims[`T${i}`] = this.#addWords(feeds, codes, i, options);
      if (modality !== "text") dims[`n${i}`] = this.#addNodes(feeds, codes, i, options);
    }
    return { rows: ordered, feeds, dims };
  }

  /** Rows ordered by subgraph size, equal ones as they came. */
  #bySize(rows: Int32Array): Int32Array {
    const { nodeOffset } = this.#inputs.subgraphs;
    const size = (row: number) => (nodeOffset[row + 1] as number) - (nodeOffset[row] as number);
    const order = Array.from(rows, (row, at) => ({ row, at, size: size(row) }));
    order.sort((a, b) => a.size - b.size || a.at - b.at);
    return Int32Array.from(order, ({ row }) => row);
  }

  #addWords(
    feeds: Record<string, FeedArray>,
    codes: Int32Array,
    bucket: number,
    { pad }: FeedOptions,
  ): number {
    const { wordOffset, wordId } = this.#inputs.text;
    const length = pad?.words ?? longest(wordOffset, codes);
    const ids = this.#integers(inputName(bucket, "words"), codes.length * length);
    const bias = this.#floats(inputName(bucket, "wordBias"), codes.length * (length + 1));
    for (let i = 0; i < codes.length; i++) {
      const from = wordOffset[codes[i] as number] as number;
      const count = (wordOffset[(codes[i] as number) + 1] as number) - from;
      for (let k = 0; k < count; k++) ids[i * length + k] = wordId[from + k] as number;
      bias.fill(HIDDEN, i * (length + 1) + 1 + count, (i + 1) * (length + 1));
    }
    feeds[inputName(bucket, "words")] = ids;
    feeds[inputName(bucket, "wordBias")] = bias;
    return length;
  }

  #addNodes(
    feeds: Record<string, FeedArray>,
    codes: Int32Array,
    bucket: number,
    { pad, view, edgeDropout = 0 }: FeedOptions,
  ): number {
    const { nodeOffset, node } = this.#inputs.subgraphs;
    const n = pad?.nodes ?? longest(nodeOffset, codes);
    const name = (what: string) => inputName(bucket, what);
    const ids = this.#integers(name("nodes"), codes.length * n);
    const bias = this.#floats(name("nodeBias"), codes.length * n);
    const share = this.#floats(name("share"), codes.length * n);
    const adjacency = this.#floats(name("adjacency"), codes.length * n * n);
    for (let i = 0; i < codes.length; i++) {
      const from = nodeOffset[codes[i] as number] as number;
      const count = (nodeOffset[(codes[i] as number) + 1] as number) - from;
      for (let k = 0; k < count; k++) ids[i * n + k] = node[from + k] as number;
      this.#fillShare(share, i * n, codes[i] as number);
      for (let k = i * n; k < i * n + count; k++) bias[k] = Math.log(count * (share[k] as number));
      bias.fill(HIDDEN, i * n + count, (i + 1) * n);
      this.#fillAdjacency(adjacency, i * n * n, n, codes[i] as number);
    }
    feeds[name("nodes")] = ids;
    feeds[name("nodeBias")] = bias;
    feeds[name("share")] = share;
    feeds[name("adjacency")] = adjacency;
    if (view !== undefined) {
      const dropped = this.#floats(name("viewAdjacency"), codes.length * n * n);
      for (let i = 0; i < codes.length; i++)
        this.#fillAdjacency(dropped, i * n * n, n, codes[i] as number, view, edgeDropout);
      feeds[name("viewAdjacency")] = dropped;
    }
    return n;
  }

  /** Weights of a code's nodes in its mean: `ownShare` over those that stand for it, the rest over the rest. */
  #fillShare(share: Float32Array, start: number, code: number): void {
    const { nodeOffset, core } = this.#inputs.subgraphs;
    const count = (nodeOffset[code + 1] as number) - (nodeOffset[code] as number);
    const own = core[code] as number;
    const { ownShare } = this.#config;
    if (ownShare === 0 || own === 0 || own === count) {
      share.fill(1 / count, start, start + count);
      return;
    }
    share.fill(ownShare / own, start, start + own);
    share.fill((1 - ownShare) / (count - own), start + own, start + count);
  }

  /**
   * D^-1/2 (A + I) D^-1/2 of a code's subgraph into a block of n × n; degrees count the self loop and parallel
   * edges one by one (medtok.md 2.2). With `random`, each edge is left out with probability `rate`.
   */
  #fillAdjacency(
    block: Float32Array,
    start: number,
    n: number,
    code: number,
    random?: Random,
    rate = 0,
  ): void {
    const { nodeOffset, edgeOffset, edgeFrom, edgeTo } = this.#inputs.subgraphs;
    const count = (nodeOffset[code + 1] as number) - (nodeOffset[code] as number);
    const limit = rate * 2 ** 32;
    for (let k = 0; k < count; k++) block[start + k * n + k] = 1;
    for (let e = edgeOffset[code] as number; e < (edgeOffset[code + 1] as number); e++) {
      if (random !== undefined && random.uint32() < limit) continue;
      const ab = start + (edgeFrom[e] as number) * n + (edgeTo[e] as number);
      const ba = start + (edgeTo[e] as number) * n + (edgeFrom[e] as number);
      block[ab] = (block[ab] as number) + 1;
      block[ba] = (block[ba] as number) + 1;
    }
    normalise(block, start, n, count);
  }

  #floats(name: string, size: number): Float32Array {
    const known = this.#buffers.get(name);
    if (known instanceof Float32Array && known.length >= size)
      return known.subarray(0, size).fill(0);
    const made = new Float32Array(size);
    this.#buffers.set(name, made);
    return made;
  }

  #integers(name: string, size: number): Int32Array {
    const known = this.#buffers.get(name);
    if (known instanceof Int32Array && known.length >= size) return known.subarray(0, size).fill(0);
    const made = new Int32Array(size);
    this.#buffers.set(name, made);
    return made;
  }
}

/** Longest range of the codes' ranges, at least 1. */
function longest(offset: Int32Array, codes: Int32Array): number {
  let most = 1;
  for (const code of codes)
    most = Math.max(most, (offset[code + 1] as number) - (offset[code] as number));
  return most;
}

const inverseRoot = new Float64Array(1 << 16);

/** Scales entry (i, j) by 1 / sqrt(degree i · degree j), where a degree is the sum of its row. */
function normalise(block: Float32Array, start: number, n: number, count: number): void {
  for (let i = 0; i < count; i++) {
    let degree = 0;
    for (let j = 0; j < count; j++) degree += block[start + i * n + j] as number;
    inverseRoot[i] = 1 / Math.sqrt(degree);
  }
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) {
      const at = start + i * n + j;
      const value = block[at] as number;
      if (value !== 0) block[at] = value * (inverseRoot[i] as number) * (inverseRoot[j] as number);
    }
}
