/**
 * A trained network applied to all codes, each once, in row order, a few thousand at a time. A code's numbers
 * do not depend on the size of these pieces: blocks have one fixed shape (`medtok/forward.ts`).
 */
import { unit } from "../medtok/codebook.ts";
import { ForwardPass, type Weighted } from "../medtok/forward.ts";
import type { MedTokInputs, Report } from "../medtok/types.ts";

/** Rows that are held beside the results; a multiple of the network's block. */
const PIECE = 4096;

export interface Inferred {
  /** Quantized vectors, parts side by side, [codes × 4 · d]; a part left out is zeros. */
  readonly embeddings: Float32Array;
  /** The vectors before quantization, each of unit length, [codes × 4 · d]. */
  readonly continuous: Float32Array | null;
  /** Global rows of the codebook, [codes × 4 · K]; -1 for a part left out. */
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  /** 4 · d. */
  readonly width: number;
}

export interface InferOptions {
  readonly threads: number;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Whether vectors before quantization are wanted. */
  readonly continuous?: boolean;
  /** Rows of a piece; changes nothing but memory. */
  readonly piece?: number;
}

/** Vectors, tokens and weights of every code. @throws the signal's reason when it is aborted. */
export async function infer(
  trained: Weighted,
  inputs: MedTokInputs,
  options: InferOptions,
): Promise<Inferred> {
  const { config } = trained;
  const count = inputs.codes.code.length;
  const width = 4 * config.width;
  const each = 4 * config.perPart;
  const embeddings = new Float32Array(count * width);
  const continuous = options.continuous === true ? new Float32Array(count * width) : null;
  const ids = new Int32Array(count * each);
  const weights = new Float32Array(count * each);
  const forward = await ForwardPass.create(trained, inputs, options.threads);
  try {
    const piece = options.piece ?? PIECE;
    for (let from = 0; from < count; from += piece) {
      options.signal.throwIfAborted();
      const size = Math.min(piece, count - from);
      const made = await forward.run(Int32Array.from({ length: size }, (_, i) => from + i));
      embeddings.set(made.vectors, from * width);
      if (continuous !== null) continuous.set(unitParts(made.raw, config.width), from * width);
      ids.set(made.tokens, from * each);
      weights.set(made.weights, from * each);
      options.report("embedding all codes", from + size, count);
    }
  } finally {
    await forward.release();
  }
  return { embeddings, continuous, ids, weights, width };
}

/** Every part brought to unit length. */
function unitParts(raw: Float32Array, width: number): Float32Array {
  const all = new Float32Array(raw.length);
  for (let start = 0; start < raw.length; start += width) all.set(unit(raw, start, width), start);
  return all;
}

/** The codebook with rows of unit length, as they are weighted and summed. */
export function unitCodebook(codebook: Float32Array, width: number): Float32Array {
  return unitParts(codebook, width);
}
