/**
 * Graph alone, one token a node: VQGraph's node tokenizer on the graph of codes (medtok.md section 7). How the paper
 * ran it is not described; `Deviation:` without node labels there is no class loss, and no distillation after it.
 */
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { checkVqGraph, fitVqGraph } from "./pipeline/fit-vqgraph.ts";
import { GIVEN_FILES } from "./pipeline/given.ts";
import { VQGRAPH_DEFAULTS, VQGRAPH_PUBLISHED } from "./vqgraph/config.ts";

export const vqgraph: TokenizerDefinition = {
  name: "vqgraph",
  version: 4,
  description:
    "Each code's nodes in the graph, each by one row of a codebook that rebuilds the graph; no text.",
  reference: "Yang et al., VQGraph, ICLR 2024, as a tokenizer in Su et al., ICML 2025, figure 4",
  defaults: VQGRAPH_DEFAULTS,
  presets: {
    published: VQGRAPH_PUBLISHED,
    codebook: { mode: "codebook", trainable: true },
    vectors: { mode: "vectors" },
    trainable: { mode: "vectors", trainable: true },
    "vectors-alone": { mode: "vectors", residual: false },
    "tokens-alone": { residual: false },
    "co-occurrence": { coOccurrence: true },
    primekg: { graph: "primekg" },
  },
  files: { codes: GIVEN_FILES.codes, map: GIVEN_FILES.map, kg: GIVEN_FILES.kg },
  check: (request) => checkVqGraph(vqgraph.name, request),
  fit: (context) => fitVqGraph(vqgraph.name, context),
};
