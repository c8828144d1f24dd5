/**
 * Raw files -> typed tables, in one statement a file. Every value is checked while it is read; what
 * cannot be read is found again, with its row, only when reading has failed.
 */
import type { ColumnType, RawTable } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { type Database, sqlName, sqlText } from "./duckdb.ts";
import { EXPECTED, MARK, pathColumn, SQL_TYPES } from "./raw-columns.ts";
import type { RawFile } from "./raw-files.ts";
import { loadParquet } from "./raw-parquet.ts";
import { verifyCsv, wrongFields } from "./verify-file.ts";

/** A column's value, or null when the text is not of its type. */
function tryRead(type: ColumnType, text: string): string {
  switch (type) {
    case "id":
    case "integer":
      // DuckDB reads 12.7 as 13 and 1.0E7 as an integer; a spreadsheet's damage must not become an id.
      return `CASE WHEN TRY_CAST(TRY_CAST(${text} AS BIGINT) AS VARCHAR) = ${text} THEN TRY_CAST(${text} AS BIGINT) END`;
    case "loose-id":
      return tryRead("id", `regexp_replace(${text}, '\\.0+$', '')`);
    case "number":
      return `TRY_CAST(${text} AS DOUBLE)`;
    case "boolean":
      return `CASE lower(${text}) WHEN 'true' THEN true WHEN 'false' THEN false END`;
    case "label":
      return `CASE lower(${text}) WHEN 'true' THEN 1 WHEN 'false' THEN 0
        ELSE TRY_CAST(${tryRead("integer", text)} AS INTEGER) END`;
    case "time":
      return `CASE WHEN ${clockLength(text)} THEN TRY_CAST(${text} AS TIMESTAMP) END`;
    case "date":
      return `CASE WHEN ${clockLength(text)} THEN CAST(TRY_CAST(${text} AS TIMESTAMP) AS DATE) END`;
    case "text":
    case "texts":
      return text;
  }
}

/** A date, with or without a clock, whole seconds or fractions, and nothing after it: a zone is refused, not guessed. */
function clockLength(text: string): string {
  return `(strlen(${text}) IN (10, 16, 19) OR (strlen(${text}) > 20 AND ${text}[20] = '.' AND strlen(${text}) <= 26))`;
}

function typedColumn(file: RawFile, column: string, type: ColumnType): string {
  const position = file.header.findIndex((name) => name.toLowerCase() === column);
  if (position < 0) return `CAST(NULL AS ${SQL_TYPES[type]}) AS ${sqlName(column)}`;
  const text = sqlName(file.header[position] ?? "");
  const fail = `error(${sqlText(`${MARK} ${column}`)})`;
  const otherwise = file.table.notNull?.includes(column)
    ? fail
    : `CASE WHEN ${text} IS NOT NULL THEN ${fail} END`;
  if (type === "text" && !file.table.notNull?.includes(column))
    return `${text} AS ${sqlName(column)}`;
  return `coalesce(${tryRead(type, text)}, ${otherwise}) AS ${sqlName(column)}`;
}

/** A file as a table of text; all columns must be named, or the reader would take them for missing. */
function readCsv(file: RawFile): string {
  const columns = file.header.map((name) => `${sqlText(name)}: 'VARCHAR'`).join(", ");
  const path = file.path.replaceAll(/[[*?]/g, "[$&]"); // the reader takes these for wildcards
  return `read_csv(${sqlText(path)}, auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', compression = '${file.gzip ? "gzip" : "none"}', columns = {${columns}})`;
}

/** Makes the table of one or several raw files. @throws BenchError that names file, row, column and value. */
export async function loadRawTable(
  db: Database,
  files: readonly RawFile[],
  signal?: AbortSignal,
): Promise<void> {
  for (const [i, file] of files.entries()) {
    const into =
      i === 0 ? `CREATE TABLE ${sqlName(file.name)} AS` : `INSERT INTO ${sqlName(file.name)}`;
    if (file.format === "parquet") await loadParquet(db, file, into);
    else await loadCsv(db, file, into, signal);
  }
  const last = files.at(-1);
  if (last !== undefined) await checkUnique(db, last);
}

async function loadCsv(db: Database, file: RawFile, into: string, signal?: AbortSignal) {
  const columns = Object.entries(file.table.columns).map(([c, type]) => typedColumn(file, c, type));
  try {
    await db.run(
      `${into} SELECT ${[...columns, ...pathColumn(file)].join(", ")} FROM ${readCsv(file)}`,
    );
  } catch (error) {
    await verifyCsv(file.path, file.gzip, signal); // its message is the better one
    throw await explain(db, file, error);
  }
}

/** A table without rows in the place of an optional file that is not there. */
export async function makeEmptyTable(db: Database, name: string, table: RawTable): Promise<void> {
  const columns = Object.entries(table.columns).map(
    ([c, type]) => `${sqlName(c)} ${SQL_TYPES[type]}`,
  );
  if (table.pathColumn !== undefined) columns.push(`${sqlName(table.pathColumn)} VARCHAR`);
  await db.run(`CREATE TABLE ${sqlName(name)} (${columns.join(", ")})`);
}

async function explain(db: Database, file: RawFile, error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof BenchError) return error;
  const column = new RegExp(`${MARK} (\\w+)`).exec(error.message)?.[1];
  if (column !== undefined) return findBadValue(db, file, column, error);
  return explainCsvError(file, error) ?? error;
}

