/** A tokenizer: codes of the store -> units a model can look up, and what a unit's vector is. */
import type { Random } from "./random.ts";

/** The code table of a store in memory; row order is that of metadata/codes.parquet (sorted by code). */
export interface CodeTable {
  readonly size: number;
  readonly code: readonly string[];
  readonly description: readonly (string | null)[];
  /** Index into CODE_KINDS. */
  readonly kind: Uint8Array;
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

export interface TokenizerContext {
  readonly codes: CodeTable;
  /** Number of training subjects that have each code in a history of a training sample. */
  readonly trainSubjects: Uint32Array;
  readonly random: Random;
}

export interface TokenizerDefinition {
  readonly name: string;
  /** Raised when the units could change. */
  readonly version: number;
  readonly description: string;
  readonly reference: string;
  fit(context: TokenizerContext): Promise<Tokenizer>;
}
