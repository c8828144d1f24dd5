/**
 * A user's own tables beside the codes: titles that replace shorter ones, a published graph with each code's
 * nodes, a sentence encoder. The published code table names no systems; there, a spelling that several rows
 * have is not guessed.
 */
import { BenchError } from "../../core/errors.ts";
import type {
  CodeNodes,
  GivenKnowledge,
  PublishedGraph,
  TitleTable,
} from "../../core/knowledge.ts";
import { publishedKnowledgeGraph } from "../medtok/graph/published.ts";
import { type NodeLists, subgraphsFromLists } from "../medtok/graph/subgraphs.ts";
import { hashedSvdEncoder } from "../medtok/text/hashed-svd.ts";
import { sentenceEncoder } from "../medtok/text/sentence-encoder.ts";
import type { KnowledgeGraph, Subgraphs, TextEncoder } from "../medtok/types.ts";
import { CodeIndex } from "../serve/code-index.ts";

/** Files that the MedTok family reads, with what each is. */
export const GIVEN_FILES = {
  codes: "a code table: code or med_code, description or desc, system, pkg_index_list",
  map: "a map between systems, e.g. ICD-9 to ICD-10",
  kg: "PrimeKG's kg.csv, for graph=primekg",
  encoder: "a folder with a sentence encoder in ONNX, for text=sentence",
} as const;

/** Whether codes are `VOCABULARY/CODE`. */
export function haveSystems(codes: readonly string[]): boolean {
  return codes.length > 0 && codes.every((code) => /^[A-Za-z][\w-]*\//.test(code));
}

/** Finds codes in a table of codes with or without systems: its row, or -1 for none and for several. */
function finder(table: readonly string[]): (code: string) => number {
  const index = new CodeIndex(table, !haveSystems(table));
  return (code) => Math.max(-1, index.find(code));
}

/** The descriptions of codes, replaced by the first non-empty title that a table has for them. */
export function betterDescriptions(
  codes: readonly string[],
  description: readonly (string | null)[],
  tables: readonly TitleTable[],
): (string | null)[] {
  const found = [...description];
  for (const { code, title } of [...tables].reverse()) {
    const find = finder(code);
    for (const [row, own] of codes.entries()) {
      const text = title[find(own)] ?? "";
      if (text !== "") found[row] = text;
    }
  }
  return found;
}

/** Each code's nodes; none where the table does not know the code. @throws BenchError for nodes that are not in the graph. */
export function nodeLists(
  codes: readonly string[],
  { code, offset, node }: CodeNodes,
  nodes: number,
): NodeLists {
  const find = finder(code);
  const own: number[] = [];
  const start = new Int32Array(codes.length + 1);
  for (const [row, wanted] of codes.entries()) {
    const at = find(wanted);
    for (
      let i = at < 0 ? 0 : (offset[at] as number);
      at >= 0 && i < (offset[at + 1] as number);
      i++
    )
      own.push(node[i] as number);
    start[row + 1] = own.length;
  }
  const wrong = own.find((n) => n < 0 || n >= nodes);
  if (wrong !== undefined)
    throw new BenchError({
      what: `a code has the node ${wrong}, the graph has ${nodes}`,
      where: "pkg_index_list",
      fix: "give the code table and the kg.csv that belong together",
    });
  return { offset: start, node: Int32Array.from(own) };
}

/** A published graph and the subgraphs of these codes. @throws BenchError when no code has a node. */
export function publishedInputs(
  codes: readonly string[],
  given: { readonly graph: PublishedGraph; readonly nodes: CodeNodes },
): { readonly graph: KnowledgeGraph; readonly subgraphs: Subgraphs } {
  const lists = nodeLists(codes, given.nodes, given.graph.nodeName.length);
  if (lists.node.length === 0)
    throw new BenchError({
      what: `none of the ${codes.length} codes has a node in ${given.graph.origin}`,
      where: "pkg_index_list",
      fix: "give the code table that belongs to these codes",
    });
  const graph = publishedKnowledgeGraph(given.graph);
  return { graph, subgraphs: subgraphsFromLists(graph, lists) };
}

/** What of the settings chooses inputs. */
export interface InputChoice {
  readonly graph: string;
  readonly text: string;
  readonly hub: string;
}

function refuse(what: string, fix: string): never {
  throw new BenchError({ what, where: "tokenizer", fix, exitCode: 2 });
}

/** The text encoder that was chosen. Nothing is loaded yet. @throws BenchError for a choice without its folder or name. */
export function textEncoderOf(
  { text, hub }: Pick<InputChoice, "text" | "hub">,
  folder: string | null,
): TextEncoder {
  if (text !== "hashed" && text !== "sentence")
    refuse(`text cannot be ${text}`, "choose one of hashed, sentence");
  if (text === "hashed") {
    if (folder !== null || hub !== "")
      refuse("a sentence encoder was given, but text=hashed", "set text=sentence");
    return hashedSvdEncoder();
  }
  if (folder !== null && hub !== "")
    refuse("a folder and a name on the hub are both given", "give one sentence encoder");
  if (folder !== null) return sentenceEncoder({ model: folder });
  if (hub !== "") return sentenceEncoder({ model: hub, fromHub: true });
  return refuse(
    "text=sentence without a sentence encoder",
    "give a folder (--encoder, in runs --tokenizer-file encoder=DIR) or ask for the hub (--hub, in runs --tokenizer-set hub=NAME)",
  );
}

/** @throws BenchError when the choice of a graph and the files do not go together. */
export function checkGraphChoice({ graph }: Pick<InputChoice, "graph">, hasGraph: boolean): void {
  if (graph === "own" && hasGraph) refuse("a kg.csv was given, but graph=own", "set graph=primekg");
  if (graph === "primekg" && !hasGraph)
    refuse(
      "graph=primekg without PrimeKG",
      "give --kg FILE, in runs --tokenizer-file kg=FILE, with a code table that has pkg_index_list",
    );
}

/** The published graph where it was chosen. @throws BenchError when choice and files do not go together. */
export async function chosenGraph(
  choice: Pick<InputChoice, "graph">,
  given: GivenKnowledge | undefined,
) {
  checkGraphChoice(choice, given?.hasGraph ?? false);
  return (await given?.graph()) ?? null;
}
