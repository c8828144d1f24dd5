/**
 * The control of MedTok: its tokens and vectors exchanged at random among codes of one vocabulary. Everything but their
 * meaning is the same, so only the gap to it is due to what the tokens know (models.md 0.9).
 */
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { checkMedTok, fitMedTok } from "./pipeline/fit-medtok.ts";
import { GIVEN_FILES } from "./pipeline/given.ts";
import { tokenizerRandom } from "./pipeline/random.ts";
import { MEDTOK_OPTIONS, RUN_PRESETS } from "./pipeline/settings.ts";
import { exchangedRows } from "./pipeline/units.ts";

export const permutedRows: TokenizerDefinition = {
  name: "permuted-rows",
  version: 5,
  description:
    "MedTok's tokens and vectors exchanged among codes of one vocabulary: the control of medtok.",
  reference: "Su et al., ICML 2025, with rows exchanged",
  defaults: MEDTOK_OPTIONS,
  presets: RUN_PRESETS,
  files: GIVEN_FILES,
  check: checkMedTok,
  fit: (context) =>
    fitMedTok(permutedRows.name, context, (codes, seed) =>
      exchangedRows(codes, tokenizerRandom(seed).derive("exchange")),
    ),
};
