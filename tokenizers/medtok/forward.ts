/**
 * The trained network applied: four vectors per code before quantization, their tokens, weights and quantized
 * vectors. Blocks have a fixed shape, padded to the largest subgraph and text of the inputs, so that a
 * code's numbers depend neither on the codes beside it nor on how many are asked for.
 */
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { Batcher, heldTables, largest, sizesOf } from "./batch.ts";
import { PART_COUNT } from "./codebook.ts";
import type { MedTokConfig } from "./config.ts";
import { codebookParameter, quantizeAll } from "./losses.ts";
import { encode } from "./network.ts";
import { Quantizer } from "./quantizer.ts";
import type { MedTokInputs } from "./types.ts";

/** Codes that one run of the network takes. */
export const BLOCK = 256;

/** Per code asked for, in the order asked; parts in the order of `PARTS`. A modality left out gives zeros. */
export interface Forward {
  /** e_t^s, e_g^s, e_t^c, e_g^c before quantization, [codes × 4 × d]. */
  readonly raw: Float32Array;
  /** Global rows of the codebook, nearest first, [codes × 4 × K]; -1 for a part left out. */
  readonly tokens: Int32Array;
  /** [codes × 4 × K]; zeros for a part left out. */
  readonly weights: Float32Array;
  /** Quantized vectors, [codes × 4 × d]. */
  readonly vectors: Float32Array;
}

/** A trained network, or one under training: parameters are read at each run. */
export interface Weighted {
  readonly config: MedTokConfig;
  readonly parameters: ReadonlyMap<string, Float32Array>;
}

interface PartOutputs {
  readonly raw: Tensor;
  readonly ids: Tensor;
  readonly weights: Tensor;
  readonly vector: Tensor;
}

function buildForward(config: MedTokConfig, inputs: MedTokInputs) {
  const g = new Graph();
  const quantizer = new Quantizer(codebookParameter(g, config), config);
  const encoded = encode(g, config, sizesOf(inputs, 1));
  const { parts } = quantizeAll(quantizer, encoded, config);
  const outputs = parts.map((part, i): PartOutputs | undefined => {
    const raw = encoded.parts[i];
    return part && raw && { raw, ids: part.ids, weights: part.weights, vector: part.vector };
  });
  const tensors = outputs.flatMap((o) => (o ? [o.raw, o.ids, o.weights, o.vector] : []));
  return { outputs, model: toOnnx(g, tensors) };
}

export class ForwardPass {
  readonly #config: MedTokConfig;
  readonly #session: Session;
  readonly #outputs: readonly (PartOutputs | undefined)[];
  readonly #batcher: Batcher;
  readonly #pad: { readonly nodes: number; readonly words: number };

  private constructor(
    { config, parameters }: Weighted,
    inputs: MedTokInputs,
    session: Session,
    outputs: readonly (PartOutputs | undefined)[],
  ) {
    this.#config = config;
    this.#session = session;
    this.#outputs = outputs;
    this.#batcher = new Batcher(inputs, config);
    this.#pad = largest(inputs);
    for (const [name, values] of parameters) session.hold(name, values);
    for (const [name, values] of Object.entries(heldTables(inputs, config)))
      session.hold(name, values);
  }

  static async create(
    trained: Weighted,
    inputs: MedTokInputs,
    threads: number,
  ): Promise<ForwardPass> {
    const { outputs, model } = buildForward(trained.config, inputs);
    const session = await Session.create(model, { threads });
    return new ForwardPass(trained, inputs, session, outputs);
  }

  /** Any number of rows of the inputs, in any order. */
  async run(rows: Int32Array): Promise<Forward> {
    const { width, perPart } = this.#config;
    const out: Forward = {
      raw: new Float32Array(rows.length * PART_COUNT * width),
      tokens: new Int32Array(rows.length * PART_COUNT * perPart).fill(-1),
      weights: new Float32Array(rows.length * PART_COUNT * perPart),
      vectors: new Float32Array(rows.length * PART_COUNT * width),
    };
    for (let start = 0; start < rows.length; start += BLOCK)
      await this.#block(rows.subarray(start, start + BLOCK), start, out);
    return out;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  /** One block, filled up with its last code, into rows `start`… of the result. */
  async #block(rows: Int32Array, start: number, out: Forward): Promise<void> {
    const full = new Int32Array(BLOCK).fill(rows.at(-1) as number);
    full.set(rows);
    const { feeds, dims } = this.#batcher.feeds(full, { buckets: 1, pad: this.#pad });
    const results = await this.#session.run(feeds, dims);
    const { width, perPart } = this.#config;
    for (const [part, outputs] of this.#outputs.entries()) {
      if (outputs === undefined) continue;
      const copy = (target: Float32Array | Int32Array, tensor: Tensor, size: number) => {
        const values = results.get(tensor.name) as Float32Array;
        for (let i = 0; i < rows.length; i++)
          target.set(
            values.subarray(i * size, (i + 1) * size),
            ((start + i) * PART_COUNT + part) * size,
          );
      };
      copy(out.raw, outputs.raw, width);
      copy(out.tokens, outputs.ids, perPart);
      copy(out.weights, outputs.weights, perPart);
      copy(out.vectors, outputs.vector, width);
    }
  }
}
