/**
 * PrimeKG's `kg.csv` and the code table published with MedTok, read by DuckDB with bounded memory into flat
 * arrays (medtok.md section 1). Nothing is downloaded: the user brings the files.
 */
import { BenchError } from "../../core/errors.ts";
import type { CodeNodes, PublishedGraph } from "../../core/knowledge.ts";
import { Database, sqlText } from "../duckdb.ts";

const COLUMNS = ["relation", "x_index", "x_name", "x_type", "y_index", "y_name", "y_type"] as const;
/** Type of an index that no row names. */
const UNNAMED = "unnamed";
/** Indices above this are refused: PrimeKG has 129,375 nodes, and the arrays are dense. */
const MOST_NODES = 2 ** 26;

export interface PrimeKgOptions {
  /** Bound on DuckDB's buffers. */
  readonly memoryLimitMb?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** @throws BenchError for a file that is no such table. */
async function columnNames(db: Database, source: string, file: string): Promise<readonly string[]> {
  try {
    return (await db.query(`SELECT * FROM ${source} LIMIT 0`)).names;
  } catch (cause) {
    if (cause instanceof BenchError) throw cause;
    throw new BenchError({
      what: "the file cannot be read as a table",
      where: file,
      fix: "give the file as it was published: kg.csv and nodes.csv as text, the code table as parquet",
      cause,
    });
  }
}

async function checkColumns(db: Database, source: string, wanted: readonly string[], file: string) {
  const names = await columnNames(db, source, file);
  const missing = wanted.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new BenchError({
    what: `the table has no column ${missing.join(", ")}; it has ${names.join(", ")}`,
    where: file,
    fix: `give a table with the columns ${wanted.join(", ")}`,
  });
}

/** Names of things as small numbers, in the order of their first appearance. */
function numbered(values: readonly (string | null)[], list: string[]): Uint8Array {
  const index = new Map(list.map((name, i) => [name, i]));
  return Uint8Array.from(values, (value) => {
    const name = value ?? UNNAMED;
    const known = index.get(name);
    if (known !== undefined) return known;
    index.set(name, list.length);
    list.push(name);
    return list.length - 1;
  });
}

async function readNodes(db: Database, source: string, file: string) {
  const rows = await db.query(`
    SELECT i, min(n) AS n, min(t) AS t FROM (
      SELECT CAST(x_index AS INTEGER) AS i, x_name AS n, x_type AS t FROM ${source}
      UNION ALL SELECT CAST(y_index AS INTEGER), y_name, y_type FROM ${source}
    ) GROUP BY i ORDER BY i`);
  const index = rows.numbers("i");
  const [least, most] = [index[0] ?? 0, index.at(-1) ?? -1];
  if (least < 0 || most >= MOST_NODES || rows.rowCount === 0)
    throw new BenchError({
      what: `node indices run from ${least} to ${most}`,
      where: file,
      fix: "give PrimeKG's kg.csv with x_index and y_index counted from 0",
    });
  const names = rows.strings("n");
  const nodeTypes: string[] = [];
  const types = numbered(rows.strings("t"), nodeTypes);
  const nodeName: string[] = new Array(most + 1).fill(UNNAMED);
  const hasGap = rows.rowCount < most + 1;
  const gapType = hasGap ? numbered([UNNAMED], nodeTypes)[0] : 0;
  const nodeType = new Uint8Array(most + 1).fill(gapType ?? 0);
  for (const [i, at] of index.entries()) {
    nodeName[at] = names[i] ?? UNNAMED;
    nodeType[at] = types[i] as number;
  }
  return { nodeName, nodeType, nodeTypes };
}

/** Edges once each, with the lower index first, sorted; loops are left out. */
async function readEdges(db: Database, source: string) {
  const distinct = `
    SELECT DISTINCT least(CAST(x_index AS INTEGER), CAST(y_index AS INTEGER)) AS a,
      greatest(CAST(x_index AS INTEGER), CAST(y_index AS INTEGER)) AS b, relation AS r
    FROM ${source} WHERE x_index <> y_index`;
  await db.run(`CREATE TEMP TABLE edges AS ${distinct}`);
  const count = Number((await db.query("SELECT count(*)::DOUBLE AS n FROM edges")).numbers("n")[0]);
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  const relation = new Uint8Array(count);
  const relations: string[] = [];
  let at = 0;
  await db.stream("SELECT a, b, r FROM edges ORDER BY a, b, r", (block) => {
    from.set(block.numbers("a"), at);
    to.set(block.numbers("b"), at);
    relation.set(numbered(block.strings("r"), relations), at);
    at += block.rowCount;
  });
  return { from, to, relation, relations };
}

/**
 * Reads `kg.csv`. Node i is the file's index i. @throws BenchError for missing columns or indices that are
 * no small whole numbers.
 */
export async function readPrimeKg(
  file: string,
  options: PrimeKgOptions = {},
): Promise<PublishedGraph> {
  const db = await Database.open(options);
  try {
    const source = `read_csv(${sqlText(file)}, header = true, all_varchar = true)`;
    await checkColumns(db, source, COLUMNS, file);
    const nodes = await readNodes(db, source, file);
    return { origin: "PrimeKG", ...nodes, ...(await readEdges(db, source)) };
  } finally {
    db.close();
  }
}

/**
 * Names of some nodes, by index, from `kg.csv` or from PrimeKG's `nodes.csv`; nodes that the file does not have
 * are left out. @throws BenchError for a table of other columns.
 */
export async function readNodeNames(
  file: string,
  nodes: readonly number[],
  options: PrimeKgOptions = {},
): Promise<ReadonlyMap<number, string>> {
  const db = await Database.open(options);
  try {
    const source = `read_csv(${sqlText(file)}, header = true, all_varchar = true)`;
    const isNodes = (await columnNames(db, source, file)).includes("node_index");
    await checkColumns(db, source, isNodes ? ["node_index", "node_name"] : COLUMNS, file);
    // Each edge of kg.csv is written in both directions, so that every node is an x.
    const [index, name] = isNodes ? ["node_index", "node_name"] : ["x_index", "x_name"];
    const found = await db.query(`SELECT CAST(${index} AS INTEGER) AS node, min(${name}) AS name
      FROM ${source} WHERE TRY_CAST(${index} AS INTEGER) IN (${nodes.join(", ")}) GROUP BY ${index}`);
    const known = found.strings("name");
    return new Map(Array.from(found.numbers("node"), (node, i) => [node, known[i] ?? UNNAMED]));
  } finally {
    db.close();
  }
}

/** Reads `med_code` and `pkg_index_list` of `all_codes_mappings.parquet`. @throws BenchError for other columns. */
export async function readCodeNodes(
  file: string,
  options: PrimeKgOptions = {},
): Promise<CodeNodes> {
  const db = await Database.open(options);
  try {
    const source = `read_parquet(${sqlText(file)})`;
    await checkColumns(db, source, ["med_code", "pkg_index_list"], file);
    const code: string[] = [];
    const offset: number[] = [0];
    const node: number[] = [];
    await db.stream(`SELECT med_code, pkg_index_list AS nodes FROM ${source}`, (block) => {
      const lists = block.values("nodes");
      for (const [i, own] of block.strings("med_code").entries()) {
        code.push(own ?? "");
        for (const one of Array.isArray(lists[i]) ? (lists[i] as number[]) : []) node.push(one);
        offset.push(node.length);
      }
    });
    return { code, offset: Int32Array.from(offset), node: Int32Array.from(node) };
  } finally {
    db.close();
  }
}
