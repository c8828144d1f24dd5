/** From rows of vectors or tokens to what models look up: unit 0 is padding, 1 unknown, then one unit a row. */
import type { Random } from "../../core/random.ts";
import {
  type CodeTable,
  FIRST_KNOWN_UNIT,
  type Tokenizer,
  UNKNOWN_UNIT,
  type UnitRepresentation,
} from "../../core/tokenizer.ts";

/** Unit of each code of the store: 2 + its row, or 1 where `row` is -1. */
export function unitsOf(rows: Int32Array): Int32Array {
  return rows.map((row) => (row < 0 ? UNKNOWN_UNIT : FIRST_KNOWN_UNIT + row));
}

/** Rows 0 … n-1, when the tokenizer's rows are the store's. */
export function ownRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** 1 for the units that a training subject has, by units and subjects of the store's rows; 0 for 0 and 1. */
export function trainedUnits(
  unit: Int32Array,
  units: number,
  trainSubjects: Uint32Array,
): Uint8Array {
  const marks = new Uint8Array(units);
  for (const [row, u] of unit.entries())
    if (u >= FIRST_KNOWN_UNIT && (trainSubjects[row] as number) > 0) marks[u] = 1;
  return marks;
}

/** Values with two rows of zeros in front. */
export function withoutUnits<T extends Float32Array | Int32Array>(values: T, width: number): T {
  const Kind = values.constructor as new (length: number) => T;
  const all = new Kind(values.length + FIRST_KNOWN_UNIT * width);
  all.set(values, FIRST_KNOWN_UNIT * width);
  return all;
}

export interface VectorRows {
  readonly name: string;
  /** Rows of `values` by row of the store's code table; -1 for codes that have none. */
  readonly rows: Int32Array;
  /** [n × width]. */
  readonly values: Float32Array;
  readonly width: number;
  readonly trainable: boolean;
  /** Training subjects by row of the store, if codes that they have shall also have a learned vector; else null. */
  readonly residualOf: Uint32Array | null;
  readonly artefactHash: string;
}

/** The part of a representation that says which units have a residual. */
function residualFor(
  unit: Int32Array,
  units: number,
  { residualOf }: Pick<VectorRows, "residualOf">,
) {
  return residualOf === null ? {} : { residual: trainedUnits(unit, units, residualOf) };
}

/** A tokenizer of given vectors. */
export function vectorTokenizer(given: VectorRows): Tokenizer {
  const { name, rows, values, width, trainable, artefactHash } = given;
  const vocabularySize = FIRST_KNOWN_UNIT + values.length / width;
  const unit = unitsOf(rows);
  const representation: UnitRepresentation = {
    kind: "vectors",
    values: withoutUnits(values, width),
    width,
    trainable,
    ...residualFor(unit, vocabularySize, given),
  };
  return { name, vocabularySize, unit, representation, artefactHash };
}

export interface TokenRows extends Omit<VectorRows, "values" | "width"> {
  /** [n × segments · K] rows of the codebook. */
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  readonly segments: number;
  readonly perSegment: number;
  /** N, rows of the codebook. */
  readonly size: number;
  /** [N × width]; null where it is not known. */
  readonly codebook: Float32Array | null;
  readonly width: number;
  /** [n × segments · width] what models start from that have no use for tokens, where the codebook is not known. */
  readonly vectors: Float32Array | null;
  readonly learned: boolean;
}

/** A tokenizer of weighted tokens. */
export function tokenTokenizer(given: TokenRows): Tokenizer {
  const { ids, weights, segments, perSegment, width } = given;
  const { codebook, vectors, learned, trainable } = given;
  const each = segments * perSegment;
  const vocabularySize = FIRST_KNOWN_UNIT + ids.length / each;
  const unit = unitsOf(given.rows);
  const representation: UnitRepresentation = {
    kind: "tokens",
    tokens: withoutUnits(ids, each),
    weights: withoutUnits(weights, each),
    segments,
    perSegment,
    rows: given.size,
    codebook,
    width,
    ...(vectors && { vectors: withoutUnits(vectors, segments * width) }),
    learned,
    trainable,
    ...residualFor(unit, vocabularySize, given),
  };
  const { name, artefactHash } = given;
  return { name, vocabularySize, unit, representation, artefactHash };
}

/**
 * For each row the row whose vector it gets instead: a random exchange among codes of one vocabulary, so that
 * the control keeps everything but the meaning (models.md 0.9).
 */
export function exchangedRows(codes: CodeTable, random: Random): Int32Array {
  const bySystem = new Map<string, number[]>();
  for (const [row, code] of codes.code.entries()) {
    const system = code.slice(0, Math.max(0, code.indexOf("/")));
    const rows = bySystem.get(system) ?? [];
    bySystem.set(system, rows);
    rows.push(row);
  }
  const exchanged = new Int32Array(codes.size);
  for (const [system, rows] of bySystem) {
    const shuffled = random.derive(system).shuffle(Int32Array.from(rows));
    for (const [i, row] of rows.entries()) exchanged[row] = shuffled[i] as number;
  }
  return exchanged;
}
