/**
 * Outcomes in tokens. A code is seen when all its tokens have come one after the other and no longer code
 * can be meant (E13); what the code means for the outcome is kept with it.
 */
import type { Outcome } from "../../core/task.ts";
import type { CodeTable } from "../../core/tokenizer.ts";
import { ROLES } from "./code-tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What a code is to an outcome. */
export interface Meaning {
  /** Bit c is set for an event of class c. */
  readonly classes: number;
  readonly isGiven: boolean;
  readonly isUntil: boolean;
  readonly isDeath: boolean;
}

/** Place in the tree of all codes' tokens. */
export interface Place {
  readonly next: Map<number, Place>;
  /** Of the codes that end here; undefined where none does. */
  meaning: Meaning | undefined;
}

/** Bits of a number that can be shifted. */
export const MOST_CLASSES = 30;

const isAmong = (code: string, patterns: readonly string[]): boolean =>
  patterns.some((p) => (p.endsWith("*") ? code.startsWith(p.slice(0, -1)) : code === p));

function meaningOf(code: string, role: number, outcome: Outcome): Meaning {
  let classes = 0;
  for (const [c, patterns] of outcome.classes.entries())
    if (isAmong(code, patterns)) classes |= 1 << c;
  return {
    classes,
    isGiven: isAmong(code, outcome.given ?? []),
    isUntil: isAmong(code, outcome.until),
    isDeath: role === ROLES.death,
  };
}

/** Codes with the same tokens are one event: it is whatever any of them is. */
function merge(a: Meaning | undefined, b: Meaning): Meaning {
  if (a === undefined) return b;
  return {
    classes: a.classes | b.classes,
    isGiven: a.isGiven || b.isGiven,
    isUntil: a.isUntil || b.isUntil,
    isDeath: a.isDeath || b.isDeath,
  };
}

/** The tree of the tokens of every code that can be generated. Codes without a token of their own are in none of it. */
export function codeTree(vocabulary: Vocabulary, codes: CodeTable, outcome: Outcome): Place {
  const root: Place = { next: new Map(), meaning: undefined };
  for (const [row, tokens] of vocabulary.codeTokens.entries()) {
    if (vocabulary.isUnknown[row] === 1) continue;
    let place = root;
    for (const token of tokens) {
      const next: Place = place.next.get(token) ?? { next: new Map(), meaning: undefined };
      place.next.set(token, next);
      place = next;
    }
    const role = vocabulary.roles[row] as number;
    place.meaning = merge(place.meaning, meaningOf(codes.code[row] as string, role, outcome));
  }
  return root;
}

/** Reads codes from tokens, one at a time. */
export class CodeReader {
  readonly #root: Place;
  #place: Place;

  constructor(root: Place) {
    this.#root = root;
    this.#place = root;
  }

  /**
   * What became certain with this token: the code before it, if it could have gone on but did not, and the
   * code that ends with it, if nothing longer begins so.
   */
  read(token: number): readonly Meaning[] {
    const next = this.#place.next.get(token);
    if (next !== undefined) return this.#enter(next);
    const before = this.#place.meaning;
    this.#place = this.#root;
    const begun = this.#root.next.get(token);
    const now = begun === undefined ? [] : this.#enter(begun);
    return before === undefined ? now : [before, ...now];
  }

  #enter(place: Place): readonly Meaning[] {
    if (place.next.size > 0) {
      this.#place = place;
      return [];
    }
    this.#place = this.#root;
    return place.meaning === undefined ? [] : [place.meaning];
  }
}

/** Tokens that are a whole code each, by what they are; undefined when a code of the outcome has several tokens. */
export function singleTokens(root: Place): ReadonlyMap<number, Meaning> | undefined {
  const found = new Map<number, Meaning>();
  const isRelevant = (m: Meaning | undefined) =>
    m !== undefined && (m.classes !== 0 || m.isGiven || m.isUntil || m.isDeath);
  const anyBelow = (place: Place): boolean =>
    [...place.next.values()].some((child) => isRelevant(child.meaning) || anyBelow(child));
  for (const [token, place] of root.next) {
    if (anyBelow(place)) return undefined;
    if (isRelevant(place.meaning)) {
      if (place.next.size > 0) return undefined;
      found.set(token, place.meaning as Meaning);
    }
  }
  return found;
}
