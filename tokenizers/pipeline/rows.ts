/**
 * Vectors and tokens by row, from a trained folder or a training of one's own, and the units that a run makes of
 * them: shared by all tokenizers that are learnt from descriptions and graphs.
 */
import { BenchError } from "../../core/errors.ts";
import { sha256, shortHash } from "../../core/hash.ts";
import type { Tokenizer, TokenizerContext } from "../../core/tokenizer.ts";
import { Artefact } from "../artefact/open.ts";
import { hashedSvdEncoder } from "../medtok/text/hashed-svd.ts";
import { Ladder } from "../serve/ladder.ts";
import { cannotRead, readTexts } from "../serve/text-reader.ts";
import { joinedArrays } from "../serve/tokens.ts";
import { betterDescriptions } from "./given.ts";
import { type CodeSource, describeCodes } from "./inputs.ts";
import { checkHolder, checkTokens } from "./requests.ts";
import { tokenTokenizer, vectorTokenizer } from "./units.ts";

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
export interface Rows {
  /** Row of each code of the store, -1 for none. */
  readonly rows: Int32Array;
  readonly embeddings: Float32Array;
  readonly width: number;
  readonly tokens: {
    readonly ids: Int32Array;
    readonly weights: Float32Array;
    readonly segments: number;
    readonly perSegment: number;
    /** N, rows of the codebook. */
    readonly size: number;
    /** [N × width / segments]; null where it is not known. */
    readonly codebook: Float32Array | null;
  } | null;
  readonly hash: string;
}

/**
 * Rows of an artefact for the store's codes, by the ladder.
 * @param accepted the tokenizers that the folder may hold
 * @throws BenchError for another tokenizer or another training split.
 */
export async function rowsOfFolder(
  context: TokenizerContext,
  folder: string,
  accepted: readonly string[],
): Promise<Rows> {
  const artefact = new Artefact(folder);
  try {
    return await rowsByLadder(context, artefact, accepted);
  } finally {
    artefact.close();
  }
}

/** @throws BenchError for an artefact that is not this run's. */
function checkArtefact(
  context: TokenizerContext,
  { config, folder }: Artefact,
  accepted: readonly string[],
): void {
  checkHolder(config, folder, accepted);
  if (config.split !== null && config.split !== splitFingerprint(context))
    throw new BenchError({
      what: "the tokenizer's graph was counted on other training subjects than this run's",
      where: folder,
      fix: "train it without co-occurrences (coOccurrence=false), or let the run train its own",
    });
}

async function rowsByLadder(
  context: TokenizerContext,
  artefact: Artefact,
  accepted: readonly string[],
): Promise<Rows> {
  checkArtefact(context, artefact, accepted);
  const { config } = artefact;
  const ladder = new Ladder(artefact.code, config.has_systems, artefact.mapped());
  const answers = context.codes.code.map((code) => ladder.answer(code));
  const found = answers.map(({ row }) => row);
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
  const isOpen = (row: number) =>
    answers[row]?.how === "unk" && answers[row].candidates.length === 0;
  return withTexts(made, context, artefact, isOpen);
}

/**
 * Rows for codes that only their description can answer, after the others: text parts by the trained network, graph
 * parts by the mean (in tokens mode: none). Not for artefacts that cannot read texts, or need an encoder that is not
 * in their folder: there such codes stay unknown, which the record counts.
 */
async function withTexts(
  made: Rows,
  context: TokenizerContext,
  artefact: Artefact,
  isOpen: (row: number) => boolean,
): Promise<Rows> {
  const { signal, report } = context;
  const { text_encoder } = artefact.config;
  if (cannotRead(artefact) !== null || text_encoder?.kind !== hashedSvdEncoder().kind) return made;
  const { description } = describeCodes(await sourceOf(context));
  const asked = [...made.rows.keys()].filter((row) => isOpen(row) && description[row] !== "");
  if (asked.length === 0) return made;
  const texts = await readTexts(
    artefact,
    asked.map((row) => description[row] as string),
    { signal },
  );
  report("reading descriptions of unknown codes", asked.length, asked.length);
  const first = made.embeddings.length / made.width;
  const rows = made.rows.slice();
  for (const [i, row] of asked.entries()) rows[row] = first + i;
  const { tokens } = made;
  return {
    ...made,
    rows,
    embeddings: joinedArrays(made.embeddings, texts.vectors),
    tokens: tokens && {
      ...tokens,
      ids: joinedArrays(
        tokens.ids,
        texts.ids.map((id) => Math.max(0, id)),
      ),
      weights: joinedArrays(tokens.weights, texts.weights),
    },
    hash: shortHash([
      made.hash,
      "texts",
      texts.ids.length,
      sha256(new Uint8Array(texts.vectors.buffer)),
    ]),
  };
}

/** Rows of an artefact that holds just the store's codes, in their order; `rows` says which of them each code reads. */
export function rowsOfArtefact(artefact: Artefact, rows: Int32Array): Rows {
  const count = artefact.code.length;
  const all = Array.from({ length: count }, (_, row) => row);
  return {
    rows,
    embeddings: artefact.embeddings.floats(0, count),
    width: artefact.config.width,
    tokens: tokensOf(artefact, all),
    hash: artefact.hash,
  };
}

/** Tokens of some rows of an artefact; null where it has none. */
function tokensOf(artefact: Artefact, rows: readonly number[]): Rows["tokens"] {
  const tokens = artefact.tokens();
  const layout = artefact.config.tokens;
  if (tokens === null || layout === null) return null;
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
  const { parts, per_part, codebook_size: size } = layout;
  const codebook = artefact.codebook()?.values ?? null;
  return { ids, weights, segments: parts.length, perSegment: per_part, size, codebook };
}

/** How a run reads rows. */
export interface RowUse {
  readonly name: string;
  readonly mode: string;
  readonly trainable: boolean;
  readonly residual: boolean;
}

/** The tokenizer of rows in a run. @throws BenchError when tokens or a codebook are wanted and there are none. */
export function tokenizerOfRows(
  made: Rows,
  { name, mode, trainable, residual }: RowUse,
  { trainSubjects }: TokenizerContext,
): Tokenizer {
  const residualOf = residual ? trainSubjects : null;
  const common = { name, rows: made.rows, trainable, residualOf, artefactHash: made.hash };
  if (mode === "vectors")
    return vectorTokenizer({ ...common, values: made.embeddings, width: made.width });
  checkTokens(mode, {
    hasTokens: made.tokens !== null,
    hasCodebook: made.tokens?.codebook != null,
  });
  const tokens = made.tokens as NonNullable<Rows["tokens"]>;
  const width = made.width / tokens.segments;
  const vectors = tokens.codebook === null ? made.embeddings : null;
  return tokenTokenizer({ ...common, ...tokens, width, vectors, learned: mode === "tokens" });
}
