/**
 * Any sentence encoder in ONNX through `@huggingface/transformers`, an optional package: from a local folder,
 * or from the hub when the user asks for it. Mean over tokens with mask, unit length. Words are encoded one by
 * one in the same way, as token-level states of all codes would not fit (medtok.md 10.2).
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { BenchError } from "../../../core/errors.ts";
import { shortHash } from "../../../core/hash.ts";
import { switchOffTelemetry } from "../../../core/privacy.ts";
import type { EncodeTextOptions, TextEncoder, TextEncoderState, TextFeatures } from "../types.ts";
import { featuresHash, wordTable } from "./features.ts";
import { wordsOf } from "./grams.ts";

const KIND = "sentence-encoder";
const PACKAGE = "@huggingface/transformers";
/** Texts of one call; padding goes to the longest of them. */
const BATCH = 32;

/** The little of the package that is used. */
export interface Transformers {
  readonly env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
  };
  pipeline(
    task: "feature-extraction",
    model: string,
    options: { readonly dtype: string },
  ): Promise<
    (
      texts: string[],
      options: { readonly pooling: "mean"; readonly normalize: true },
    ) => Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }>
  >;
}

export interface SentenceEncoderOptions {
  /** A folder that holds the model, or a name on the hub. */
  readonly model: string;
  /** Whether a name may be fetched from the hub; a folder never is. */
  readonly fromHub?: boolean;
  /** How the package loads; tests give their own. */
  readonly load?: () => Promise<Transformers>;
}

async function loadPackage(): Promise<Transformers> {
  const name: string = PACKAGE; // kept from the compiler: the package need not be there
  switchOffTelemetry(); // it loads an onnxruntime of its own
  try {
    return (await import(name)) as Transformers;
  } catch (cause) {
    throw new BenchError({
      what: `the package ${PACKAGE}, which runs sentence encoders, could not be loaded`,
      fix: `install it beside this one: npm install ${PACKAGE}; or use the default text encoder, which needs nothing`,
      cause,
    });
  }
}

/** Hash of all files of a folder with their names, or of a name on the hub. */
function modelHash(model: string): string {
  const stat = statSync(model, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return shortHash(["name", model]);
  const files = readdirSync(model, { recursive: true, encoding: "utf8" }).sort();
  const hash = createHash("sha256");
  const piece = Buffer.alloc(1 << 20);
  for (const name of files) {
    const path = join(model, name);
    if (!statSync(path).isFile()) continue;
    hash.update(`${name}\n${statSync(path).size}\n`);
    const file = openSync(path, "r");
    try {
      for (let got = -1; got !== 0; ) {
        got = readSync(file, piece, 0, piece.length, null);
        hash.update(piece.subarray(0, got));
      }
    } finally {
      closeSync(file);
    }
  }
  return hash.digest("hex").slice(0, 16);
}

type Encode = (texts: readonly string[]) => Promise<{ values: Float32Array; width: number }>;

/** @throws BenchError when the folder is missing and the hub was not asked for, or the package is. */
async function open(options: SentenceEncoderOptions): Promise<Encode> {
  const { model, fromHub = false } = options;
  const isFolder = existsSync(model);
  if (!isFolder && !fromHub)
    throw new BenchError({
      what: `there is no folder ${model} with a sentence encoder`,
      fix: "give a folder with config.json, tokenizer.json and onnx/model.onnx, or allow the hub",
      exitCode: 2,
    });
  const transformers = await (options.load ?? loadPackage)();
  transformers.env.allowLocalModels = isFolder;
  transformers.env.allowRemoteModels = !isFolder;
  if (isFolder) transformers.env.localModelPath = dirname(resolve(model));
  const name = isFolder ? basename(resolve(model)) : model;
  const extract = await transformers
    .pipeline("feature-extraction", name, { dtype: "fp32" })
    .catch((cause: unknown) => {
      throw new BenchError({
        what: `the sentence encoder ${model} could not be loaded: ${cause instanceof Error ? cause.message : cause}`,
        fix: isFolder
          ? "its folder needs config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx"
          : "check its name on the hub and the network, or give a folder",
        cause,
      });
    });
  return async (texts) => {
    const { data, dims } = await extract([...texts], { pooling: "mean", normalize: true });
    return { values: data, width: dims.at(-1) ?? 0 };
  };
}

/** Unit vectors of all texts; blank ones are zero. */
async function encodeAll(
  encode: Encode,
  texts: readonly string[],
  stage: string,
  { signal, report }: EncodeTextOptions,
): Promise<{ values: Float32Array; width: number }> {
  const rows = texts.flatMap((text, row) => (text.trim() === "" ? [] : [row]));
  let values = new Float32Array(0);
  let width = 0;
  for (let start = 0; start < rows.length; start += BATCH) {
    signal.throwIfAborted();
    const own = rows.slice(start, start + BATCH);
    const made = await encode(own.map((row) => texts[row] as string));
    if (width === 0) values = new Float32Array(texts.length * made.width);
    width = made.width;
    for (const [i, row] of own.entries())
      values.set(made.values.subarray(i * width, (i + 1) * width), row * width);
    report(stage, Math.min(rows.length, start + BATCH), rows.length);
  }
  return { values, width };
}

/** A text encoder by a sentence encoder in ONNX. Nothing is loaded before it is used. */
export function sentenceEncoder(options: SentenceEncoderOptions): TextEncoder {
  const features = async (
    state: Pick<TextEncoderState, "kind" | "hash">,
    descriptions: readonly string[],
    context: EncodeTextOptions,
  ): Promise<TextFeatures> => {
    const encode = await open(options);
    const table = wordTable(descriptions.map(wordsOf), context.maxWords);
    const sentence = await encodeAll(encode, descriptions, "encoding descriptions", context);
    const word = await encodeAll(encode, table.words, "encoding words", context);
    return {
      width: sentence.width,
      sentence: sentence.values,
      word: word.values,
      wordOffset: table.offset,
      wordId: table.id,
      hash: featuresHash(state, descriptions, context.maxWords),
    };
  };
  // A folder by its name alone: no path of this machine gets into an artefact.
  const model = existsSync(options.model) ? basename(resolve(options.model)) : options.model;
  const settings = { model, fromHub: String(options.fromHub ?? false) };
  let key: string | undefined;
  return {
    kind: KIND,
    get key() {
      key ??= `${KIND} 1 ${modelHash(options.model)}`;
      return key;
    },
    fit: async (descriptions, context) => {
      // Identified by what it gives for a fixed sentence: that tells other weights of the same name.
      const encode = await open(options);
      const probe = await encode(["type 2 diabetes mellitus"]);
      const weights = [...probe.values].map((x) => Math.round(x * 1e4));
      const hash = shortHash([KIND, weights]);
      const state: TextEncoderState = {
        kind: KIND,
        width: probe.width,
        hash,
        settings,
        arrays: new Map(),
      };
      return { state, features: await features(state, descriptions, context) };
    },
    encode: features,
  };
}
