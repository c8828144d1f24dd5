/** The tokenizer to beat: every code that a training subject has is a unit with a vector of its own. */
import { sha256 } from "../core/hash.ts";
import {
  FIRST_KNOWN_UNIT,
  type Tokenizer,
  type TokenizerContext,
  type TokenizerDefinition,
  UNKNOWN_UNIT,
} from "../core/tokenizer.ts";
import { refuseFolder } from "./pipeline/requests.ts";

async function fit({ codes, trainSubjects }: TokenizerContext): Promise<Tokenizer> {
  const unit = new Int32Array(codes.size).fill(UNKNOWN_UNIT);
  const known: string[] = [];
  for (let row = 0; row < codes.size; row++) {
    if ((trainSubjects[row] ?? 0) === 0) continue;
    unit[row] = FIRST_KNOWN_UNIT + known.length;
    known.push(codes.code[row] ?? "");
  }
  return {
    name: baseline.name,
    vocabularySize: FIRST_KNOWN_UNIT + known.length,
    unit,
    representation: { kind: "learned" },
    artefactHash: sha256(known.join("\n")),
  };
}

export const baseline: TokenizerDefinition = {
  name: "baseline",
  version: 1,
  description:
    "One learned vector per code seen in a training subject; other codes share the unknown vector.",
  reference: "the baseline rows of Su et al., Multimodal Medical Code Tokenizer, ICML 2025",
  defaults: {},
  presets: {},
  check: (request) => refuseFolder(baseline.name, request),
  fit,
};
