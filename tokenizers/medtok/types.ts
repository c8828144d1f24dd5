/**
 * What the parts of MedTok hand each other, as plain typed arrays: codes, graph, text features, and what
 * training returns. Nothing here reads files; whoever does (the harness) hands these over.
 */
import type { Checkpoints } from "../../core/model.ts";
import type { Random } from "../../core/random.ts";
import type { MedTokConfig } from "./config.ts";

/** The codes to be tokenised. Row order is identity: everything else speaks of rows. */
export interface CodeInputs {
  /** `VOCABULARY/CODE`, sorted by UTF-16 code units, distinct. */
  readonly code: readonly string[];
  /** Own title and those of its ancestors; an empty text where nothing is known. */
  readonly description: readonly string[];
}

/** Undirected edges, each stored in both directions, sorted by source, then target, then relation. */
export interface GraphEdges {
  /** [nodes + 1] where each node's edges begin. */
  readonly offset: Int32Array;
  /** [E] node at the other end. */
  readonly target: Int32Array;
  /** [E] index into `KnowledgeGraph.relations`. */
  readonly relation: Uint8Array;
  /** [E] index into `KnowledgeGraph.origins`: the table the edge was read from. */
  readonly origin: Uint8Array;
}

export interface KnowledgeGraph {
  /** [nodes] e.g. `ICD10CM/E11.9`, `ICD10CM/E11`, `ATC/A10`, `PrimeKG/1234`. */
  readonly nodeId: readonly string[];
  /** [nodes] a name to show; the id where there is none. */
  readonly nodeName: readonly string[];
  /** [nodes] index into `nodeTypes`. */
  readonly nodeType: Uint8Array;
  readonly nodeTypes: readonly string[];
  readonly edges: GraphEdges;
  readonly relations: readonly string[];
  readonly origins: readonly string[];
  /** Whether edges were counted on subjects; such an artefact belongs to one training split. */
  readonly usesSubjects: boolean;
  /** Hash of nodes and edges. */
  readonly hash: string;
}

/** The subgraph of every code, in CSR form by row of `CodeInputs`; never empty. */
export interface Subgraphs {
  /** Rows of the node table that the network trains. */
  readonly nodeCount: number;
  /** [codes + 1]. */
  readonly nodeOffset: Int32Array;
  /** Nodes of the graph, distinct within a code, the code's own node first. */
  readonly node: Int32Array;
  /** [codes] how many of a code's first nodes stand for the code: its own and those that maps state; 0 where all are alike. */
  readonly core: Int32Array;
  /** [codes + 1]. */
  readonly edgeOffset: Int32Array;
  /** Ends of each induced edge as positions within the code's nodes; undirected, each edge once. */
  readonly edgeFrom: Uint16Array;
  readonly edgeTo: Uint16Array;
  readonly hash: string;
}

/** Frozen features of the descriptions. A code's tokens are its sentence in front, then its words. */
export interface TextFeatures {
  readonly width: number;
  /** [codes × width], rows of unit length, or zero for an empty description. */
  readonly sentence: Float32Array;
  /** [words × width], one row a distinct word. */
  readonly word: Float32Array;
  /** [codes + 1] where each code's words begin in `wordId`. */
  readonly wordOffset: Int32Array;
  readonly wordId: Int32Array;
  /** Identifies encoder and descriptions. */
  readonly hash: string;
}

/** A text encoder after fitting, as kept in an artefact: enough to encode a description that was not seen. */
export interface TextEncoderState {
  readonly kind: string;
  readonly width: number;
  /** Hash of the weights, or of the fitted idf and projection. */
  readonly hash: string;
  /** Settings that identify it, e.g. buckets and seed, or the model's name. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Fitted arrays by name; empty where the weights lie elsewhere. */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

export interface EncodeTextOptions {
  /** Most words kept per description. */
  readonly maxWords: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly report: Report;
}

/** Text -> features. `fit` may learn from the descriptions; `restore` continues from an artefact. */
export interface TextEncoder {
  readonly kind: string;
  /** Changes exactly when other features would come out for the same descriptions. */
  readonly key: string;
  fit(
    descriptions: readonly string[],
    options: EncodeTextOptions,
  ): Promise<{ readonly features: TextFeatures; readonly state: TextEncoderState }>;
  /** Features of other descriptions by what was fitted before; rows as `fit` would have made them. */
  encode(
    state: TextEncoderState,
    descriptions: readonly string[],
    options: EncodeTextOptions,
  ): Promise<TextFeatures>;
}

/** For progress display only. */
export type Report = (stage: string, done: number, total: number) => void;

/** Everything the network reads; all rows by `codes`. */
export interface MedTokInputs {
  readonly codes: CodeInputs;
  readonly text: TextFeatures;
  readonly subgraphs: Subgraphs;
}

/** One line of the log, ready for plotting: everything by name, numbers only. */
export type LogLine = Readonly<Record<string, number>>;

/** What training returns; with `MedTokInputs` it is all that inference needs. */
export interface TrainedMedTok {
  readonly config: MedTokConfig;
  /** Trained parameters by name; `codebook` is [N × width], rows not yet normalised. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly textEncoder: TextEncoderState;
  readonly hashes: { readonly text: string; readonly graph: string };
  readonly steps: number;
  readonly stoppedBy: "steps" | "patience";
  readonly log: readonly LogLine[];
}

export interface TrainContext {
  readonly random: Random;
  readonly threads: number;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Left out: nothing is kept, an interrupted training starts again. */
  readonly checkpoints?: Checkpoints;
}
