/**
 * From a source's bare strings to `VOCABULARY/CODE` in the official notation, and up the hierarchy.
 * Each rule exists twice: as a function, and as an SQL expression that runs over whole tables. A test
 * compares the two on the same codes.
 *
 * Sources write ICD codes without dots. Where a dot belongs depends on vocabulary and kind, which is
 * why the bare string is never a key: `E8809` is a fall in ICD-9-CM and a protein disorder in ICD-10-CM.
 */

export const VOCABULARIES = [
  "ICD9CM",
  "ICD9Proc",
  "ICD10CM",
  "ICD10PCS",
  "ATC",
  "NDC",
  "DRUG",
] as const;
export type IcdVocabulary = "ICD9CM" | "ICD9Proc" | "ICD10CM" | "ICD10PCS";

/** ATC levels by length of the code. */
const ATC_LENGTHS = [1, 3, 4, 5, 7] as const;
const NDC_DIGITS = 11;

/** Characters before the dot, which is also the length of a category. */
function categoryLength(vocabulary: IcdVocabulary, bare: string): number {
  switch (vocabulary) {
    case "ICD9CM":
      return bare.startsWith("E") ? 4 : 3; // external causes: E878.8; all others, V codes too: V58.67
    case "ICD9Proc":
      return 2;
    case "ICD10CM":
      return 3;
    case "ICD10PCS":
      return Number.POSITIVE_INFINITY; // seven characters, no dot
  }
}

/** Trimmed, upper-case, without dots. */
function bareCode(code: string): string {
  return code.trim().replaceAll(".", "").toUpperCase();
}

/** A raw ICD code with its vocabulary and official dot: `("ICD9CM", "25000")` gives `ICD9CM/250.00`. */
export function icdCode(vocabulary: IcdVocabulary, code: string): string {
  const bare = bareCode(code);
  const cut = categoryLength(vocabulary, bare);
  const dotted = bare.length > cut ? `${bare.slice(0, cut)}.${bare.slice(cut)}` : bare;
  return `${vocabulary}/${dotted}`;
}

/** The same over a column; null where the column is null or blank. */
export function icdCodeSql(vocabulary: IcdVocabulary, column: string): string {
  const bare = `upper(replace(trim(${column}), '.', ''))`;
  const dotted = {
    ICD9CM: dottedSql(bare, `CASE WHEN ${bare}[1] = 'E' THEN 4 ELSE 3 END`),
    ICD9Proc: dottedSql(bare, "2"),
    ICD10CM: dottedSql(bare, "3"),
    ICD10PCS: bare,
  }[vocabulary];
  return `CASE WHEN ${bare} <> '' THEN '${vocabulary}/' || ${dotted} END`;
}

function dottedSql(bare: string, cut: string): string {
  return `CASE WHEN length(${bare}) > ${cut} THEN ${bare}[:${cut}] || '.' || ${bare}[${cut} + 1:] ELSE ${bare} END`;
}

/**
 * An 11-digit NDC, or null when unknown. MIMIC writes `0` for unknown; zeros on the left that a
 * spreadsheet took away are put back, since every digit of an NDC counts.
 */
export function ndcCode(ndc: string | null): string | null {
  const digits = ndc?.trim() ?? "";
  if (!/^[0-9]{1,11}$/.test(digits) || /^0+$/.test(digits)) return null;
  return digits.padStart(NDC_DIGITS, "0");
}

/** The same over a column, without the `NDC/` in front. */
export function ndcCodeSql(column: string): string {
  const digits = `trim(${column})`;
  return `CASE WHEN regexp_full_match(${digits}, '[0-9]{1,11}') AND ltrim(${digits}, '0') <> ''
    THEN lpad(${digits}, ${NDC_DIGITS}, '0') END`;
}

/** The code one level up (an ICD category or an ATC group at the top), or null at the top and elsewhere. */
export function parentCode(code: string): string | null {
  const slash = code.indexOf("/");
  const vocabulary = code.slice(0, slash);
  const rest = code.slice(slash + 1);
  if (vocabulary === "ATC") {
    const length = ATC_LENGTHS.findLast((n) => n < rest.length);
    return length === undefined ? null : `ATC/${rest.slice(0, length)}`;
  }
  if (vocabulary === "ICD10PCS") {
    // The first three characters name a table: section, body system, operation.
    return rest.length > 3 ? `${vocabulary}/${rest.slice(0, -1)}` : null;
  }
  if (!vocabulary.startsWith("ICD") || !rest.includes(".")) return null;
  // An X on the right only keeps a place for the seventh character; T80.0XX is no code of its own.
  return `${vocabulary}/${rest
    .slice(0, -1)
    .replace(/(\..*?)X+$/, "$1")
    .replace(/\.$/, "")}`;
}

/** The same over a column of codes. */
export function parentCodeSql(code: string): string {
  const rest = `split_part(${code}, '/', 2)`;
  return `CASE
    WHEN starts_with(${code}, 'ATC/') THEN CASE
      WHEN length(${rest}) > 5 THEN 'ATC/' || ${rest}[:5]
      WHEN length(${rest}) > 4 THEN 'ATC/' || ${rest}[:4]
      WHEN length(${rest}) > 3 THEN 'ATC/' || ${rest}[:3]
      WHEN length(${rest}) > 1 THEN 'ATC/' || ${rest}[:1] END
    WHEN starts_with(${code}, 'ICD10PCS/') THEN
      CASE WHEN length(${rest}) > 3 THEN ${code}[:-2] END
    WHEN starts_with(${code}, 'ICD') AND contains(${rest}, '.') THEN
      regexp_replace(regexp_replace(${code}[:-2], '(\\..*?)X+$', '\\1'), '\\.$', '')
    END`;
}
