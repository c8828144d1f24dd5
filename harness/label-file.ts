/**
 * Labels from a file in the MEDS label schema, csv or parquet: subject_id, prediction_time, and one of
 * boolean_value, integer_value, categorical_value. A visit_id column, where there is one, names the index visit.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, extname } from "node:path";
import { BenchError } from "../core/errors.ts";
import type { Columns } from "../core/event-store.ts";
import type { LabelSpec } from "../core/label.ts";
import type { TaskDefinition } from "../core/task.ts";
import { Database, sqlText } from "../Dataset/duckdb.ts";

/** More exclusive classes than this are taken for a mistake: an identifier, or a number to be predicted. */
const MOST_CLASSES = 200;
const VALUES = ["boolean_value", "integer_value", "categorical_value", "float_value"] as const;
const SCHEMA =
  "give subject_id, prediction_time and one of boolean_value, integer_value, categorical_value";

function problem(file: string, what: string, fix: string): BenchError {
  return new BenchError({ what, where: file, fix, exitCode: 2 });
}

/** Rows in messages count from 1 without the header; a csv's line is one more. */
function rowProblem(file: string, row: number, what: string, fix: string): BenchError {
  return problem(
    extname(file) === ".csv" ? `${file}, line ${row + 1}` : `${file}, row ${row}`,
    what,
    fix,
  );
}

