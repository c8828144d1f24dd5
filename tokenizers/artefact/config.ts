/**
 * `config.json` of an artefact folder: what the tokenizer is, the layout of its arrays, where it came from,
 * and the size and hash of every other file. There is no date in it, so that the same training gives the
 * same folder bit for bit; its own hash names the artefact.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BenchError } from "../../core/errors.ts";
import { sha256 } from "../../core/hash.ts";

export const FORMAT = "medtok-bench tokenizer";
export const FORMAT_VERSION = 1;

/** Names of the files beside config.json. */
export const FILES = {
  /** One code a line, in row order, below the line `code`. */
  codes: "codes.tsv",
  descriptions: "descriptions.tsv",
  /** [codes, width] float32. */
  embeddings: "embeddings.npy",
  /** [width] float32: the mean of all embeddings, which unknown codes get. */
  unknown: "unknown.npy",
  /** [codes, parts, K] int32 global rows of the codebook, nearest first; -1 in parts left out. */
  tokens: "tokens.npy",
  /** [codes, parts, K] float32. */
  weights: "weights.npy",
  /** [N, part width] float32, rows of unit length as they are summed. */
  codebook: "codebook.npy",
  /** Trained parameters. */
  model: "model.safetensors",
  /** Fitted arrays of the text encoder. */
  text: "text-encoder.safetensors",
  /** from, to: codes of other systems and the rows that stand for them, best first. */
  mapped: "mapped.tsv",
  /** from, relation, to, origin: edges of the knowledge graph. */
  graph: "graph.tsv",
  report: "report.json",
} as const;

/** In graph.tsv, from a code to a node of a published graph. */
export const HAS_NODE = "has_node";

const count = z.number().int().nonnegative();
const range = z.tuple([count, count]);
const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const layoutSchema = z.strictObject({
  /** Names of the parts, side by side in an embedding and in this order in tokens and weights. */
  parts: z.array(z.string()).min(1),
  /** K. */
  per_part: z.number().int().positive(),
  codebook_size: z.number().int().positive(),
  /** Rows [from, to) of the codebook by region. */
  regions: z.record(z.string(), range),
});

const configSchema = z.strictObject({
  format: z.literal(FORMAT),
  format_version: z.literal(FORMAT_VERSION),
  /** The tokenizer that made it, and its version. */
  tokenizer: z.string(),
  tokenizer_version: count,
  /** Every option of the tokenizer. */
  options: settings,
  codes: z.number().int().positive(),
  /** Whether codes carry their system, `VOCABULARY/CODE`; published artefacts do not. */
  has_systems: z.boolean(),
  /** Numbers of an embedding. */
  width: z.number().int().positive(),
  /** Null for tokenizers without tokens. */
  tokens: layoutSchema.nullable(),
  text_encoder: z
    .strictObject({
      kind: z.string(),
      width: count,
      hash: z.string(),
      settings: z.record(z.string(), z.union([z.string(), z.number()])),
    })
    .nullable(),
  /** Hashes of what it was made from, by name: codes, text, graph. */
  inputs: z.record(z.string(), z.string()),
  /** What the training subjects' co-occurrences came from, or null when no subject was looked at. */
  split: z.string().nullable(),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: z.string() })),
});

export type ArtefactConfig = z.infer<typeof configSchema>;
export type TokenLayout = z.infer<typeof layoutSchema>;

const REMAKE = "make the artefact again with this version, or name another folder";

/** What is wrong with a folder, as an error. */
export function badArtefact(where: string, what: string, cause?: unknown): BenchError {
  return new BenchError({
    what: `not a usable tokenizer folder: ${what}`,
    where,
    fix: REMAKE,
    cause,
  });
}

/** config.json as text: keys in a fixed order. */
export function configText(config: ArtefactConfig): string {
  return `${JSON.stringify(configSchema.parse(config), null, 2)}\n`;
}

function parseConfig(path: string, text: string): ArtefactConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badArtefact(path, "it is no JSON", cause);
  }
  const version = (value as { format_version?: unknown } | null)?.format_version;
  if (typeof version === "number" && version !== FORMAT_VERSION)
    throw badArtefact(path, `format version ${version}, this program reads ${FORMAT_VERSION}`);
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badArtefact(path, `${issue?.path.map(String).join(".")}: ${issue?.message}`);
}

/** Configuration and name of an artefact. @throws BenchError when a file is missing or has another size. */
export function readConfig(folder: string): { config: ArtefactConfig; hash: string } {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw badArtefact(folder, "there is no config.json in it", cause);
  }
  const config = parseConfig(path, text);
  for (const [name, { bytes }] of Object.entries(config.files)) {
    const file = join(folder, name);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw badArtefact(file, "the file is missing");
    if (size !== bytes) throw badArtefact(file, `${size} bytes, ${bytes} were written`);
  }
  return { config, hash: sha256(text) };
}
