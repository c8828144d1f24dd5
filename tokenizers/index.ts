/** The tokenizers that a run can name. */
import { Registry } from "../core/registry.ts";
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { baseline } from "./baseline.ts";
import { bertText } from "./bert-text.ts";
import { medtok } from "./medtok.ts";
import { permutedRows } from "./permuted-rows.ts";
import { randomVectors } from "./random-vectors.ts";
import { vqgraph } from "./vqgraph.ts";

export const tokenizers = new Registry<TokenizerDefinition>("tokenizer", [
  baseline,
  medtok,
  bertText,
  vqgraph,
  randomVectors,
  permutedRows,
]);
