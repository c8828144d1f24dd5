/**
 * Codes that a tokenizer does not know, read by what they mean (medtok.md 5.3): the artefact's text encoder and
 * trained network give the text parts, with the mean node in place of a subgraph; the graph parts are the means over
 * all known codes and have no tokens.
 */
import { join } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { FILES } from "../artefact/config.ts";
import type { Artefact } from "../artefact/open.ts";
import { readSafetensors } from "../artefact/safetensors.ts";
import { MEDTOK_DEFAULTS, type MedTokConfig } from "../medtok/config.ts";
import { ForwardPass } from "../medtok/forward.ts";
import { hashedSvdEncoder } from "../medtok/text/hashed-svd.ts";
import { sentenceEncoder } from "../medtok/text/sentence-encoder.ts";
import type {
  EncodeTextOptions,
  MedTokInputs,
  TextEncoder,
  TextEncoderState,
  TextFeatures,
} from "../medtok/types.ts";

/** Words of a description that the cross attention sees, as in training. */
const MAX_WORDS = 32;
/** Parts that read the graph. */
const GRAPH_PARTS: ReadonlySet<number> = new Set([1, 3]);

/** Rows by description, in the order asked. */
export interface ReadTexts {
  /** [n × width]. */
  readonly vectors: Float32Array;
  /** [n × parts · K] rows of the codebook; -1 in the graph parts. */
  readonly ids: Int32Array;
  /** [n × parts · K]; zeros in the graph parts. */
  readonly weights: Float32Array;
}

