/**
 * A trained tokenizer at work: the calls of the published Python tokenizer, in TypeScript. Codes and tokens
 * are held in memory, embeddings stay in their file and are read row by row, so that 600,000 codes are
 * ready in about a second.
 */
import { BenchError } from "../../core/errors.ts";
import type { ArtefactConfig } from "../artefact/config.ts";
import { Artefact } from "../artefact/open.ts";
import {
  type CodeTokens,
  type Decoded,
  type Encoded,
  type EncodedBatch,
  isBatch,
  type MedTokOptions,
} from "./answers.ts";
import { type Answer, Ladder, RUNGS, type Rung } from "./ladder.ts";
import type { ReadOptions } from "./text-reader.ts";
import { TokenNames } from "./token-names.ts";
import {
  type Described,
  fill,
  fillFromText,
  joined,
  NO_TEXTS,
  rowsWithTokens,
  type Tokens,
} from "./tokens.ts";
import { UnknownCodes } from "./unknown-codes.ts";

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
  readonly #unknownCodes: UnknownCodes;
  #lastRung = EXACT;
  #described: Described = { code: [], texts: NO_TEXTS };

  private constructor(artefact: Artefact, options: MedTokOptions) {
    const { config } = artefact;
    this.artefact = artefact;
    this.config = config;
    this.codes = artefact.code;
    const policy = options.unknown ?? "warn";
    this.#unknownCodes = new UnknownCodes(policy, artefact.folder, artefact.code);
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
    const { descriptions, encoder } = options;
    const tokenizer = new MedTok(new Artefact(folder), options);
    if (descriptions !== undefined) await tokenizer.addDescriptions(descriptions, { encoder });
    return tokenizer;
  }

  /**
   * Reads what codes mean that it does not know otherwise, so that they are answered by their text (`how`:
   * `text`): text parts by the trained network, graph parts by the mean of all codes, without tokens. Codes that
   * another rung answers are left to it. @returns the codes that were taken
   * @throws BenchError when the tokenizer has no text encoder or no network.
   */
  async addDescriptions(
    descriptions: Readonly<Record<string, string>>,
    options: ReadOptions = {},
  ): Promise<string[]> {
    const taken = Object.entries(descriptions).filter(
      ([code, text]) => text.trim() !== "" && this.#isUnknown(code),
    );
    if (taken.length === 0) return [];
    const texts = taken.map(([, text]) => text);
    const { readTexts } = await import("./text-reader.ts"); // and with it the runtime, only now
    const read = await readTexts(this.artefact, texts, options);
    const before = this.#described;
    const code = [...before.code, ...taken.map(([own]) => own)];
    this.#described = { code, texts: joined(before.texts, read) };
    this.#ladder.describe(code);
    return taken.map(([own]) => own);
  }

  #isUnknown(code: string): boolean {
    const { how, candidates } = this.#ladder.answer(code);
    return how === "unk" && candidates.length === 0;
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
    this.#tokensInto(answer.row, ids, weights, 0);
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
    const known = this.codes.length;
    let exact = 0;
    for (let i = 0; i < count; i++) {
      const code = codes[i] as string;
      let row = rowOf.get(code);
      if (row === undefined) {
        row = this.#quick(code);
        how[i] = this.#lastRung;
      } else exact += 1;
      if (row < known) fill(tokens, row, ids, weights, i * width);
      else this.#tokensInto(row, ids, weights, i * width);
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
    if (row < 0) return this.#unknown.slice();
    if (row < this.codes.length) return this.artefact.embeddings.floats(row, 1);
    const at = (row - this.codes.length) * this.config.width;
    return this.#described.texts.vectors.slice(at, at + this.config.width);
  }

  /**
   * The codes that share most tokens with one code's ids or token names, best first, ties by row; for several
   * codes' tokens, one list each. For looking, not for models.
   */
  decode(tokens: CodeTokens, most?: number): Decoded[];
  decode(tokens: readonly CodeTokens[], most?: number): Decoded[][];
  decode(tokens: CodeTokens | readonly CodeTokens[], most = 5): Decoded[] | Decoded[][] {
    if (isBatch(tokens)) return tokens.map((one) => this.decode(one, most));
    const own = this.#needTokens();
    const { width, names } = own;
    const asked = Array.from(tokens as ArrayLike<number | string>, (token) =>
      names.id(typeof token === "string" ? token : names.name(token)),
    );
    if (asked.length !== width)
      throw new BenchError({
        what: `decode got ${asked.length} tokens`,
        fix: `give the ${width} tokens of one code, in the order of encode`,
        exitCode: 2,
      });
    return rowsWithTokens(own, asked, most).map(({ row, shared }) => ({
      code: this.codes[row] as string,
      overlap: shared / width,
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
    if (answer.how === "unk") this.#unknownCodes.report(answer);
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

  #tokensInto(row: number, ids: Int32Array, weights: Float32Array, at: number): void {
    const tokens = this.#needTokens();
    const text = row - this.codes.length;
    if (text < 0) fill(tokens, row, ids, weights, at);
    else fillFromText(tokens, this.#described.texts, text, ids, weights, at);
  }
}
