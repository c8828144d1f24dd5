/** A tokenizer: codes of the store -> units a model can look up, and what a unit's vector is. */
import type { Hyperparameters } from "./hyperparameters.ts";
import type { GivenKnowledge } from "./knowledge.ts";
import type { Random } from "./random.ts";

/** Units that every tokenizer has, after padding: what it does not know, and the first that it does. */
export const UNKNOWN_UNIT = 1;
export const FIRST_KNOWN_UNIT = 2;

/** The code table of a store in memory; row order is that of metadata/codes.parquet (sorted by code). */
export interface CodeTable {
  readonly size: number;
  readonly code: readonly string[];
  readonly description: readonly (string | null)[];
  /** Index into CODE_KINDS. */
  readonly kind: Uint8Array;
  /** Parents of each code in its hierarchy or by a mapping, e.g. the three-character category; empty when unknown. */
  readonly parents: readonly (readonly string[])[];
}

/** `learned`: one trainable vector per unit. `vectors`: given vectors behind a trained projection to the model's width. */
export type UnitRepresentation =
  | { readonly kind: "learned" }
  | {
      readonly kind: "vectors";
      /** [V × width], row-major; rows 0 (padding) and 1 (unknown) are zero. */
      readonly values: Float32Array;
      readonly width: number;
      /** Whether training may also move the vectors themselves. */
      readonly trainable: boolean;
      /** [V] 1 for units that also have a learned vector beside the given one; left out: none. */
      readonly residual?: Uint8Array;
    }
  | {
      /**
       * Tokens: rows of a codebook with weights, per segment. Where `learned`, a model learns a vector a token and
       * sums them by weight; else the codebook's own rows are summed per segment, segments side by side, behind a
       * trained projection: vector = concat over s of sum over k of weights[s, k] · codebook[tokens[s, k]].
       */
      readonly kind: "tokens";
      /** [V × segments × K] rows of the codebook; rows of units 0 and 1 are zero. */
      readonly tokens: Int32Array;
      /** [V × segments × K], each [K] sums to 1; zero for units 0 and 1. */
      readonly weights: Float32Array;
      readonly segments: number;
      readonly perSegment: number;
      /** N: rows of the codebook, one a token. */
      readonly rows: number;
      /** [N × width], row-major; null where it is not known, which `learned` alone can do without. */
      readonly codebook: Float32Array | null;
      readonly width: number;
      /** [V × segments · width] vectors of the units, where the codebook is not known but they are. */
      readonly vectors?: Float32Array;
      /** Whether models learn a vector of their own for each token. */
      readonly learned: boolean;
      /** Whether training may also move the codebook; not where `learned`. */
      readonly trainable: boolean;
      /** As of `vectors`. */
      readonly residual?: Uint8Array;
    };

export interface Tokenizer {
  readonly name: string;
  /** V: number of units; 0 is padding, 1 is "not known to this tokenizer". */
  readonly vocabularySize: number;
  /** Row of the code table -> unit. */
  readonly unit: Int32Array;
  readonly representation: UnitRepresentation;
  /** Identifies what was learned or loaded; part of the result record. */
  readonly artefactHash: string;
}

/** What a user asks of a tokenizer. */
export interface TokenizerRequest {
  readonly options: Hyperparameters;
  /** An artefact folder the user named (--tokenizer-dir), or null. */
  readonly directory: string | null;
  /** What the files say that the user gave (`TokenizerDefinition.files`); left out without any. */
  readonly given?: GivenKnowledge | undefined;
}

export interface TokenizerContext extends TokenizerRequest {
  readonly codes: CodeTable;
  /** Number of training subjects that have each code in a history of a training sample. */
  readonly trainSubjects: Uint32Array;
  /** Pairs of code rows and the training subjects that have both in one visit, most frequent first; for graphs. */
  coOccurrence(most: number): {
    readonly a: Int32Array;
    readonly b: Int32Array;
    readonly subjects: Uint32Array;
  };
  /** Private folder for what is expensive to make; content-addressed by the tokenizer. */
  readonly cacheFolder: string;
  readonly threads: number;
  readonly random: Random;
  /** For progress display only. */
  readonly report: (stage: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface TokenizerDefinition {
  readonly name: string;
  /** Raised when the units could change. */
  readonly version: number;
  readonly description: string;
  readonly reference: string;
  /** Every option with its default value; set with --tokenizer-set name=value. */
  readonly defaults: Hyperparameters;
  /** Named sets of overrides, chosen with --tokenizer-preset. */
  readonly presets: Readonly<Record<string, Hyperparameters>>;
  /** Extra files it can read, by name, with what each is; given with --tokenizer-file name=path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Refuses what no fit can do, before any data is read. @throws BenchError */
  check(request: TokenizerRequest): void;
  fit(context: TokenizerContext): Promise<Tokenizer>;
}
