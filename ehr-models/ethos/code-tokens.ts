/** How a code is written in a timeline: the names of its tokens, one or several. */
import { CODE_KINDS, STRUCTURE_CODES } from "../../core/event-store.ts";
import {
  type CodeTable,
  type Tokenizer,
  UNKNOWN_UNIT,
  type UnitRepresentation,
} from "../../core/tokenizer.ts";

/** What a code means to the timeline itself. */
export const ROLES = { event: 0, birth: 1, death: 2, discharge: 3 } as const;

/** Role of each row of the code table. */
export function rolesOf({ size, code }: CodeTable): Uint8Array {
  const roles = new Uint8Array(size);
  for (const [row, name] of code.entries()) {
    if (name === STRUCTURE_CODES.birth) roles[row] = ROLES.birth;
    else if (name === STRUCTURE_CODES.death) roles[row] = ROLES.death;
    else if (name.startsWith(`${STRUCTURE_CODES.discharge}/`)) roles[row] = ROLES.discharge;
  }
  return roles;
}

/** Whether a row is an event of the stay itself, which no tokenizer needs to know. */
export function isStructure({ kind }: CodeTable, row: number): boolean {
  const name = CODE_KINDS[kind[row] as number];
  return name === "visit" || name === "demographic";
}

/** Token that stands for codes of a kind that are rare or not known to the tokenizer. */
export function unknownName({ kind }: CodeTable, row: number): string {
  return `unknown/${CODE_KINDS[kind[row] as number]}`;
}

/**
 * ETHOS's own spelling (models.md 8.1). ATC: first three characters, the fourth, the rest. ICD diagnoses and
 * ICD-9 procedures: three, three, the rest. ICD-10-PCS: one token a character. Others stay whole. A token
 * says which part it is, so that a code that is the beginning of another is told from it by what follows.
 */
export function piecesOf(code: string): string[] {
  const slash = code.indexOf("/");
  const vocabulary = code.slice(0, slash);
  const bare = code.slice(slash + 1).replaceAll(".", "");
  const cuts = { ATC: [3, 4], ICD9CM: [3, 6], ICD10CM: [3, 6], ICD9Proc: [3, 6] }[vocabulary];
  const ends = vocabulary === "ICD10PCS" ? [1, 2, 3, 4, 5, 6] : cuts;
  if (ends === undefined) return [code];
  const pieces = [0, ...ends].map((from, i) => bare.slice(from, ends[i]));
  return pieces.filter((text) => text !== "").map((text, i) => `${vocabulary}/${i + 1}/${text}`);
}

type Tokens = Extract<UnitRepresentation, { kind: "tokens" }>;

/** The row of the codebook with the highest weight in each segment of a unit; the first of equals. */
export function heaviestRows(r: Tokens, unit: number): number[] {
  return Array.from({ length: r.segments }, (_, s) => {
    const start = (unit * r.segments + s) * r.perSegment;
    let best = start;
    for (let k = start + 1; k < start + r.perSegment; k++)
      if ((r.weights[k] as number) > (r.weights[best] as number)) best = k;
    return r.tokens[best] as number;
  });
}

export type CodeSpelling = "unit" | "pieces";

/** Name of the token of a unit, and of a codebook row in a segment. */
export const unitName = (unit: number) => `unit/${unit}`;
export const rowName = (segment: number, row: number) => `segment/${segment}/${row}`;

/** Names of the tokens of each row of the code table; one `unknown/...` where the tokenizer does not know the code. */
export function spellCodes(
  codes: CodeTable,
  { unit, representation }: Tokenizer,
  spelling: CodeSpelling,
): readonly (readonly string[])[] {
  return codes.code.map((code, row) => {
    if (isStructure(codes, row)) return [`code/${code}`];
    const u = unit[row] as number;
    if (u <= UNKNOWN_UNIT) return [unknownName(codes, row)];
    if (representation.kind === "tokens" && !representation.learned)
      return heaviestRows(representation, u).map((r, s) => rowName(s, r));
    return spelling === "pieces" ? piecesOf(code) : [unitName(u)];
  });
}
