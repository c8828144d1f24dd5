/** MedTok and its ablations as tokenizers of a run: trained once on the store's codes, or loaded from a folder. */

import { join } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import type {
  CodeTable,
  Tokenizer,
  TokenizerContext,
  TokenizerRequest,
} from "../../core/tokenizer.ts";
import { FILES } from "../artefact/config.ts";
import type { Artefact } from "../artefact/open.ts";
import { readSafetensors } from "../artefact/safetensors.ts";
import { type MedTokConfig, MOST_ROWS } from "../medtok/config.ts";
import { coOccurrenceTable } from "./co-occurrence.ts";
import { chosenGraph, textEncoderOf } from "./given.ts";
import { type Inferred, infer, unitCodebook } from "./infer.ts";
import { type MadeInputs, makeInputs } from "./inputs.ts";
import { cachedArtefact } from "./medtok-artefact.ts";
import { withRandomCodebook } from "./quality-report.ts";
import { tokenizerRandom } from "./random.ts";
import { checkFolder, checkInputs } from "./requests.ts";
import {
  type Rows,
  rowsOfArtefact,
  rowsOfFolder,
  sourceOf,
  splitFingerprint,
  tokenizerOfRows,
} from "./rows.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { ownRows } from "./units.ts";

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
    size: config.codebookSize,
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
    return rowsOfArtefact(artefact, ownRows(context.codes.size));
  } finally {
    artefact.close();
  }
}

function refuseForFolder({ use }: Settings): void {
  if (use.quantised && use.codebook === "trained") return;
  throw new BenchError({
    what: "an ablation cannot be made from a folder",
    where: "--tokenizer-dir",
    fix: "leave out --tokenizer-dir, so that the tokenizer is trained here",
    exitCode: 2,
  });
}

/** Tokenizers that a folder may hold. */
const ACCEPTED = ["medtok", "imported"];

/** Refuses what no fit can do, whatever the codes are. @throws BenchError */
export function checkMedTok(request: TokenizerRequest): void {
  const settings = settingsOf(request.options, MOST_ROWS);
  if (request.directory === null) checkInputs(settings.use, request);
  else {
    refuseForFolder(settings);
    checkFolder(request, request.directory, ACCEPTED);
  }
}

/** The tokenizer `name` of a run. `exchange` gives rows other rows' vectors, for controls. */
export async function fitMedTok(
  name: string,
  context: TokenizerContext,
  exchange?: (codes: CodeTable, seed: number) => Int32Array,
): Promise<Tokenizer> {
  checkMedTok(context);
  const settings = settingsOf(context.options, context.codes.size);
  const made =
    context.directory === null
      ? await trainedRows(context, settings)
      : await rowsOfFolder(context, context.directory, ACCEPTED);
  const { use } = settings;
  const moved = exchange?.(context.codes, use.seed);
  if (moved === undefined) return tokenizerOfRows(made, { name, ...use }, context);
  const rows = moved.map((row) => made.rows[row] as number);
  return tokenizerOfRows(
    { ...made, rows, hash: shortHash([made.hash, "exchanged"]) },
    { name, ...use },
    context,
  );
}