/** Column name -> type, as DuckDB finds them; csv columns are all text. */
async function columnTypes(
  db: Database,
  file: string,
  source: string,
): Promise<Map<string, string>> {
  let found: Columns;
  try {
    found = await db.query(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${source})`,
    );
  } catch (cause) {
    throw new BenchError({
      what: "the label file cannot be read",
      where: file,
      fix: "check the path; a csv needs one header row, and a parquet file must be whole",
      exitCode: 2,
      cause,
    });
  }
  const types = found.strings("column_type");
  return new Map(found.strings("column_name").map((name, i) => [name ?? "", types[i] ?? ""]));
}

function checkColumns(file: string, types: ReadonlyMap<string, string>): void {
  const missing = ["subject_id", "prediction_time"].filter((name) => !types.has(name));
  if (missing.length > 0 || !VALUES.some((name) => types.has(name))) {
    throw problem(file, `the columns are ${[...types.keys()].join(", ")}`, SCHEMA);
  }
  const time = types.get("prediction_time") ?? "";
  if (extname(file) === ".parquet" && !/^TIMESTAMP(_S|_MS|_NS)?$/.test(time)) {
    throw problem(
      file,
      `prediction_time is ${time}, not a time without a zone`,
      "write it as a timestamp (microseconds, no zone), as the MEDS label schema says",
    );
  }
}

/** The value column in use: the only one that is not null throughout. */
async function usedColumn(
  db: Database,
  file: string,
  types: ReadonlyMap<string, string>,
  rows: string,
) {
  const present = VALUES.filter((name) => types.has(name));
  const counts = await db.query(
    `SELECT count(*)::DOUBLE AS n, ${present.map((name) => `count(${name})::DOUBLE AS ${name}`).join(", ")} FROM ${rows}`,
  );
  const size = counts.numbers("n")[0] ?? 0;
  if (size === 0) throw problem(file, "the file holds no labels", SCHEMA);
  const used = present.filter((name) => (counts.numbers(name)[0] ?? 0) > 0);
  const [column] = used;
  if (used.length !== 1 || column === undefined) {
    const what =
      used.length === 0 ? "no value column has a value" : `both ${used.join(" and ")} have values`;
    throw problem(file, what, "fill in one value column and leave the others out or empty");
  }
  if (column === "float_value") {
    throw problem(
      file,
      "float_value asks for a number, and this benchmark predicts classes",
      "cut the number into classes and write integer_value",
    );
  }
  return column;
}

/** SELECT row, subject_id, prediction_time, visit_id, value; a text that cannot be read becomes null. */
function readRows(file: string, source: string, types: ReadonlyMap<string, string>): string {
  const cast = (column: string, type: string) =>
    types.has(column)
      ? `TRY_CAST(${column} AS ${type}) AS ${column}`
      : `CAST(NULL AS ${type}) AS ${column}`;
  const order = extname(file) === ".parquet" ? "file_row_number + 1" : "row_number() OVER ()";
  return `(SELECT ${order} AS row, ${[
    cast("subject_id", "BIGINT"),
    cast("prediction_time", "TIMESTAMP"),
    cast("visit_id", "BIGINT"),
    cast("boolean_value", "BOOLEAN"),
    cast("integer_value", "BIGINT"),
    cast("float_value", "DOUBLE"),
    cast("categorical_value", "VARCHAR"),
  ].join(", ")} FROM ${source})`;
}

async function checkRows(db: Database, file: string, rows: string, value: string): Promise<void> {
  for (const column of ["subject_id", "prediction_time", value]) {
    // An empty text is a value: no class of several that may hold together.
    const found = await db.query(
      `SELECT min(row)::DOUBLE AS row FROM ${rows} WHERE ${column} IS NULL`,
    );
    const row = found.numbers("row")[0] ?? Number.NaN;
    if (Number.isNaN(row)) continue;
    throw rowProblem(
      file,
      row,
      `${column} is missing or cannot be read`,
      "write ids as whole numbers, times as YYYY-MM-DD HH:MM:SS, and true or false",
    );
  }
}

/** The kind of label and its classes, and the value as the labels of a task have it. */
async function labelOf(
  db: Database,
  file: string,
  rows: string,
  value: string,
): Promise<{ spec: LabelSpec; sql: string }> {
  if (value === "boolean_value")
    return { spec: { kind: "binary", classes: ["positive"] }, sql: value };
  if (value === "integer_value") {
    const found = await db.query(
      `SELECT min(${value})::DOUBLE AS least, max(${value})::DOUBLE AS most FROM ${rows}`,
    );
    const least = found.numbers("least")[0] ?? 0;
    const most = found.numbers("most")[0] ?? 0;
    if (least < 0 || most >= MOST_CLASSES || most < 1) {
      throw problem(
        file,
        `integer_value runs from ${least} to ${most}`,
        `number the classes from 0 to at most ${MOST_CLASSES - 1}`,
      );
    }
    const classes = Array.from({ length: most + 1 }, (_, i) => `class ${i}`);
    return { spec: { kind: "multiclass", classes }, sql: `CAST(${value} AS INTEGER)` };
  }
  return categorical(db, file, rows, value);
}

/** Names joined by "|", or none, are classes that may hold together; single names exclude each other. */
async function categorical(db: Database, file: string, rows: string, value: string) {
  const found = await db.query(`SELECT DISTINCT ${value} AS text FROM ${rows} ORDER BY text`);
  const texts = found.strings("text").map((text) => text ?? "");
  const many = texts.some((text) => text === "" || text.includes("|"));
  const classes = [...new Set(texts.flatMap((text) => text.split("|")))]
    .filter((c) => c !== "")
    .sort();
  if (classes.length < (many ? 1 : 2) || classes.length > MOST_CLASSES) {
    throw problem(
      file,
      `categorical_value names ${classes.length} classes`,
      `name from 2 to ${MOST_CLASSES} classes`,
    );
  }
  const list = `[${classes.map(sqlText).join(", ")}]`;
  const at = (text: string) => `CAST(list_position(${list}, ${text}) - 1 AS INTEGER)`;
  const sql = many
    ? `list_transform(list_filter(string_split(${value}, '|'), lambda name: name <> ''), lambda name: ${at("name")})`
    : at(value);
  return { spec: { kind: many ? "multilabel" : "multiclass", classes } as LabelSpec, sql };
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest("hex").slice(0, 16);
}

/** Made into a name as records have them: `My labels.csv` becomes `my-labels`. */
function taskName(file: string): string {
  const name = basename(file, extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" ? "labels" : name;
}

/**
 * The task whose labels a file holds.
 * @param datasets names of the datasets it may be used on
 * @throws BenchError that names the file and, where it can, the row.
 */
export async function labelFileTask(
  file: string,
  datasets: readonly string[],
): Promise<TaskDefinition> {
  const source =
    extname(file) === ".parquet"
      ? `read_parquet(${sqlText(file)}, file_row_number = true)`
      : `read_csv(${sqlText(file)}, header = true, all_varchar = true, nullstr = '(none)')`;
  const db = await Database.open({ threads: 1 });
  try {
    const types = await columnTypes(db, file, source);
    checkColumns(file, types);
    const rows = readRows(file, emptyAsNull(file, source, types), types);
    const value = await usedColumn(db, file, types, rows);
    await checkRows(db, file, rows, value);
    const { spec, sql } = await labelOf(db, file, rows, value);
    return {
      name: taskName(file),
      version: 1,
      definitionHash: await hashFile(file),
      description: `The labels of a file, ${basename(file)}`,
      reference: "a label file in the MEDS label schema",
      labelSpec: spec,
      mainMetric: "auprc",
      datasets,
      options: {},
      history: { hideIndexVisit: [] },
      rules: [
        "Subjects, prediction times and values are those of the file, all of them.",
        "Everything recorded up to the prediction time is visible; the file says nothing about codes that would betray its answer.",
      ],
      labels: () => `SELECT subject_id, prediction_time, visit_id, ${sql} AS value FROM ${rows}`,
      cohort: async (store) => {
        const found = await store.query(`SELECT count(*)::DOUBLE AS n FROM ${rows}`);
        return [{ step: "labels of the file", samples: found.numbers("n")[0] ?? 0 }];
      },
      trueRisk: () => null,
    };
  } finally {
    db.close();
  }
}

/** In a csv an empty field is a missing value, but of categorical_value, where it means no class. */
function emptyAsNull(file: string, source: string, types: ReadonlyMap<string, string>): string {
  if (extname(file) === ".parquet") return source;
  const columns = [...types.keys()].filter((name) => name !== "categorical_value");
  const known = columns.filter((name) => /^[a-z_]+$/.test(name));
  const nulls = known.map((name) => `nullif(trim(${name}), '') AS ${name}`);
  return `(SELECT * REPLACE (${nulls.join(", ")}) FROM ${source})`;
}
