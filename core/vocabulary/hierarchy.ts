/**
 * Up the hierarchies of ICD-9-CM, ICD-9 procedures, ICD-10-CM, ICD-10-PCS and ATC. Levels below a category
 * follow from the code's own characters; blocks and chapters are ranges of categories (blocks.ts).
 */
import { BLOCKS, type Block } from "./blocks.ts";
import { splitCode } from "./codes.ts";

/** ATC levels by length of the code. */
const ATC_LENGTHS = [1, 3, 4, 5, 7] as const;
/** The first three characters of an ICD-10-PCS code name a table: section, body system, operation. */
const PCS_TABLE = 3;

/** The code one level up (an ICD category or an ATC group at the top), or null at the top and elsewhere. */
export function parentCode(code: string): string | null {
  const [vocabulary, rest] = splitCode(code);
  if (vocabulary === "ATC") {
    const length = ATC_LENGTHS.findLast((n) => n < rest.length);
    return length === undefined ? null : `ATC/${rest.slice(0, length)}`;
  }
  if (vocabulary === "ICD10PCS") {
    return rest.length > PCS_TABLE ? `${vocabulary}/${rest.slice(0, -1)}` : null;
  }
  if (!vocabulary.startsWith("ICD") || !rest.includes(".")) return null;
  // An X on the right only keeps a place for the seventh character; T80.0XX is no code of its own.
  return `${vocabulary}/${rest
    .slice(0, -1)
    .replace(/(\..*?)X+$/, "$1")
    .replace(/\.$/, "")}`;
}

/** A category whose last character is a letter belongs only where it is named. */
function holds({ first, last, also }: Block, category: string): boolean {
  if (category === first || category === last || also.includes(category)) return true;
  return /\d$/.test(category) && category >= first && category <= last;
}

/** Blocks around a category, the widest first; empty where no block holds it. */
function pathTo(blocks: readonly Block[], category: string): readonly Block[] {
  for (const block of blocks) {
    const inner = pathTo(block.below, category);
    if (inner.length > 0) return [block, ...inner];
    if (holds(block, category)) return [block];
  }
  return [];
}

/**
 * Everything above a code, nearest first: `ICD9CM/250.01` gives ICD9CM/250.0, ICD9CM/250, ICD9CM/249-259,
 * ICD9CM/240-279. Empty for codes without a known hierarchy. Blocks are named by their range of categories.
 */
export function ancestors(code: string): readonly string[] {
  const [vocabulary] = splitCode(code);
  const above: string[] = [];
  for (let up = parentCode(code); up !== null; up = parentCode(up)) above.push(up);
  const [, top] = splitCode(above.at(-1) ?? code);
  if (vocabulary === "ICD10PCS") {
    for (let n = top.length - 1; n > 0; n--) above.push(`ICD10PCS/${top.slice(0, n)}`);
  }
  const blocks = BLOCKS[vocabulary];
  if (blocks === undefined) return above;
  const names = pathTo(blocks, top).map((block) => `${vocabulary}/${block.name}`);
  return [...above, ...names.reverse().filter((name) => name !== `${vocabulary}/${top}`)];
}

/** The chapter (ICD), the section (ICD-10-PCS) or the anatomical group (ATC) of a code; null where there is none. */
export function chapter(code: string): string | null {
  return ancestors(code).at(-1) ?? null;
}