/** Looks for the first row whose value was refused; only read again after a failure. */
async function findBadValue(
  db: Database,
  file: RawFile,
  column: string,
  cause: Error,
): Promise<BenchError> {
  const type = file.table.columns[column] ?? "text";
  const text = sqlName(file.header.find((name) => name.toLowerCase() === column) ?? column);
  const mayBeNull = file.table.notNull?.includes(column) ? "" : "AND value IS NOT NULL";
  const found = await db.query(`
    SELECT CAST(row AS DOUBLE) AS row, value FROM (
      SELECT row_number() OVER () AS row, ${text} AS value FROM ${readCsv(file)}
    ) WHERE (${tryRead(type, "value")}) IS NULL ${mayBeNull} ORDER BY row LIMIT 1`);
  const row = (found.numbers("row")[0] ?? Number.NaN) + 1; // the header is row 1
  const value = found.strings("value")[0] ?? null;
  return new BenchError({
    what:
      value === null
        ? `column "${column}" is empty, and every row must have it`
        : `column "${column}" is not ${EXPECTED[type]}: "${value.slice(0, 60)}"`,
    where: `${file.path}, row ${row}`,
    fix: "restore the file as it was published; spreadsheets change ids, dates and leading zeros when they save",
    cause,
  });
}

/** The reader's own refusals: rows that are too short or too long, quotes, bytes, line ends. */
function explainCsvError(file: RawFile, error: Error): BenchError | undefined {
  const line = /CSV Error on Line: (\d+)/.exec(error.message)?.[1];
  const where = line === undefined ? file.path : `${file.path}, line ${line}`;
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(error.message);
  const problem = (what: string, fix: string) => new BenchError({ what, where, fix, cause: error });
  if (counts !== null) return wrongFields(where, Number(counts[2]), Number(counts[1]), error);
  if (/unterminated quote|state machine/i.test(error.message)) {
    return problem(
      "the line ends are mixed, or a quote is not closed",
      "use one kind of line end in the whole file (dos2unix does that), or restore it as it was published",
    );
  }
  if (/unicode|utf-8/i.test(error.message)) {
    return problem(
      "the file is not UTF-8 text",
      "restore it as it was published, or convert it to UTF-8",
    );
  }
  if (/INTERNAL Error/.test(error.message)) {
    // Quotes in the wrong place can lead the reader into a fault of its own.
    return problem(
      "the table reader fails on this file, most likely on a quote in the wrong place",
      "restore it as it was published",
    );
  }
  return line === undefined
    ? undefined
    : problem("a row cannot be read", "restore the row as it was published");
}

async function checkUnique(db: Database, file: RawFile): Promise<void> {
  const column = file.table.unique;
  if (column === undefined) return;
  const found = await db.query(`
    SELECT ${sqlName(column)} AS value, count(*) AS n FROM ${sqlName(file.name)}
    GROUP BY ALL HAVING count(*) > 1 ORDER BY value LIMIT 1`);
  if (found.rowCount === 0) return;
  throw new BenchError({
    what: `${column} ${found.numbers("value")[0]} occurs in ${found.numbers("n")[0]} rows`,
    where: file.path,
    fix: "restore the file as it was published; its rows may have been appended twice",
  });
}
