/**
 * A trained tokenizer at work: the calls of the published Python tokenizer, in TypeScript. Codes and tokens
 * are held in memory, embeddings stay in their file and are read row by row, so that 600,000 codes are
 * ready in about a second.
 */
import { BenchError } from "../../core/errors.ts";
import { nearest } from "../../core/registry.ts";
import type { ArtefactConfig } from "../artefact/config.ts";
import { Artefact } from "../artefact/open.ts";
import { type Answer, Ladder, RUNGS, type Rung } from "./ladder.ts";
import { PADDING_ID, SPECIAL_TOKENS, TokenNames, UNKNOWN_ID } from "./token-names.ts";

export interface MedTokOptions {
  /**
   * What an unknown code does beside getting the unknown token: `warn` (the default) prints a process
   * warning once a code, `throw` raises a BenchError, `quiet` only counts it in `found`.
   */
  readonly unknown?: "warn" | "throw" | "quiet";
}

/** A code as ids. */
export interface Encoded extends Answer {
  /** [parts · K] codebook rows + 4, part by part, nearest first; all 1 when unknown. */
  readonly ids: Int32Array;
  /** [parts · K]; each K sum to 1. */
  readonly weights: Float32Array;
}

/** Many codes as ids, one row each. */
export interface EncodedBatch {
  /** [n × parts · K]. */
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  /** [n] index into RUNGS. */
  readonly how: Uint8Array;
}

/** A code that shares tokens with ids. */
export interface Decoded {
  readonly code: string;
  /** Share of the ids that it has too, part by part. */
  readonly overlap: number;
}

interface Tokens {
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  /** parts · K. */
  readonly width: number;
  readonly perPart: number;
  readonly names: TokenNames;
}

/** Distinct unknown codes that are warned about one by one. */
const WARNINGS = 20;
const EXACT = RUNGS.indexOf("exact");
const NORMALISED = RUNGS.indexOf("normalised");

export class MedTok {
  readonly config: ArtefactConfig;
  /** All codes it knows, in row order. */
  readonly codes: readonly string[];
  /** Codes asked for so far, by how they were found. */
  readonly found: Record<Rung, number> = Object.fromEntries(
    RUNGS.map((rung) => [rung, 0]),
  ) as Record<Rung, number>;
  /** Where the artefact lies; for neighbourhoods and reports. */
  readonly artefact: Artefact;
  readonly #ladder: Ladder;
  /** Rows of codes that are written exactly as known: nearly all questions, answered fastest. */
  readonly #rowOf: ReadonlyMap<string, number>;
  readonly #tokens: Tokens | null;
  readonly #unknown: Float32Array;
  readonly #policy: "warn" | "throw" | "quiet";
  readonly #warned = new Set<string>();
  #lastRung = EXACT;

  private constructor(artefact: Artefact, options: MedTokOptions) {
    const { config } = artefact;
    this.artefact = artefact;
    this.config = config;
    this.codes = artefact.code;
    this.#policy = options.unknown ?? "warn";
    this.#ladder = new Ladder(artefact.code, config.has_systems, artefact.mapped());
    this.#rowOf = new Map(artefact.code.map((code, row) => [code, row]));
    this.#unknown = artefact.unknown;
    const tokens = artefact.tokens();
    const layout = config.tokens;
    this.#tokens =
      tokens === null || layout === null
        ? null
        : {
            ...tokens,
            width: layout.parts.length * layout.per_part,
            perPart: layout.per_part,
            names: new TokenNames(layout),
          };
  }

  /** Opens an artefact folder. @throws BenchError when it is not one or files do not fit together. */
  static async fromPretrained(folder: string, options: MedTokOptions = {}): Promise<MedTok> {
    return new MedTok(new Artefact(folder), options);
  }

  /** How a code is found, without counting or warning. */
  resolve(code: string): Answer {
    return this.#ladder.answer(code);
  }

  /**
   * Names of a code's tokens, e.g. `t_000123`: text-specific, graph-specific, shared from text and shared
   * from graph, nearest first in each. An unknown code is `[UNK]` throughout.
   */
  tokenize(code: string): string[];
  tokenize(codes: readonly string[]): string[][];
  tokenize(asked: string | readonly string[]): string[] | string[][] {
    if (typeof asked !== "string") return asked.map((code) => this.tokenize(code));
    const { names } = this.#needTokens();
    return Array.from(this.encode(asked).ids, (id) => names.name(id));
  }

