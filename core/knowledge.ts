/** Knowledge about codes as tables state it: titles, and relations between codes. Readers make these; tokenizers use them. */

/** Titles of codes, column by column. */
export interface TitleTable {
  /** Name of the table, for messages and records. */
  readonly origin: string;
  /** `VOCABULARY/CODE`. */
  readonly code: readonly string[];
  readonly title: readonly string[];
}

/** Relations of one kind between codes or classes, column by column; read without direction. */
export interface RelationTable {
  readonly origin: string;
  /** e.g. `equivalent`, `approx`, `contains`, `interacts`, `is_a`, `in_group`, `cooccurs`. */
  readonly relation: string;
  /** `VOCABULARY/CODE`, most important first where a table is cut. */
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface KnowledgeTables {
  readonly titles: readonly TitleTable[];
  readonly relations: readonly RelationTable[];
}

/** Codes and their nodes in a published graph, in the table's order. */
export interface CodeNodes {
  readonly code: readonly string[];
  /** [codes + 1]. */
  readonly offset: Int32Array;
  readonly node: Int32Array;
}

/** A published graph with integer nodes (PrimeKG). */
export interface PublishedGraph {
  readonly origin: string;
  readonly nodeName: readonly string[];
  readonly nodeType: Uint8Array;
  readonly nodeTypes: readonly string[];
  /** [E] each undirected edge of each relation once, from < to. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** [E] index into `relations`. */
  readonly relation: Uint8Array;
  readonly relations: readonly string[];
}

/** A user's own tables about codes, each read when it is asked for. */
export interface GivenKnowledge {
  /** Better titles, and maps between systems. Codes of a title table may lack their system. */
  tables(): Promise<KnowledgeTables>;
  /** Whether a published graph was given. */
  readonly hasGraph: boolean;
  /** A published graph with each code's nodes in it; null when none was given. */
  graph(): Promise<{ readonly graph: PublishedGraph; readonly nodes: CodeNodes } | null>;
  /** Folder of a sentence encoder in ONNX, or null. */
  readonly encoder: string | null;
}
