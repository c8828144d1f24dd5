/** The package's public entry: trained tokenizers for other programs. Everything else is reached by commands. */
export { BenchError } from "../core/errors.ts";
export type { ArtefactConfig } from "./artefact/config.ts";
export type { CodeTokens, Decoded, Encoded, EncodedBatch, MedTokOptions } from "./serve/answers.ts";
export type { Answer, Rung } from "./serve/ladder.ts";
export { RUNGS } from "./serve/ladder.ts";
export { MedTok } from "./serve/med-tok.ts";
