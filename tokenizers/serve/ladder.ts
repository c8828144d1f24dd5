/**
 * From a written code to a row, rung by rung: the code itself, the same but for writing, its parent, a code
 * of another system that stands for it, its description where one was given. What is not found so is unknown, and says so; a code without a
 * system that several systems know is unknown too, with the candidates named (medtok.md 5.3).
 */
import { bareOf, CodeIndex, splitCode, systemOf } from "./code-index.ts";

/** How an answer was found; `unk` not at all. */
export const RUNGS = ["exact", "normalised", "parent", "mapped", "text", "unk"] as const;
export type Rung = (typeof RUNGS)[number];

export interface Answer {
  /** As it was asked for. */
  readonly code: string;
  readonly how: Rung;
  /** Row of the answer, from the number of known codes on one that a description made; -1 when unknown. */
  readonly row: number;
  /** The known code that answers; null for a description and when unknown. */
  readonly matched: string | null;
  /** Codes between which a question without a system cannot choose. */
  readonly candidates: readonly string[];
}

/** Systems in which a shorter code is a broader one, and the shortest that means anything. */
const LEAST_LENGTH: Readonly<Record<string, number>> = {
  ICD9CM: 3,
  ICD10CM: 3,
  ICD9PROC: 2,
  ICD10PCS: 3,
  ATC: 1,
};

/** What a code of those systems looks like; other writings without a system, say names, have no parents. */
const CODE_LIKE = /^[A-Z]?\d[0-9A-Z]{2,6}$/;

export class Ladder {
  readonly #codes: readonly string[];
  readonly #hasSystems: boolean;
  readonly #index: CodeIndex;
  readonly #mapped: readonly (readonly [from: string, to: string])[];
  #bare: CodeIndex | undefined;
  #systems: ReadonlySet<string> | undefined;
  #described: { readonly full: CodeIndex; readonly bare: CodeIndex } | undefined;
  #sources: { readonly full: CodeIndex; readonly bare: CodeIndex } | undefined;

  /**
   * @param hasSystems whether codes are `VOCABULARY/CODE`; otherwise the system of a question is not looked at.
   * @param mapped codes of other systems and the codes that stand for them, best first.
   */
  constructor(
    codes: readonly string[],
    hasSystems: boolean,
    mapped: readonly (readonly [from: string, to: string])[],
  ) {
    this.#codes = codes;
    this.#hasSystems = hasSystems;
    this.#mapped = mapped;
    this.#index = new CodeIndex(codes, !hasSystems);
  }

