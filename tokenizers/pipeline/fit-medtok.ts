/** MedTok and its ablations as tokenizers of a run: trained once on the store's codes, or loaded from a folder. */

import { join } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { sha256, shortHash } from "../../core/hash.ts";
import type { CodeTable, Tokenizer, TokenizerContext } from "../../core/tokenizer.ts";
import { FILES } from "../artefact/config.ts";
import { Artefact } from "../artefact/open.ts";
import { readSafetensors } from "../artefact/safetensors.ts";
import type { MedTokConfig } from "../medtok/config.ts";
import { Ladder } from "../serve/ladder.ts";
import { coOccurrenceTable } from "./co-occurrence.ts";
import { betterDescriptions, chosenGraph, textEncoderOf } from "./given.ts";
import { type Inferred, infer, unitCodebook } from "./infer.ts";
import { type CodeSource, type MadeInputs, makeInputs } from "./inputs.ts";
import { cachedArtefact } from "./medtok-artefact.ts";
import { withRandomCodebook } from "./quality-report.ts";
import { tokenizerRandom } from "./random.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { ownRows, tokenTokenizer, vectorTokenizer } from "./units.ts";

/** The store's codes as the pipeline reads them, with the titles and maps that the user gave. */
export async function sourceOf({ codes, given }: TokenizerContext): Promise<CodeSource> {
  const { code, description, parents } = codes;
  const knowledge = (await given?.tables()) ?? { titles: [], relations: [] };
  const better = betterDescriptions(code, description, knowledge.titles);
  return { code, description: better, parents, knowledge };
}

/** Identifies the training subjects that co-occurrences are counted on, as far as their codes tell. */
export function splitFingerprint({ codes, trainSubjects }: TokenizerContext): string {
  const { buffer, byteOffset, byteLength } = trainSubjects;
  return shortHash([codes.code, sha256(new Uint8Array(buffer, byteOffset, byteLength))]);
}

/** Vectors or tokens by row, before they become units. */
interface Rows {
  /** Row of each code of the store, -1 for none. */
  readonly rows: Int32Array;
  readonly embeddings: Float32Array;
  readonly width: number;
  readonly tokens: {
    readonly ids: Int32Array;
    readonly weights: Float32Array;
    readonly segments: number;
    readonly perSegment: number;
    readonly codebook: Float32Array;
  } | null;
  readonly hash: string;
}

/** Rows of an artefact for the store's codes, by the ladder. @throws BenchError for another training split. */
function rowsOfFolder(context: TokenizerContext, folder: string): Rows {
  const artefact = new Artefact(folder);
  const { config } = artefact;
  if (config.split !== null && config.split !== splitFingerprint(context))
    throw new BenchError({
      what: "the tokenizer's graph was counted on other training subjects than this run's",
      where: folder,
      fix: "train it without co-occurrences (coOccurrence=false), or let the run train its own",
    });
  const ladder = new Ladder(artefact.code, config.has_systems, artefact.mapped());
  const found = context.codes.code.map((code) => ladder.answer(code).row);
  const needed = [...new Set(found.filter((row) => row >= 0))].sort((a, b) => a - b);
  const at = new Map(needed.map((row, i) => [row, i]));
  const embeddings = new Float32Array(needed.length * config.width);
  for (const [i, row] of needed.entries())
    embeddings.set(artefact.embeddings.floats(row, 1), i * config.width);
  const made: Rows = {
    rows: Int32Array.from(found, (row) => at.get(row) ?? -1),
    embeddings,
    width: config.width,
    tokens: tokensOf(artefact, needed),
    hash: artefact.hash,
  };
  artefact.close();
  return made;
}

/** Tokens of some rows of an artefact; null where it has none or no codebook. */
function tokensOf(artefact: Artefact, rows: readonly number[]): Rows["tokens"] {
  const tokens = artefact.tokens();
  const codebook = artefact.codebook();
  const layout = artefact.config.tokens;
  if (tokens === null || codebook === null || layout === null) return null;
  const each = layout.parts.length * layout.per_part;
  const ids = new Int32Array(rows.length * each);
  const weights = new Float32Array(rows.length * each);
  for (const [i, row] of rows.entries()) {
    // A part that was left out has no row, and weighs nothing.
    ids.set(
      tokens.ids.subarray(row * each, (row + 1) * each).map((id) => Math.max(0, id)),
      i * each,
    );
    weights.set(tokens.weights.subarray(row * each, (row + 1) * each), i * each);
  }
  const { parts, per_part } = layout;
  return { ids, weights, segments: parts.length, perSegment: per_part, codebook: codebook.values };
}

