/** Pieces of SQL over the codes of a MEDS dataset, and the pairing of what begins with what ends. */
import { sqlText } from "../duckdb.ts";
import { icdCodeSql } from "../vocabulary.ts";
import type { MedsMapping } from "./mapping.ts";

/** Whether a code is one of the patterns. */
export function matches(patterns: readonly string[], code: string): string {
  const conditions = patterns.map((pattern) =>
    pattern.endsWith("*")
      ? `starts_with(${code}, ${sqlText(pattern.slice(0, -1))})`
      : `${code} = ${sqlText(pattern)}`,
  );
  return conditions.length === 0 ? "false" : `(${conditions.join(" OR ")})`;
}

/** What follows the beginning in a code that meets a pattern; null for other codes. */
export function rest(patterns: readonly string[], code: string): string {
  const cases = patterns
    .filter((pattern) => pattern.endsWith("*"))
    .map((pattern) => `WHEN ${matches([pattern], code)} THEN ${code}[${pattern.length}:]`);
  return cases.length === 0 ? "CAST(NULL AS VARCHAR)" : `CASE ${cases.join(" ")} END`;
}

/**
 * The type of an admission, a care unit: the second part of a code joined by `//`, whose word for nothing is
 * UNK, or what follows the first `/`.
 */
export function secondPart(code: string): string {
  return `nullif(nullif(CASE WHEN contains(${code}, '//') THEN split_part(${code}, '//', 2)
    WHEN contains(${code}, '/') THEN ${code}[strpos(${code}, '/') + 1:] END, ''), 'UNK')`;
}

/** A code as the store writes it. */
export function renamed(mapping: MedsMapping, code: string): string {
  const icd = Object.entries(mapping.icd).map(
    ([start, vocabulary]) =>
      `WHEN starts_with(${code}, ${sqlText(start)}) THEN ${icdCodeSql(vocabulary, `${code}[${start.length + 1}:]`)}`,
  );
  const other = Object.entries(mapping.rename).map(
    ([start, to]) =>
      `WHEN starts_with(${code}, ${sqlText(start)}) THEN ${sqlText(to)} || ${code}[${start.length + 1}:]`,
  );
  const cases = [...icd, ...other];
  return cases.length === 0 ? code : `CASE ${cases.join("\n    ")} ELSE ${code} END`;
}

/** What is paired: rows of `table` with one role and with the other, by an id where a row has one. */
export interface Pairing {
  readonly table: string;
  readonly id: string;
  readonly start: string;
  readonly end: string;
}

/**
 * SELECT subject_id, source_id, start_time, end_time, start_code, end_code. With an id: the first start and the
 * last end of that id. Without: a start and the first end after it, if that is not after the next start. An
 * end without a start has start_time null.
 */
export function paired({ table, id, start, end }: Pairing): string {
  const [isStart, isEnd] = [`role = '${start}'`, `role = '${end}'`];
  return `
  SELECT subject_id, ${id} AS source_id, min(time) FILTER (${isStart}) AS start_time,
    max(time) FILTER (${isEnd}) AS end_time, arg_min(code, (time, code)) FILTER (${isStart}) AS start_code,
    arg_max(code, (time, code)) FILTER (${isEnd}) AS end_code
  FROM ${table} WHERE ${id} IS NOT NULL AND (${isStart} OR ${isEnd}) GROUP BY subject_id, ${id}
  UNION ALL (
    WITH starts AS (
      SELECT subject_id, time, min(code) AS code, lead(time) OVER (PARTITION BY subject_id ORDER BY time) AS next
      FROM ${table} WHERE ${id} IS NULL AND ${isStart} AND time IS NOT NULL GROUP BY subject_id, time
    ), ends AS (
      SELECT subject_id, time, min(code) AS code FROM ${table}
      WHERE ${id} IS NULL AND ${isEnd} AND time IS NOT NULL GROUP BY subject_id, time
    ), pairs AS (
      SELECT s.subject_id, s.time AS start_time, min(e.time) AS end_time, min(s.code) AS start_code,
        arg_min(e.code, e.time) AS end_code
      FROM starts s LEFT JOIN ends e
        ON e.subject_id = s.subject_id AND e.time > s.time AND (s.next IS NULL OR e.time <= s.next)
      GROUP BY s.subject_id, s.time
    )
    SELECT subject_id, CAST(NULL AS BIGINT), start_time, end_time, start_code, end_code FROM pairs
    UNION ALL
    SELECT e.subject_id, NULL, NULL, e.time, NULL, e.code
    FROM ends e ANTI JOIN pairs p ON p.subject_id = e.subject_id AND p.end_time = e.time
  )`;
}
