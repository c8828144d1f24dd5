/**
 * The vocabulary rules of core/vocabulary as SQL expressions that run over whole tables. A test compares
 * each with its function on the same codes.
 */
import type { IcdVocabulary } from "../core/vocabulary/codes.ts";

const NDC_DIGITS = 11;

/** `icdCode` over a column; null where the column is null or blank. */
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

/** `ndcCode` over a column, without the `NDC/` in front. */
export function ndcCodeSql(column: string): string {
  const digits = `trim(${column})`;
  return `CASE WHEN regexp_full_match(${digits}, '[0-9]{1,11}') AND ltrim(${digits}, '0') <> ''
    THEN lpad(${digits}, ${NDC_DIGITS}, '0') END`;
}

/** `parentCode` over a column of codes. */
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
