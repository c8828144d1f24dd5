/** File names of the published tokenizer, and what our own exports say about themselves there (medtok.md 5.2). */
import { z } from "zod";

export const PUBLISHED = {
  config: "tokenizer_config.json",
  vocabulary: "vocab.json",
  codeTokens: "code2tokens.json",
  codeEmbeddings: "code2embeddings.json",
  embeddings: "embeddings_all.npy",
  tokens: "tokens_all.npy",
  weights: "weights_all.npy",
} as const;

/** Parts of an embedding in the published order. */
export const PUBLISHED_PARTS = ["text-specific", "graph-specific", "text-shared", "graph-shared"];
/** The published default of N. */
export const PUBLISHED_CODEBOOK = 21000;

/** Under `medtok_bench` in an exported tokenizer_config.json. */
export const exportNoteSchema = z.strictObject({
  codebook_size: z.number().int().positive(),
  regions: z.record(z.string(), z.tuple([z.number(), z.number()])),
  parts: z.array(z.string()),
  per_part: z.number().int().positive(),
  has_systems: z.boolean(),
});

export type ExportNote = z.infer<typeof exportNoteSchema>;

/** Three regions of a codebook of N rows (medtok.md 2.5). */
export function thirds(size: number): Record<string, [number, number]> {
  const r = Math.floor(size / 3);
  return { text: [0, r], shared: [r, size - r], graph: [size - r, size] };
}