  /** A code's ids and weights, with how it was found. */
  encode(code: string): Encoded;
  encode(codes: readonly string[]): Encoded[];
  encode(asked: string | readonly string[]): Encoded | Encoded[] {
    if (typeof asked !== "string") return asked.map((code) => this.encode(code));
    const { width } = this.#needTokens();
    const answer = this.#ask(asked);
    const ids = new Int32Array(width);
    const weights = new Float32Array(width);
    fill(this.#needTokens(), answer.row, ids, weights, 0);
    return { ...answer, ids, weights };
  }

  /** The same for many codes into flat arrays, which is several times faster. */
  encodeBatch(codes: readonly string[]): EncodedBatch {
    const tokens = this.#needTokens();
    const { width } = tokens;
    const count = codes.length;
    const ids = new Int32Array(count * width);
    const weights = new Float32Array(count * width);
    const how = new Uint8Array(count).fill(EXACT);
    const rowOf = this.#rowOf;
    let exact = 0;
    for (let i = 0; i < count; i++) {
      const code = codes[i] as string;
      let row = rowOf.get(code);
      if (row === undefined) {
        row = this.#quick(code);
        how[i] = this.#lastRung;
      } else exact += 1;
      fill(tokens, row, ids, weights, i * width);
    }
    this.found.exact += exact;
    return { ids, weights, how };
  }

  /** A code's vector; the mean of all vectors when it is unknown. */
  embed(code: string): Float32Array;
  embed(codes: readonly string[]): Float32Array[];
  embed(asked: string | readonly string[]): Float32Array | Float32Array[] {
    if (typeof asked !== "string") return asked.map((code) => this.embed(code));
    const row = this.#quick(asked);
    return row < 0 ? this.#unknown.slice() : this.artefact.embeddings.floats(row, 1);
  }

  /** The codes that share most tokens with ids or token names, best first, ties by row; for looking, not for models. */
  decode(tokens: ArrayLike<number> | readonly string[], most = 5): Decoded[] {
    const { ids, width, perPart, names } = this.#needTokens();
    const asked = Array.from(tokens as ArrayLike<number | string>, (token) =>
      typeof token === "string" ? names.id(token) : token,
    );
    if (asked.length !== width)
      throw new BenchError({
        what: `decode got ${asked.length} tokens`,
        fix: `give the ${width} tokens of one code, in the order of encode`,
      });
    const overlap = new Uint8Array(this.codes.length);
    for (let row = 0; row < overlap.length; row++)
      overlap[row] = sharedTokens(ids, row * width, asked, perPart);
    const rows = Array.from(overlap.keys()).filter((row) => (overlap[row] ?? 0) > 0);
    rows.sort((a, b) => (overlap[b] ?? 0) - (overlap[a] ?? 0) || a - b);
    return rows.slice(0, most).map((row) => ({
      code: this.codes[row] as string,
      overlap: (overlap[row] ?? 0) / width,
    }));
  }

  /** Closes its files; `embed` works no longer. */
  close(): void {
    this.artefact.close();
  }

  #needTokens(): Tokens {
    if (this.#tokens !== null) return this.#tokens;
    throw new BenchError({
      what: `the tokenizer ${this.config.tokenizer} has vectors only, no tokens`,
      where: this.artefact.folder,
      fix: "use embed, or a tokenizer with a codebook",
    });
  }

  /** Counts and reports one question. */
  #ask(code: string): Answer {
    const answer = this.#ladder.answer(code);
    this.found[answer.how] += 1;
    if (answer.how === "unk") this.#report(answer);
    return answer;
  }

  /** The row of a code, or -1; the rung is then `lastRung`. */
  #quick(code: string): number {
    const row = this.#rowOf.get(code);
    if (row !== undefined) {
      this.found.exact += 1;
      this.#lastRung = EXACT;
      return row;
    }
    const direct = this.#ladder.direct(code);
    if (direct >= 0) {
      const isExact = this.#ladder.isExact(code, direct);
      this.found[isExact ? "exact" : "normalised"] += 1;
      this.#lastRung = isExact ? EXACT : NORMALISED;
      return direct;
    }
    const answer = this.#ask(code);
    this.#lastRung = RUNGS.indexOf(answer.how);
    return answer.row;
  }

  #report({ code, candidates }: Answer): void {
    if (this.#policy === "quiet") return;
    const what =
      candidates.length > 0
        ? `the code ${code} is in several systems`
        : `the code ${code} is unknown to the tokenizer`;
    const fix =
      candidates.length > 0
        ? `write one of ${candidates.slice(0, 5).join(", ")}`
        : "write it as VOCABULARY/CODE, or train the tokenizer on a table that has it";
    if (this.#policy === "throw")
      throw new BenchError({ what, where: this.artefact.folder, fix: this.#suggest(code, fix) });
    if (this.#warned.has(code) || this.#warned.size >= WARNINGS) return;
    this.#warned.add(code);
    const last = this.#warned.size === WARNINGS ? "; further unknown codes are counted only" : "";
    process.emitWarning(`${what}; it gets the unknown token${last}`, "MedTokWarning");
  }

  #suggest(code: string, fix: string): string {
    const near = nearest(code, this.codes.slice(0, 100_000));
    return near.length === 0 ? fix : `did you mean ${near.join(" or ")}? ${fix}`;
  }
}

/** Copies a code's ids and weights to `at`; the unknown token for row -1. */
function fill(tokens: Tokens, row: number, ids: Int32Array, weights: Float32Array, at: number) {
  const { width } = tokens;
  if (row < 0) {
    ids.fill(UNKNOWN_ID, at, at + width);
    weights.fill(1 / tokens.perPart, at, at + width);
    return;
  }
  const from = row * width;
  const { ids: known, weights: knownWeights } = tokens;
  for (let i = 0; i < width; i++) {
    const id = known[from + i] as number;
    ids[at + i] = id < 0 ? PADDING_ID : id + SPECIAL_TOKENS.length;
    weights[at + i] = knownWeights[from + i] as number;
  }
}

/** Tokens of the code at `from` that are also among the asked ids of the same part. */
function sharedTokens(
  ids: Int32Array,
  from: number,
  asked: readonly number[],
  perPart: number,
): number {
  let shared = 0;
  for (let i = 0; i < asked.length; i++) {
    const wanted = Math.max(-1, (asked[i] as number) - SPECIAL_TOKENS.length);
    const start = from + i - (i % perPart);
    for (let k = 0; k < perPart; k++) {
      if (ids[start + k] !== wanted) continue;
      shared += 1;
      break;
    }
  }
  return shared;
}
