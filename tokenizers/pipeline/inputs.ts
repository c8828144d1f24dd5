/** From a table of codes to what the network reads: descriptions with their ancestors' titles, text features, graph, subgraphs. */
import type {
  CodeNodes,
  KnowledgeTables,
  PublishedGraph,
  RelationTable,
} from "../../core/knowledge.ts";
import type { Random } from "../../core/random.ts";
import { ancestors } from "../../core/vocabulary/hierarchy.ts";
import { buildKnowledgeGraph } from "../medtok/graph/build.ts";
import { cutSubgraphs } from "../medtok/graph/subgraphs.ts";
import { fitCached } from "../medtok/text/features.ts";
import { hashedSvdEncoder } from "../medtok/text/hashed-svd.ts";
import type {
  CodeInputs,
  KnowledgeGraph,
  MedTokInputs,
  Report,
  TextEncoder,
  TextEncoderState,
} from "../medtok/types.ts";
import { publishedInputs } from "./given.ts";

/** Codes with what is known of them; rows in any order. */
export interface CodeSource {
  readonly code: readonly string[];
  readonly description: readonly (string | null)[];
  /** Empty where unknown. */
  readonly parents: readonly (readonly string[])[];
  readonly knowledge: KnowledgeTables;
}

export interface InputOptions {
  /** Features of texts are kept here by their content. */
  readonly cacheFolder: string;
  readonly random: Random;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Left out: the encoder that needs nothing. */
  readonly encoder?: TextEncoder;
  /** Takes the place of the self-contained graph. */
  readonly published?: { readonly graph: PublishedGraph; readonly nodes: CodeNodes } | null;
}

export interface MadeInputs {
  readonly inputs: MedTokInputs;
  readonly graph: KnowledgeGraph;
  readonly textEncoder: TextEncoderState;
}

/** Words of a description that the cross attention sees. */
export const MAX_WORDS = 32;

/** Titles by code: the table's own, then those that other tables add. */
function titlesOf({ code, description, knowledge }: CodeSource): Map<string, string> {
  const titles = new Map<string, string>();
  for (const table of [...knowledge.titles].reverse())
    for (const [i, key] of table.code.entries()) titles.set(key, table.title[i] as string);
  for (const [row, key] of code.entries()) {
    const own = description[row];
    if (own !== null && own !== undefined && own !== "") titles.set(key, own);
  }
  return titles;
}

/** The name in a code, where it is a name rather than a number: `DRUG/insulin glargine`. */
function ownName(code: string): string {
  const rest = code.slice(code.indexOf("/") + 1);
  return /[A-Za-z]{3}/.test(rest) ? rest : "";
}

/** A code's own title, then those of what is above it, nearest first, each once (medtok.md 9.1). */
export function describeCodes(source: CodeSource): CodeInputs {
  const titles = titlesOf(source);
  const description = source.code.map((code, row) => {
    const above = [...(source.parents[row] ?? []), ...ancestors(code)];
    const texts = [titles.get(code) ?? ownName(code), ...above.map((up) => titles.get(up) ?? "")];
    return [...new Set(texts.filter((text) => text !== ""))].join(" > ");
  });
  return { code: source.code, description };
}

/** Descriptions of these codes and their frozen features. */
export async function makeText(source: CodeSource, options: InputOptions) {
  const codes = describeCodes(source);
  const { random, report, signal, cacheFolder, encoder = hashedSvdEncoder() } = options;
  const text = { maxWords: MAX_WORDS, random: random.derive("text"), report, signal };
  const fitted = await fitCached(encoder, codes.description, text, cacheFolder);
  return { codes, ...fitted };
}

function ownGraph(source: CodeSource, codes: CodeInputs, extra: readonly RelationTable[]) {
  const graph = buildKnowledgeGraph(codes, {
    parents: source.parents,
    relations: [...source.knowledge.relations, ...extra],
    names: titlesOf(source),
  });
  return { graph, subgraphs: cutSubgraphs(graph, codes.code.length) };
}

/**
 * Everything the network reads about these codes. `extra` are relations beside those of the source, e.g.
 * co-occurrences.
 */
export async function makeInputs(
  source: CodeSource,
  extra: readonly RelationTable[],
  options: InputOptions,
): Promise<MadeInputs> {
  const { codes, features, state } = await makeText(source, options);
  const { graph, subgraphs } = options.published
    ? publishedInputs(codes.code, options.published)
    : ownGraph(source, codes, extra);
  return {
    inputs: { codes, text: features, subgraphs },
    graph,
    textEncoder: state,
  };
}
