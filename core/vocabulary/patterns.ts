/** Codes named by patterns: exact, or prefixes ending in "*", always with their vocabulary: `ICD10CM/E11.*`. */
import { expandCodes } from "./code-list.ts";
import { type IcdVocabulary, icdCode } from "./codes.ts";

/** Patterns for all codes that begin with one of a compact list's undotted prefixes: `("ICD9CM", "272{0-4}")`. */
export function icdPatterns(vocabulary: IcdVocabulary, list: string): readonly string[] {
  return expandCodes(list).map((prefix) => `${icdCode(vocabulary, prefix)}*`);
}

/** Whether a code is named by one of the patterns. */
export function matchesAny(code: string, patterns: readonly string[]): boolean {
  return patterns.some((p) => (p.endsWith("*") ? code.startsWith(p.slice(0, -1)) : code === p));
}

/** The same as an SQL condition over a column of codes. */
export function matchesAnySql(column: string, patterns: readonly string[]): string {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const exact = patterns.filter((p) => !p.endsWith("*")).map(text);
  const prefixes = patterns.filter((p) => p.endsWith("*")).map((p) => text(p.slice(0, -1)));
  const conditions = prefixes.map((prefix) => `starts_with(${column}, ${prefix})`);
  if (exact.length > 0) conditions.push(`${column} IN (${exact.join(", ")})`);
  return conditions.length === 0 ? "false" : `(${conditions.join(" OR ")})`;
}
