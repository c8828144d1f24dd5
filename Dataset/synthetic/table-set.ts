/** The tables of a twin, open for writing. */
import { join } from "node:path";
import { GzipTable } from "./gzip-table.ts";

/** What a layout writes to: lines of one table, each ending in a newline. */
export type AddRows = (table: string, lines: string, rows: number) => void;

export class TableSet {
  readonly #tables: ReadonlyMap<string, GzipTable>;

  private constructor(tables: ReadonlyMap<string, GzipTable>) {
    this.#tables = tables;
  }

  /** Creates `<folder>/<name>.csv.gz` for each name, with its header line. */
  static async create(
    folder: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<TableSet> {
    const tables = new Map<string, GzipTable>();
    for (const [name, header] of Object.entries(headers)) {
      tables.set(name, await GzipTable.create(join(folder, `${name}.csv.gz`), header));
    }
    return new TableSet(tables);
  }

  readonly add: AddRows = (table, lines, rows) => {
    const target = this.#tables.get(table);
    if (target === undefined) throw new Error(`twin: there is no table ${table}`);
    if (rows > 0) target.add(lines, rows);
  };

  /** Waits until every compressor can take more. */
  async settle(): Promise<void> {
    for (const table of this.#tables.values()) await table.settle();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tables.values()].map((table) => table.close()));
  }

  async abandon(): Promise<void> {
    await Promise.all([...this.#tables.values()].map((table) => table.abandon()));
  }

  rows(): Record<string, number> {
    return Object.fromEntries([...this.#tables].map(([name, table]) => [name, table.rows]));
  }
}