export interface ReadOptions {
  /** Folder of the sentence encoder, for an artefact that was trained with one. */
  readonly encoder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why an artefact cannot read descriptions; null when it can. */
export function cannotRead({ config }: Artefact): string | null {
  if (config.tokenizer !== "medtok") return `the tokenizer ${config.tokenizer} has no text network`;
  if (config.files[FILES.model] === undefined) return "its folder has no trained network";
  if (config.text_encoder === null || config.files[FILES.text] === undefined)
    return "its folder has no text encoder";
  return config.options["modality"] === "graph" ? "it was trained without text" : null;
}

function networkConfig({ config }: Artefact): MedTokConfig {
  const names = Object.keys(MEDTOK_DEFAULTS);
  const own = names.map((name) => [name, config.options[name]] as const);
  return Object.fromEntries(own) as unknown as MedTokConfig;
}

/** Encoder and state as the artefact keeps them. @throws BenchError when the folder given holds another one. */
async function encoderOf(
  { config, folder }: Artefact,
  { encoder }: ReadOptions,
  options: EncodeTextOptions,
): Promise<{ encoder: TextEncoder; state: TextEncoderState }> {
  const known = config.text_encoder as NonNullable<typeof config.text_encoder>;
  const stored = await readSafetensors(join(folder, FILES.text));
  const arrays = new Map([...stored].map(([name, { values }]) => [name, values]));
  const state: TextEncoderState = { ...known, arrays };
  if (known.kind === hashedSvdEncoder().kind) return { encoder: hashedSvdEncoder(), state };
  const wanted = String(known.settings["model"]);
  if (encoder === undefined)
    throw new BenchError({
      what: `the tokenizer was trained with the sentence encoder ${wanted}, which is not in its folder`,
      where: folder,
      fix: "also give that encoder's folder (encoder, --encoder)",
      exitCode: 2,
    });
  const own = sentenceEncoder({ model: encoder });
  const { state: found } = await own.fit([], options);
  if (found.hash === known.hash) return { encoder: own, state };
  throw new BenchError({
    what: `the sentence encoder in ${encoder} is not the one that the tokenizer was trained with (${wanted})`,
    where: folder,
    fix: "give the folder that it was trained with",
    exitCode: 2,
  });
}

/** A row more, as long as can be: blocks then have one shape, and no description depends on those beside it. */
function filledUp(text: TextFeatures, count: number): TextFeatures {
  const { width, sentence, wordOffset, wordId } = text;
  const more = new Float32Array((count + 1) * width);
  more.set(sentence);
  const word = text.word.length > 0 ? text.word : new Float32Array(width);
  const end = wordOffset[count] as number;
  return {
    ...text,
    sentence: more,
    word,
    wordOffset: Int32Array.from([...wordOffset, end + MAX_WORDS]),
    wordId: Int32Array.from([...wordId, ...new Int32Array(MAX_WORDS)]),
  };
}

function inputsOf(descriptions: readonly string[], text: TextFeatures): MedTokInputs {
  const count = descriptions.length;
  const each = Int32Array.from({ length: count + 2 }, (_, i) => i);
  return {
    codes: { code: [...descriptions, ""], description: [...descriptions, ""] },
    text: filledUp(text, count),
    subgraphs: {
      nodeCount: 1,
      nodeOffset: each,
      node: new Int32Array(count + 1),
      core: new Int32Array(count + 1),
      edgeOffset: new Int32Array(count + 2),
      edgeFrom: new Uint16Array(0),
      edgeTo: new Uint16Array(0),
      hash: "one node",
    },
  };
}

/** The mean of the rows of a table. */
function meanOf(values: Float32Array, width: number): Float32Array {
  const sum = new Float64Array(width);
  for (let i = 0; i < values.length; i++)
    sum[i % width] = (sum[i % width] as number) + (values[i] as number);
  return Float32Array.from(sum, (x) => (x * width) / values.length);
}

/**
 * Vectors and tokens of descriptions; a blank one gets the row of an empty text.
 * @throws BenchError when the artefact cannot read texts (`cannotRead`), or needs another encoder.
 */
export async function readTexts(
  artefact: Artefact,
  descriptions: readonly string[],
  options: ReadOptions = {},
): Promise<ReadTexts> {
  const reason = cannotRead(artefact);
  if (reason !== null)
    throw new BenchError({
      what: `descriptions cannot be read: ${reason}`,
      where: artefact.folder,
      fix: "train a tokenizer with text here (medtok-bench tokenizer train)",
      exitCode: 2,
    });
  const context: EncodeTextOptions = {
    maxWords: MAX_WORDS,
    random: Random.fromSeed(0),
    signal: options.signal ?? new AbortController().signal,
    report: () => {},
  };
  const { encoder, state } = await encoderOf(artefact, options, context);
  const text = await encoder.encode(state, descriptions, context);
  const config = networkConfig(artefact);
  const stored = await readSafetensors(join(artefact.folder, FILES.model));
  const parameters = new Map([...stored].map(([name, { values }]) => [name, values]));
  const nodes = parameters.get("nodes");
  if (nodes !== undefined) parameters.set("nodes", meanOf(nodes, config.width));
  const inputs = inputsOf(descriptions, { ...text, width: state.width });
  const forward = await ForwardPass.create({ config, parameters }, inputs, 1);
  try {
    const rows = Int32Array.from(descriptions.keys());
    const { vectors, tokens, weights } = await forward.run(rows);
    return withMeanGraph({ vectors, ids: tokens, weights }, artefact.unknown, config);
  } finally {
    await forward.release();
  }
}

/** Graph parts replaced: vectors by the mean, tokens by none. */
function withMeanGraph(
  { vectors, ids, weights }: ReadTexts,
  mean: Float32Array,
  { width, perPart }: MedTokConfig,
): ReadTexts {
  const parts = mean.length / width;
  for (let place = 0; place < vectors.length / width; place++) {
    const part = place % parts;
    if (!GRAPH_PARTS.has(part)) continue;
    vectors.set(mean.subarray(part * width, (part + 1) * width), place * width);
    ids.fill(-1, place * perPart, (place + 1) * perPart);
    weights.fill(0, place * perPart, (place + 1) * perPart);
  }
  return { vectors, ids, weights };
}
