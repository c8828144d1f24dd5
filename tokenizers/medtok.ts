/** MedTok (Su et al., ICML 2025): tokens and vectors from each code's description and its place in a knowledge graph. */
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { checkMedTok, fitMedTok } from "./pipeline/fit-medtok.ts";
import { GIVEN_FILES } from "./pipeline/given.ts";
import { MEDTOK_OPTIONS, RUN_PRESETS } from "./pipeline/settings.ts";

export const medtok: TokenizerDefinition = {
  name: "medtok",
  version: 5,
  description:
    "Text and graph of each code, quantized by one codebook; trained once on the store's codes, or loaded.",
  reference: "Su et al., Multimodal Medical Code Tokenizer, ICML 2025",
  defaults: MEDTOK_OPTIONS,
  presets: {
    ...RUN_PRESETS,
    codebook: { mode: "codebook", trainable: true },
    trainable: { mode: "vectors", trainable: true },
    "without-text": { modality: "graph" },
    "without-graph": { modality: "text" },
    "without-quantization": { mode: "vectors", quantised: false },
    "random-codebook": { codebook: "random" },
    "co-occurrence": { coOccurrence: true },
    primekg: { graph: "primekg" },
  },
  files: GIVEN_FILES,
  check: checkMedTok,
  fit: (context) => fitMedTok(medtok.name, context),
};