  /** The row of a code that is known but for its writing, else -1; allocates nothing. */
  direct(code: string): number {
    return Math.max(-1, this.#index.find(code));
  }

  /** Whether a code is written as the row's, with or without its system. */
  isExact(code: string, row: number): boolean {
    const matched = this.#codes[row] as string;
    if (!matched.endsWith(code)) return false;
    return (
      matched.length === code.length || matched.length - code.length === splitCode(matched).start
    );
  }

  answer(code: string): Answer {
    const direct = this.#index.find(code);
    if (direct >= 0) return this.#found(code, direct);
    if (direct === -2) return this.#unknown(code, this.#index.all(code));
    if (this.#hasSystems && !this.#isSystem(systemOf(code))) {
      const rows = this.#bareIndex().all(this.#asBare(code));
      if (rows.length > 1) return this.#unknown(code, this.#sameSpelling(code, rows));
      if (rows.length === 1) return this.#found(code, rows[0] as number);
    }
    return (
      this.#parent(code) ?? this.#translated(code) ?? this.#byText(code) ?? this.#unknown(code, [])
    );
  }

  /** Codes that descriptions were read for, the first with the row after the last known code. */
  describe(codes: readonly string[]): void {
    this.#described = { full: new CodeIndex(codes, false), bare: new CodeIndex(codes, true) };
  }

  #byText(code: string): Answer | undefined {
    if (this.#described === undefined) return undefined;
    const { full, bare } = this.#described;
    const direct = full.find(code);
    // Without a system in the question, a described code of any one system answers.
    const at = direct === -1 && splitCode(code).separator < 0 ? bare.find(code) : direct;
    if (at < 0) return undefined;
    return { code, how: "text", row: this.#codes.length + at, matched: null, candidates: [] };
  }

  #found(code: string, row: number): Answer {
    const matched = this.#codes[row] as string;
    const how = this.isExact(code, row) ? "exact" : "normalised";
    return { code, how, row, matched, candidates: [] };
  }

  #unknown(code: string, rows: readonly number[]): Answer {
    const candidates = rows.map((row) => this.#codes[row] as string);
    return { code, how: "unk", row: -1, matched: null, candidates };
  }

  /** Whether a system is one of ours, or one in which codes have parents or maps. */
  #isSystem(system: string): boolean {
    this.#systems ??= new Set([
      ...Object.keys(LEAST_LENGTH),
      ...this.#codes.map((code) => systemOf(code)),
      ...this.#mapped.map(([from]) => systemOf(from)),
    ]);
    return system !== "" && this.#systems.has(system);
  }

  #bareIndex(): CodeIndex {
    this.#bare ??= new CodeIndex(this.#codes, true);
    return this.#bare;
  }

  /** What a code without a system looks like to an index without systems, separators in it included. */
  #asBare(code: string): string {
    return splitCode(code).separator < 0 ? code : `/${bareOf(code, 0)}`;
  }

  /** Among rows of equal plain spelling, those of equal spelling if there are any. */
  #sameSpelling(code: string, rows: readonly number[]): readonly number[] {
    const same = rows.filter((row) => {
      const known = this.#codes[row] as string;
      return known.slice(splitCode(known).start) === code;
    });
    return same.length > 0 ? same : rows;
  }

  /** The nearest broader code, by leaving out last characters. */
  #parent(code: string): Answer | undefined {
    const system = systemOf(code);
    const isKnown = this.#isSystem(system);
    const bare = isKnown ? bareOf(code) : bareOf(code, 0);
    if (!isKnown && !CODE_LIKE.test(bare)) return undefined;
    const least = isKnown ? (LEAST_LENGTH[system] ?? Number.POSITIVE_INFINITY) : 3;
    for (let length = bare.length - 1; length >= least; length--) {
      const short = bare.slice(0, length);
      const rows =
        isKnown && this.#hasSystems
          ? [this.#index.find(`${system}/${short}`)]
          : this.#bareRows(short);
      const row = rows.length === 1 ? (rows[0] as number) : -1;
      if (row >= 0)
        return { code, how: "parent", row, matched: this.#codes[row] as string, candidates: [] };
    }
    return undefined;
  }

  /** Rows of a bare code in systems that have parents. */
  #bareRows(bare: string): number[] {
    const index = this.#hasSystems ? this.#bareIndex() : this.#index;
    const rows = index.all(bare);
    if (!this.#hasSystems) return rows;
    return rows.filter((row) => LEAST_LENGTH[systemOf(this.#codes[row] as string)] !== undefined);
  }

  #sourceIndex() {
    if (this.#sources !== undefined) return this.#sources;
    const sources = this.#mapped.map(([from]) => from);
    this.#sources = { full: new CodeIndex(sources, false), bare: new CodeIndex(sources, true) };
    return this.#sources;
  }

  #translated(code: string): Answer | undefined {
    const { full, bare } = this.#sourceIndex();
    const isKnown = this.#isSystem(systemOf(code));
    const found = isKnown ? full.all(code) : bare.all(this.#asBare(code));
    const systems = new Set(found.map((at) => systemOf(this.#mapped[at]?.[0] ?? "")));
    if (systems.size > 1) return undefined;
    for (const at of found) {
      const row = this.#index.find((this.#mapped[at] as readonly [string, string])[1]);
      if (row < 0) continue;
      return { code, how: "mapped", row, matched: this.#codes[row] as string, candidates: [] };
    }
    return undefined;
  }
}