function randomTokens(
  made: Inferred,
  parameters: ReadonlyMap<string, Float32Array>,
  config: MedTokConfig,
): Rows["tokens"] {
  return {
    ids: made.ids.map((id) => Math.max(0, id)),
    weights: made.weights,
    segments: made.width / config.width,
    perSegment: config.perPart,
    codebook: unitCodebook(parameters.get("codebook") as Float32Array, config.width),
  };
}

/** The trained network of an artefact applied with a random codebook, or read before quantization. */
async function ablated(
  context: TokenizerContext,
  artefact: Artefact,
  { inputs }: MadeInputs,
  { use, config }: Settings,
): Promise<Rows> {
  const stored = await readSafetensors(join(artefact.folder, FILES.model));
  const own = new Map([...stored].map(([name, { values }]) => [name, values]));
  const base = { config, parameters: own };
  const { parameters } = use.codebook === "random" ? withRandomCodebook(base, use.seed) : base;
  const { threads, report, signal } = context;
  const continuous = !use.quantised;
  const made = await infer({ config, parameters }, inputs, { threads, report, signal, continuous });
  return {
    rows: ownRows(inputs.codes.code.length),
    embeddings: made.continuous ?? made.embeddings,
    width: made.width,
    tokens: continuous ? null : randomTokens(made, parameters, config),
    hash: shortHash([artefact.hash, use.codebook, use.quantised]),
  };
}

async function trainedRows(context: TokenizerContext, settings: Settings): Promise<Rows> {
  const { use, config } = settings;
  const { cacheFolder, threads, report, signal } = context;
  const random = tokenizerRandom(use.seed);
  const extra = use.coOccurrence ? [coOccurrenceTable(context)] : [];
  const encoder = textEncoderOf(use, context.given?.encoder ?? null);
  const published = await chosenGraph(use, context.given);
  const options = { cacheFolder, random, report, signal, encoder, published };
  const made = await makeInputs(await sourceOf(context), extra, options);
  const { coOccurrence, graph, text, hub } = use;
  const artefact = await cachedArtefact(cacheFolder, {
    made,
    config,
    options: { coOccurrence, graph, text, hub },
    seed: use.seed,
    split: use.coOccurrence ? splitFingerprint(context) : null,
    mapped: [],
    threads,
    report,
    signal,
  });
  try {
    if (!use.quantised || use.codebook === "random")
      return await ablated(context, artefact, made, settings);
    const count = context.codes.size;
    const all = Array.from({ length: count }, (_, row) => row);
    return {
      rows: ownRows(count),
      embeddings: artefact.embeddings.floats(0, count),
      width: artefact.config.width,
      tokens: tokensOf(artefact, all),
      hash: artefact.hash,
    };
  } finally {
    artefact.close();
  }
}

function refuseForFolder({ use }: Settings, given: TokenizerContext["given"]): void {
  if (given !== undefined)
    throw new BenchError({
      what: "a folder and files to train from are both given",
      where: "--tokenizer-dir",
      fix: "leave out --tokenizer-file, or --tokenizer-dir so that the tokenizer is trained here",
      exitCode: 2,
    });
  if (use.quantised && use.codebook === "trained") return;
  throw new BenchError({
    what: "an ablation cannot be made from a folder",
    where: "--tokenizer-dir",
    fix: "leave out --tokenizer-dir, so that the tokenizer is trained here",
    exitCode: 2,
  });
}

/** The tokenizer `name` of a run. `exchange` gives rows other rows' vectors, for controls. */
export async function fitMedTok(
  name: string,
  context: TokenizerContext,
  exchange?: (codes: CodeTable, seed: number) => Int32Array,
): Promise<Tokenizer> {
  const settings = settingsOf(context.options, context.codes.size);
  if (context.directory !== null) refuseForFolder(settings, context.given);
  const made =
    context.directory === null
      ? await trainedRows(context, settings)
      : rowsOfFolder(context, context.directory);
  const { use } = settings;
  const moved = exchange?.(context.codes, use.seed);
  const rows = moved === undefined ? made.rows : moved.map((row) => made.rows[row] as number);
  const artefactHash = moved === undefined ? made.hash : shortHash([made.hash, "exchanged"]);
  const common = { name, rows, trainable: use.trainable, artefactHash };
  if (use.mode === "vectors")
    return vectorTokenizer({ ...common, values: made.embeddings, width: made.width });
  if (made.tokens === null)
    throw new BenchError({
      what: "mode=tokens needs a codebook, which this tokenizer has not",
      where: context.directory ?? "--tokenizer-set",
      fix: "set mode=vectors",
      exitCode: 2,
    });
  return tokenTokenizer({ ...common, ...made.tokens, width: made.width / made.tokens.segments });
}
