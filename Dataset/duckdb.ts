/**
 * The only door to DuckDB: connections with bounds, queries as typed columns, files written beside and
 * renamed, and its errors as errors a user can act on. Queries of one connection run one at a time.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  type DuckDBResult,
  DuckDBTimestampValue,
  DuckDBTypeId,
  version,
} from "@duckdb/node-api";
import type { Columns } from "../core/event-store.ts";
import { makeFolder } from "../core/make-folder.ts";
import { MICROS_PER_DAY } from "../core/time.ts";
import { ColumnBuilder, type ColumnLayout, ColumnSet } from "./columns.ts";
import { translateError } from "./duckdb-errors.ts";

/** Rows of a block that `stream` hands over. */
const BLOCK_ROWS = 65536;

export interface DatabaseOptions {
  /** File of the database; in memory when left out. */
  readonly file?: string;
  /** Default: all that the machine offers. */
  readonly threads?: number;
  /** Bound on DuckDB's buffers in MB (default 2048); what does not fit is spilled to disk. */
  readonly memoryLimitMb?: number;
  /** Folder for spilled data, private to its owner; a new one in the system's temporary folder when left out. */
  readonly spillFolder?: string;
  /** When aborted, the running statement is interrupted and every later one refused. */
  readonly signal?: AbortSignal | undefined;
}

/** Version of the database library. */
export function duckdbVersion(): string {
  return version();
}

/** SQL text literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const INTEGER_TYPES: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
]);
const NUMBER_TYPES: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.DECIMAL,
]);

function layoutOf(type: DuckDBTypeId): ColumnLayout {
  if (INTEGER_TYPES.has(type)) return "integer";
  if (NUMBER_TYPES.has(type)) return "number";
  if (type === DuckDBTypeId.FLOAT || type === DuckDBTypeId.DOUBLE) return "float";
  if (type === DuckDBTypeId.BIGINT || type === DuckDBTypeId.TIMESTAMP) return "wide";
  if (type === DuckDBTypeId.DATE) return "days";
  return type === DuckDBTypeId.BOOLEAN ? "boolean" : "values";
}

/** A DuckDB value as plain JavaScript: numbers, text, arrays; instants in microseconds. */
function plainValue(item: unknown): unknown {
  if (typeof item === "bigint") return Number(item);
  if (item instanceof DuckDBListValue) return item.items.map(plainValue);
  if (item instanceof DuckDBTimestampValue) return Number(item.micros);
  if (item instanceof DuckDBDateValue) return item.days * MICROS_PER_DAY;
  if (item instanceof DuckDBDecimalValue) return item.toDouble();
  return item;
}

/** One connection to one database. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #interrupt: () => void;
  readonly #ownSpill: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    signal: AbortSignal | undefined,
    ownSpill: string | undefined,
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#signal = signal;
    this.#ownSpill = ownSpill;
    this.#interrupt = () => connection.interrupt();
    signal?.addEventListener("abort", this.#interrupt);
  }

  static async open(options: DatabaseOptions = {}): Promise<Database> {
    const ownSpill =
      options.spillFolder === undefined
        ? mkdtempSync(join(tmpdir(), "medtok-bench-")) // mkdtemp makes it 0700
        : undefined;
    const instance = await DuckDBInstance.create(options.file ?? ":memory:", {
      threads: String(options.threads ?? availableParallelism()),
      memory_limit: `${options.memoryLimitMb ?? 2048}MB`,
      temp_directory: options.spillFolder ?? join(ownSpill ?? "", "spill"),
      // Nothing is ever fetched from the network behind the user's back.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return new Database(instance, await instance.connect(), options.signal, ownSpill);
  }

  /** Runs statements whose results do not matter. */
  async run(sql: string): Promise<void> {
    await this.#exclusive(async () => {
      await this.#connection.run(sql);
    });
  }

  /** Runs one SELECT; the whole result as columns. */
  async query(sql: string): Promise<Columns> {
    return this.#exclusive(async () => {
      const result = await this.#connection.stream(sql);
      const reader = new BlockReader(result);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return reader.take();
        reader.append(chunk);
      }
    });
  }

  /** Runs one SELECT; its result in blocks of some ten thousand rows, in order. */
  async stream(sql: string, block: (columns: Columns) => void): Promise<void> {
    await this.#exclusive(async () => {
      const result = await this.#connection.stream(sql);
      const reader = new BlockReader(result);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) break;
        reader.append(chunk);
        if (reader.rows >= BLOCK_ROWS) block(reader.take());
      }
      if (reader.rows > 0) block(reader.take());
    });
  }

  /** Writes one SELECT as parquet or csv, by the file's extension; beside first, then renamed. Parquet
   * files may carry metadata, key by key. */
  async write(
    sql: string,
    file: string,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const keys = Object.entries(metadata).map(([key, v]) => `${sqlText(key)}: ${sqlText(v)}`);
    const extra = keys.length > 0 ? `, KV_METADATA {${keys.join(", ")}}` : "";
    const format = {
      ".parquet": `FORMAT parquet, COMPRESSION zstd${extra}`,
      ".csv": "FORMAT csv, HEADER",
    }[extname(file)];
    if (format === undefined) throw new Error(`write: "${file}" is neither .parquet nor .csv`);
    makeFolder(dirname(file), { mode: 0o700 });
    const beside = `${file}.${process.pid}.partial`;
    try {
      await this.run(`COPY (${sql}) TO ${sqlText(beside)} (${format})`);
      chmodSync(beside, 0o600);
      renameSync(beside, file);
    } finally {
      rmSync(beside, { force: true });
    }
  }

  /** Appends rows of text (or null) to a table whose columns are all VARCHAR. */
  async appendText(table: string, rows: Iterable<readonly (string | null)[]>): Promise<void> {
    await this.#exclusive(async () => {
      const appender = await this.#connection.createAppender(table);
      for (const row of rows) {
        for (const value of row) {
          if (value === null) appender.appendNull();
          else appender.appendVarchar(value);
        }
        appender.endRow();
      }
      appender.closeSync();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#interrupt);
    this.#connection.closeSync();
    this.#instance.closeSync();
    if (this.#ownSpill !== undefined) rmSync(this.#ownSpill, { recursive: true, force: true });
  }

  /** One statement after the other: a second one would end a result that is still being read. */
  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      this.#signal?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        this.#signal?.throwIfAborted(); // an interrupted statement fails with its own message
        throw translateError(error);
      }
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** Collects the chunks of one result. */
class BlockReader {
  readonly #names: readonly string[];
  readonly #builders: readonly ColumnBuilder[];
  #rows = 0;

  constructor(result: DuckDBResult) {
    this.#names = result.columnNames();
    this.#builders = this.#names.map(
      (name, i) => new ColumnBuilder(name, layoutOf(result.columnTypeId(i)), plainValue),
    );
  }

  get rows(): number {
    return this.#rows;
  }

  append(chunk: DuckDBDataChunk): void {
    for (const [i, builder] of this.#builders.entries()) builder.append(chunk.getColumnVector(i));
    this.#rows += chunk.rowCount;
  }

  take(): Columns {
    const columns = this.#builders.map((builder) => builder.take());
    const set = new ColumnSet(this.#rows, this.#names, columns);
    this.#rows = 0;
    return set;
  }
}
