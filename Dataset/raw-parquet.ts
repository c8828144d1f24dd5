/** Parquet files -> typed tables. Their columns have types already, which are checked and never guessed. */
import type { ColumnType } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { type Database, sqlName, sqlText } from "./duckdb.ts";
import { EXPECTED, MARK, pathColumn, SQL_TYPES } from "./raw-columns.ts";
import type { RawFile } from "./raw-files.ts";

const INTEGERS = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"];
const FLOATS = ["FLOAT", "DOUBLE"];
/** An instant without a zone; others, integers and text above all, would have to be guessed. */
const INSTANTS = ["TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"];

/** Parquet types that a column may have. */
const ACCEPTED: Readonly<Record<ColumnType, readonly string[]>> = {
  id: INTEGERS,
  "loose-id": [...INTEGERS, ...FLOATS],
  integer: INTEGERS,
  number: [...FLOATS, ...INTEGERS],
  boolean: ["BOOLEAN"],
  label: ["BOOLEAN", ...INTEGERS],
  time: INSTANTS,
  date: ["DATE"],
  text: ["VARCHAR"],
  texts: ["VARCHAR[]"],
};

/**
 * Makes the table of one parquet file, or adds to it.
 * @param into - `CREATE TABLE t AS` or `INSERT INTO t`
 * @throws BenchError for a damaged file, a missing column, a type that is not accepted, or a null where none may be.
 */
export async function loadParquet(db: Database, file: RawFile, into: string): Promise<void> {
  const read = `read_parquet(${sqlText(file.path.replaceAll(/[[*?]/g, "[$&]"))})`;
  const types = await columnTypes(db, file, read);
  await checkNames(db, file, types);
  const columns = Object.entries(file.table.columns).map(([column, type]) =>
    typedColumn(file, types, column, type),
  );
  try {
    await db.run(`${into} SELECT ${[...columns, ...pathColumn(file)].join(", ")} FROM ${read}`);
  } catch (error) {
    throw explain(file, error);
  }
}

async function columnTypes(
  db: Database,
  file: RawFile,
  read: string,
): Promise<ReadonlyMap<string, { readonly name: string; readonly type: string }>> {
  try {
    const found = await db.query(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${read})`,
    );
    const types = found.strings("column_type");
    return new Map(
      found
        .strings("column_name")
        .map((name, i) => [(name ?? "").toLowerCase(), { name: name ?? "", type: types[i] ?? "" }]),
    );
  } catch (error) {
    throw explain(file, error);
  }
}

/**
 * Parquet names a column in its schema and again at each piece of its data. Where the two differ, a byte of the
 * footer is wrong, and a column that may be missing would go missing without a word.
 */
async function checkNames(
  db: Database,
  file: RawFile,
  types: ReadonlyMap<string, { readonly name: string }>,
): Promise<void> {
  let paths: string[];
  try {
    const found = await db.query(
      `SELECT DISTINCT path_in_schema AS path FROM parquet_metadata(${sqlText(file.path.replaceAll(/[[*?]/g, "[$&]"))})`,
    );
    paths = found.strings("path").map((path) => path ?? "");
  } catch (error) {
    throw explain(file, error);
  }
  const names = [...types.values()].map(({ name }) => name);
  const isOf = (path: string, name: string) =>
    path === name || path.startsWith(`${name}, `) || path.startsWith(`${name}.`);
  const stray = paths.find((path) => !names.some((name) => isOf(path, name)));
  if (stray === undefined) return;
  throw new BenchError({
    what: `the data of a column "${stray}" belong to none of the file's columns (${names.join(", ")})`,
    where: file.path,
    fix: "the parquet file is damaged: download it again, or write it again with the program that made it",
  });
}

function typedColumn(
  file: RawFile,
  types: ReadonlyMap<string, { readonly name: string; readonly type: string }>,
  column: string,
  type: ColumnType,
): string {
  const found = types.get(column);
  const alias = `AS ${sqlName(column)}`;
  if (found === undefined) {
    if (file.table.optionalColumns?.includes(column)) {
      return `CAST(NULL AS ${SQL_TYPES[type]}) ${alias}`;
    }
    throw new BenchError({
      what: `column "${column}" not found`,
      where: file.path,
      fix: `the file has ${[...types.values()].map((c) => c.name).join(", ")}; check that --dataset and the release belong to these files`,
    });
  }
  if (!ACCEPTED[type].includes(found.type)) {
    throw new BenchError({
      what: `column "${column}" is ${found.type}, not ${EXPECTED[type]}`,
      where: file.path,
      fix: `write the column as ${ACCEPTED[type].join(", or ")} (in MEDS: int64 ids, timestamp[us] times without a zone, string codes)`,
    });
  }
  const name = sqlName(found.name);
  const fail = `error(${sqlText(`${MARK} ${column}`)})`;
  const whole = type === "loose-id" && FLOATS.includes(found.type);
  const value = whole
    ? `CASE WHEN ${name} IS NULL OR isnan(${name}) THEN NULL WHEN ${name} = floor(${name}) AND abs(${name}) < 9007199254740992 THEN CAST(${name} AS BIGINT) ELSE ${fail} END`
    : `CAST(${name} AS ${SQL_TYPES[type]})`;
  return file.table.notNull?.includes(column)
    ? `coalesce(${value}, ${fail}) ${alias}`
    : `${value} ${alias}`;
}

/** DuckDB's refusals in words; anything it says about a file it cannot read means that the file is damaged. */
function explain(file: RawFile, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BenchError) return error;
  const column = new RegExp(`${MARK} ([\\w-]+)`).exec(error.message)?.[1];
  if (column !== undefined) {
    const type = file.table.columns[column] ?? "text";
    return new BenchError({
      what: file.table.notNull?.includes(column)
        ? `column "${column}" is empty in some row, and every row must have it`
        : `column "${column}" is not ${EXPECTED[type]} in some row`,
      where: file.path,
      fix: "restore the file as it was published",
      cause: error,
    });
  }
  if (/Out of Memory|No space left|INTERRUPT/i.test(error.message)) return error;
  return new BenchError({
    what: "the parquet file is damaged, cut short, or no parquet file",
    where: file.path,
    fix: "download it again, or write it again with the program that made it",
    cause: error,
  });
}
