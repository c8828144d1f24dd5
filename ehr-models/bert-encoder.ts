/**
 * What models have in common that read a sequence as BERT does: blocks normalised after each sum, with GELU, and an
 * output that reads their summary beside sums over the history.
 */
import type { Tensor } from "../engine/graph.ts";
import { transformerBlock } from "../engine/layers/transformer-block.ts";
import { concat } from "../engine/ops/layout.ts";
import type { Dim } from "../engine/shape.ts";
import { codeSums, readSums, type SumOptions } from "./code-sums.ts";
import type { ForwardContext } from "./model-graphs.ts";
import { subjectFacts } from "./subject-facts.ts";

/** Hyperparameters of the blocks. */
export interface EncoderSettings {
  readonly heads: number;
  readonly feedForward: number;
  readonly dropout: number;
  readonly attentionDropout: number;
}

export interface EncoderOptions {
  /** Names of the blocks' parameters: `layer` and the number of the block. */
  readonly name: string;
  readonly layers: number;
  /** P, positions per sample. */
  readonly length: Dim;
  /** Attention bias, broadcast to [B, heads, P, P]; finite. */
  readonly bias: Tensor;
  /** What is read of the last block: every position, or the first of each sample alone. */
  readonly reads: "all" | "first";
}

/** x [B*P, d] after all blocks: [B*P, d], or [B, d] where only the first position is read. */
export function encodeSequence(
  x: Tensor,
  { heads, feedForward, dropout, attentionDropout }: EncoderSettings,
  { name, layers, length, bias, reads }: EncoderOptions,
): Tensor {
  const block = {
    ...{ heads, feedForward, dropout, attentionDropout, length, bias },
    activation: "gelu",
    norm: "post",
    batch: "B",
  } as const;
  let y = x;
  for (let i = 0; i < layers; i++) {
    const isLast = i === layers - 1;
    y = transformerBlock(
      y,
      `${name}${i}`,
      isLast && reads === "first" ? { ...block, keep: 1 } : block,
    );
  }
  return y;
}

/**
 * logits [B, C] from a summary [B, D], sums of the vectors [B*L, d] of all codes and of the last visit's
 * (`code-sums.ts`), and what is known of the subject.
 */
export function readHistory(
  summary: Tensor,
  vectors: Tensor,
  context: ForwardContext<SumOptions>,
): Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  const sums = codeSums(vectors, [inputs["share"] as Tensor, inputs["isLast"] as Tensor], h);
  return readSums(concat([summary, subjectFacts(context)], 1), sums, classes, h);
}
