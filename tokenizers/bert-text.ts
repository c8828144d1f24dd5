/**
 * Text alone, without quantization: the frozen features of each code's description behind a trained projection
 * (medtok.md 7). `Deviation:` the paper's sentence encoder is BERT, which would have to be downloaded; the
 * default is the encoder that medtok itself reads here, so that both see the same text. Any sentence encoder in
 * ONNX takes its place with text=sentence.
 */
import { shortHash } from "../core/hash.ts";
import type {
  Tokenizer,
  TokenizerContext,
  TokenizerDefinition,
  TokenizerRequest,
} from "../core/tokenizer.ts";
import { GIVEN_FILES, textEncoderOf } from "./pipeline/given.ts";
import { makeText } from "./pipeline/inputs.ts";
import { tokenizerRandom } from "./pipeline/random.ts";
import { refuseFolder } from "./pipeline/requests.ts";
import { sourceOf } from "./pipeline/rows.ts";
import { ownRows, vectorTokenizer } from "./pipeline/units.ts";

/** The text encoder that was asked for. @throws BenchError for a choice without its folder or name. */
function encoderOf({ options, given }: TokenizerRequest) {
  const { text, hub } = { ...bertText.defaults, ...options };
  return textEncoderOf({ text: String(text), hub: String(hub) }, given?.encoder ?? null);
}

async function fit(context: TokenizerContext): Promise<Tokenizer> {
  const { codes, cacheFolder, report, signal } = context;
  const { seed, trainable, residual } = { ...bertText.defaults, ...context.options };
  const encoder = encoderOf(context);
  const random = tokenizerRandom(Number(seed));
  const options = { cacheFolder, random, report, signal, encoder };
  const { features } = await makeText(await sourceOf(context), options);
  return vectorTokenizer({
    name: bertText.name,
    rows: ownRows(codes.size),
    values: features.sentence,
    width: features.width,
    trainable: trainable === true,
    residualOf: residual === true ? context.trainSubjects : null,
    artefactHash: shortHash(["bert-text", features.hash]),
  });
}

export const bertText: TokenizerDefinition = {
  name: "bert-text",
  version: 3,
  description: "Frozen text features of each code's description; no graph, no quantization.",
  reference: "the BERT tokenizer of Su et al., ICML 2025, figure 4",
  defaults: { seed: 0, trainable: false, residual: true, text: "hashed", hub: "" },
  presets: { trainable: { trainable: true }, "vectors-alone": { residual: false } },
  files: { codes: GIVEN_FILES.codes, encoder: GIVEN_FILES.encoder },
  check(request) {
    refuseFolder(bertText.name, request);
    encoderOf(request);
  },
  fit,
};
