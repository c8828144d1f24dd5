/** Opens an event store: checks that it is whole and of this version, and makes its views. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BenchError } from "../core/errors.ts";
import type { Columns, EventStore, StoreInfo } from "../core/event-store.ts";
import { Database, sqlText } from "./duckdb.ts";
import {
  INFO_FILE,
  INFO_KEY,
  STORE_TABLES,
  STORE_VERSION,
  type StoreTable,
} from "./store-layout.ts";

export interface OpenOptions {
  readonly threads?: number;
  /** Bound on DuckDB's buffers in MB, default 2048. */
  readonly memoryLimitMb?: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens the store in a folder for reading.
 * @throws BenchError when it is no store, incomplete, or of another version.
 */
export async function openStore(folder: string, options: OpenOptions = {}): Promise<EventStore> {
  const info = readInfo(folder);
  const tables = STORE_TABLES.filter((table) => isPresent(folder, table));
  const db = await Database.open(options);
  try {
    for (const table of tables) await makeView(db, folder, table);
  } catch (error) {
    db.close();
    throw error;
  }
  return new OpenStore(folder, info, db);
}

function damaged(folder: string, what: string, cause?: unknown): BenchError {
  return new BenchError({
    what,
    where: folder,
    fix: "delete this folder and ingest the raw files again",
    ...(cause === undefined ? {} : { cause }),
  });
}

function readInfo(folder: string): StoreInfo {
  const file = join(folder, INFO_FILE);
  if (!existsSync(file)) {
    throw new BenchError({
      what: "this folder holds no event store",
      where: file,
      fix: "make one with the command ingest, and give the folder that it prints",
    });
  }
  let info: StoreInfo | undefined;
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    info = (content as Readonly<Record<string, unknown>>)[INFO_KEY] as StoreInfo | undefined;
  } catch (cause) {
    throw damaged(folder, "metadata/dataset.json is not JSON", cause);
  }
  if (info === undefined) {
    throw damaged(
      folder,
      `metadata/dataset.json has no "${INFO_KEY}": the store was made by another program`,
    );
  }
  if (info.store_version !== STORE_VERSION) {
    throw damaged(
      folder,
      `the store is of version ${info.store_version}, and this program reads version ${STORE_VERSION}`,
    );
  }
  return info;
}

function isPresent(folder: string, table: StoreTable): boolean {
  const path = join(folder, table.file);
  const present = table.file.includes("*")
    ? existsSync(dirname(path)) && readdirSync(dirname(path)).some((f) => f.endsWith(".parquet"))
    : existsSync(path);
  if (!present && table.optional !== true) throw damaged(folder, `the store lacks ${table.file}`);
  return present;
}

async function makeView(db: Database, folder: string, table: StoreTable): Promise<void> {
  const path = join(folder.replaceAll(/[[*?]/g, "[$&]"), table.file); // * only where the layout has it
  let found: Columns;
  try {
    const read = `SELECT * FROM read_parquet(${sqlText(path)})`;
    found = await db.query(`SELECT column_name, column_type FROM (DESCRIBE ${read})`);
    const missing = Object.entries(table.optionalColumns ?? {})
      .filter(([column]) => !found.strings("column_name").includes(column))
      .map(([column, type]) => `, CAST(NULL AS ${type}) AS ${column}`);
    await db.run(`CREATE VIEW ${table.view} AS ${read.replace("*", `*${missing.join("")}`)}`);
  } catch (cause) {
    throw damaged(folder, `${table.file} cannot be read`, cause);
  }
  const names = found.strings("column_name");
  const types = new Map(found.strings("column_type").map((type, i) => [names[i], type]));
  for (const [column, type] of Object.entries(table.columns)) {
    if (types.get(column) === type) continue;
    throw damaged(
      folder,
      `${table.file}: column "${column}" is ${types.get(column) ?? "missing"}, not ${type}`,
    );
  }
}

class OpenStore implements EventStore {
  readonly folder: string;
  readonly info: StoreInfo;
  readonly #db: Database;

  constructor(folder: string, info: StoreInfo, db: Database) {
    this.folder = folder;
    this.info = info;
    this.#db = db;
  }

  query(sql: string): Promise<Columns> {
    return this.#db.query(sql);
  }

  stream(sql: string, block: (columns: Columns) => void): Promise<void> {
    return this.#db.stream(sql, block);
  }

  write(sql: string, file: string): Promise<void> {
    return this.#db.write(sql, file);
  }

  close(): void {
    this.#db.close();
  }
}
