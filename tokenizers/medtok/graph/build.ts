/**
 * The self-contained knowledge graph of medtok.md 9.3: hierarchies from the codes' spelling and the store's
 * parents, and whatever relations the given tables state about these codes.
 */

import { sha256 } from "../../../core/hash.ts";
import type { RelationTable } from "../../../core/knowledge.ts";
import type { CodeInputs, GraphEdges, KnowledgeGraph } from "../types.ts";
import { nodeTypeOf, pathUp } from "./hierarchy.ts";

/** From a node to what is above it, and the same edge the other way. */
export const IS_A = "is_a";
export const INCLUDES = "includes";
export const COOCCURS = "cooccurs";
/** Origin of edges that follow from the spelling of codes. */
const SPELLING = "spelling";

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly relation: number;
  /** Its name in the other direction. */
  readonly inverse: number;
  readonly origin: number;
}

/** Names in the order of their first appearance. */
class Names {
  readonly list: string[] = [];
  readonly #index = new Map<string, number>();

  id(name: string): number {
    const known = this.#index.get(name);
    if (known !== undefined) return known;
    this.#index.set(name, this.list.length);
    this.list.push(name);
    return this.list.length - 1;
  }
}

class GraphBuilder {
  readonly nodes = new Names();
  readonly relations = new Names();
  readonly origins = new Names();
  readonly edges: Edge[] = [];
  readonly #linked = new Set<string>();
  readonly #climbed = new Set<number>();

  /** Adds an edge, for `is_a` from below to above; the same pair and relation only once. */
  link(a: string, b: string, relation: string, origin: string): void {
    const [from, to] = [this.nodes.id(a), this.nodes.id(b)];
    if (from === to) return;
    const key = `${Math.min(from, to)} ${Math.max(from, to)} ${relation}`;
    if (this.#linked.has(key)) return;
    this.#linked.add(key);
    this.edges.push({
      from,
      to,
      relation: this.relations.id(relation),
      inverse: this.relations.id(relation === IS_A ? INCLUDES : relation),
      origin: this.origins.id(origin),
    });
  }

  /** Links a code to what is above it, up to its system. */
  climb(code: string): void {
    let below = code;
    for (const above of pathUp(code)) {
      const node = this.nodes.id(below);
      if (this.#climbed.has(node)) return;
      this.#climbed.add(node);
      this.link(below, above, IS_A, SPELLING);
      below = above;
    }
    this.nodes.id(below);
  }
}

export interface GraphSources {
  /** Parents as the store states them, by row of the codes; empty where unknown. */
  readonly parents?: readonly (readonly string[])[];
  readonly relations?: readonly RelationTable[];
  /** Names to show, by node id. */
  readonly names?: ReadonlyMap<string, string>;
}

/** Most partners of one code that are taken from one table: some maps of procedures explode. */
const MOST_PARTNERS = 8;

/** Links codes by a table: rows without a known code are skipped, partners per code are limited. */
function addTable(builder: GraphBuilder, table: RelationTable, isCode: ReadonlySet<string>): void {
  const partners = new Map<string, number>();
  for (const [i, a] of table.from.entries()) {
    const b = table.to[i] as string;
    const limited = [a, b].filter((end) => isCode.has(end));
    const isFree = limited.some((end) => (partners.get(end) ?? 0) < MOST_PARTNERS);
    if (!isFree) continue;
    for (const end of limited) partners.set(end, (partners.get(end) ?? 0) + 1);
    builder.climb(a);
    builder.climb(b);
    builder.link(a, b, table.relation, table.origin);
  }
}

/** The graph around these codes: every code, what is above it, and what the tables relate it to. */
export function buildKnowledgeGraph(codes: CodeInputs, sources: GraphSources = {}): KnowledgeGraph {
  const builder = new GraphBuilder();
  const isCode = new Set(codes.code);
  for (const code of codes.code) builder.nodes.id(code); // codes are the first nodes, in their order
  for (const code of codes.code) builder.climb(code);
  for (const [row, parents] of (sources.parents ?? []).entries())
    for (const parent of parents) {
      builder.climb(parent);
      builder.link(codes.code[row] as string, parent, IS_A, "store");
    }
  // Tables may relate what lies above codes (interactions of drug classes) as well as codes.
  const known = new Set([...isCode, ...builder.nodes.list]);
  for (const table of sources.relations ?? []) addTable(builder, table, known);
  const types = new Names();
  const nodeType = Uint8Array.from(builder.nodes.list, (id) => types.id(nodeTypeOf(id)));
  const edges = bothDirections(builder.edges, builder.nodes.list.length);
  return {
    nodeId: builder.nodes.list,
    nodeName: builder.nodes.list.map((id) => sources.names?.get(id) ?? id),
    nodeType,
    nodeTypes: types.list,
    edges,
    relations: builder.relations.list,
    origins: builder.origins.list,
    usesSubjects: builder.relations.list.includes(COOCCURS),
    hash: hashOf([builder.nodes.list, builder.relations.list], [edges.target, edges.relation]),
  };
}

/** Hash of names and arrays. */
export function hashOf(
  names: readonly (readonly string[])[],
  arrays: readonly (Int32Array | Uint16Array | Uint8Array)[],
): string {
  const bytes = arrays.map((x) => sha256(new Uint8Array(x.buffer, x.byteOffset, x.byteLength)));
  return sha256(JSON.stringify([names, bytes])).slice(0, 16);
}

/** Edges in both directions, sorted by source, target, relation. */
function bothDirections(edges: readonly Edge[], nodes: number): GraphEdges {
  const all = edges.flatMap((e) => [e, { ...e, from: e.to, to: e.from, relation: e.inverse }]);
  all.sort((a, b) => a.from - b.from || a.to - b.to || a.relation - b.relation);
  const offset = new Int32Array(nodes + 1);
  for (const { from } of all) offset[from + 1] = (offset[from + 1] as number) + 1;
  for (let i = 0; i < nodes; i++) offset[i + 1] = (offset[i + 1] as number) + (offset[i] as number);
  return {
    offset,
    target: Int32Array.from(all, (e) => e.to),
    relation: Uint8Array.from(all, (e) => e.relation),
    origin: Uint8Array.from(all, (e) => e.origin),
  };
}
