/** What the readers of raw tables, csv and parquet, have in common: types of columns and their words. */
import type { ColumnType } from "../core/dataset.ts";
import { sqlName, sqlText } from "./duckdb.ts";
import type { RawFile } from "./raw-files.ts";

/** The type of a column in the staging database. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  id: "BIGINT",
  "loose-id": "BIGINT",
  integer: "BIGINT",
  number: "DOUBLE",
  boolean: "BOOLEAN",
  label: "INTEGER",
  time: "TIMESTAMP",
  date: "DATE",
  text: "VARCHAR",
  texts: "VARCHAR[]",
};

/** What a column must be, in words. */
export const EXPECTED: Readonly<Record<ColumnType, string>> = {
  id: "a whole number",
  "loose-id": "a whole number",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  label: "true, false or a whole number",
  time: "a time as YYYY-MM-DD HH:MM:SS",
  date: "a date as YYYY-MM-DD",
  text: "text",
  texts: "a list of text",
};

/** What a failed check puts into DuckDB's message, and what is found again there. */
export const MARK = "medtok-bench unreadable column:";

/** The further column of a table that says which file a row is from, where the table has one. */
export function pathColumn(file: RawFile): string[] {
  const name = file.table.pathColumn;
  return name === undefined ? [] : [`${sqlText(file.below)} AS ${sqlName(name)}`];
}
