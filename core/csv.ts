/** Reads small CSV files whole, with the line of every row, so that a mistake in one can be named. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { CsvError, parse } from "csv-parse/sync";
import { BenchError } from "./errors.ts";

export interface CsvRow {
  /** Line in the file, the header being line 1. */
  readonly line: number;
  readonly fields: Readonly<Record<string, string>>;
}

export interface CsvFile {
  readonly file: string;
  /** The text as read, for hashing. */
  readonly text: string;
  /** Lower-case column names. */
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/** @throws BenchError when the file cannot be read or is not a table with a header. */
export function readCsv(file: string): CsvFile {
  const text = readText(file);
  let columns: string[] = [];
  try {
    const records = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      columns: (header: string[]) => {
        columns = header.map((name) => name.toLowerCase());
        return columns;
      },
    }) as unknown as { info: { lines: number }; record: Record<string, string> }[];
    return {
      file,
      text,
      columns,
      rows: records.map(({ info, record }) => ({ line: info.lines, fields: record })),
    };
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new BenchError({
      what: `the file is not a proper CSV table: ${cause.message}`,
      where: file,
      fix: "give every row as many fields as the header and quote fields that hold commas",
      cause,
    });
  }
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch (cause) {
    throw new BenchError({
      what: `the file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: file,
      fix: "check the path and that the file is a CSV file, or a gzip of one ending in .gz",
      cause,
    });
  }
}

/** Text for `where` of an error about one row. */
export function rowPlace(file: string, line: number): string {
  return `${file}, line ${line}`;
}
