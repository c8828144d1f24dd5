/** Text of a prescription -> words that can be looked up. Pure functions; nothing here knows any drug. */

/** A drug's name in parts: words outside parentheses, and the words of each parenthesis. */
export interface NameParts {
  readonly outside: readonly string[];
  readonly inside: readonly (readonly string[])[];
}

/** Names that hold a drug's word but are not that drug: blinded arms and skin tests. */
const NOT_THE_DRUG = /\b(placebo|allergy testing|skin test)\b/;

/** A diluent is named after the drug it is for. */
const DILUENT = /\bdiluent\b/;

/** Marks that say something about the order, not about the drug. */
const MARKS = /\*+\s*n\s?f\s*\*+|\*[^*]*\*|\bnon-?formulary\b|^\s*(inv|mod)\b[-\s]*|[®™*_]/g;

const WORD = /[a-z]{1,3}\d[a-z0-9]*|[a-z]+|\d+(?:[.,]\d+)*/g;

/** Lower case without accents, marks and doubled blanks; empty when the text cannot name one drug. */
export function cleanName(name: string): string {
  const text = name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
  if (NOT_THE_DRUG.test(text)) return "";
  if (DILUENT.test(text)) return "diluent";
  return text.replace(MARKS, " ").replace(/\s+/g, " ").trim();
}

/** A vitamin's number after a blank: only the numbers that vitamins have, since a dose may follow too. */
const SPACED_VITAMIN =
  /\bvitamin (b) (1|2|3|5|6|7|9|12)\b|\bvitamin (d) ([23])\b|\bvitamin (k) ([12])\b/g;

/** Words and numbers of a cleaned text; `b-12` and `vitamin b 12` give `b12`, apostrophes and dots vanish. */
export function wordsOf(text: string): string[] {
  const joined = text
    .replace(/(?<=[a-z])['’`](?=[a-z])/g, "")
    .replace(/\b([a-z])-(\d{1,2})\b/g, "$1$2")
    .replace(SPACED_VITAMIN, (hit) => hit.replace(/ (?=\d)/, ""))
    .replace(/\bp\.\s?f\b\.?/g, "pf")
    .replace(/(?<=[a-z])\.(?=[a-z]\b)/g, "");
  return joined.match(WORD) ?? [];
}

/** Splits a cleaned name at its parentheses; an unclosed one reaches to the end. */
export function partsOf(cleaned: string): NameParts {
  const inside: string[][] = [];
  const outside = cleaned.replace(/\(([^()]*)(?:\)|$)/g, (_, content: string) => {
    inside.push(wordsOf(content));
    return " ";
  });
  return { outside: wordsOf(outside), inside };
}

/** The 11 digits of an NDC, or null for `0`, an empty field or anything that is no NDC.
 * Hyphenated ten-digit forms (4-4-2, 5-3-2, 5-4-1) get their zero in the short segment. */
export function normaliseNdc(text: string | null): string | null {
  const trimmed = text?.trim().replace(/\.0$/, "") ?? "";
  const segments = trimmed.split("-");
  const digits =
    segments.length === 3 ? padSegments(segments) : /^\d{1,11}$/.test(trimmed) ? trimmed : null;
  if (digits === null || /^0*$/.test(digits)) return null;
  return digits.padStart(11, "0");
}

function padSegments(segments: readonly string[]): string | null {
  const lengths = [5, 4, 2];
  const fits = segments.every((s, i) => /^\d+$/.test(s) && s.length <= (lengths[i] as number));
  return fits ? segments.map((s, i) => s.padStart(lengths[i] as number, "0")).join("") : null;
}
