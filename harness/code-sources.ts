/**
 * Tables of codes to train a tokenizer on: `all_codes_mappings.parquet`, a store's `codes.parquet`, or CSV; and
 * maps between systems. Rows are sorted by code, each code once, so that an artefact does not depend on the order
 * of tables.
 */
import { existsSync } from "node:fs";
import { BenchError } from "../core/errors.ts";
import type { KnowledgeTables, RelationTable } from "../core/knowledge.ts";
import type { CodeTable } from "../core/tokenizer.ts";
import { type CodeMap, readCodeMap } from "../core/vocabulary/code-map.ts";
import { officialCode } from "../core/vocabulary/codes.ts";
import { Database, sqlName, sqlText } from "../Dataset/duckdb.ts";

export interface CodeRows {
  readonly code: readonly string[];
  readonly description: readonly (string | null)[];
  readonly parents: readonly (readonly string[])[];
  /** Rows that named a code which an earlier row had, or none. */
  readonly dropped: number;
}

/** Names that a column may have, the first found is read. */
const COLUMNS = {
  code: ["code", "med_code", "atc_code"],
  description: ["description", "desc", "long", "long_title", "atc_name", "title"],
  system: ["system", "vocabulary", "vocab"],
  parents: ["parent_codes"],
} as const;

type Columns = Readonly<Partial<Record<keyof typeof COLUMNS, string>>>;

function columnsOf(names: readonly string[], path: string): Columns & { readonly code: string } {
  const find = (wanted: readonly string[]) => wanted.find((name) => names.includes(name));
  const found = Object.fromEntries(
    Object.entries(COLUMNS).flatMap(([key, wanted]) => {
      const name = find(wanted);
      return name === undefined ? [] : [[key, name]];
    }),
  ) as Columns;
  const { code } = found;
  if (code !== undefined) return { ...found, code };
  throw new BenchError({
    what: `the columns are ${names.join(", ")}; none holds codes`,
    where: path,
    fix: `name the columns ${COLUMNS.code[0]} and ${COLUMNS.description[0]}, and ${COLUMNS.system[0]} where codes carry no system`,
  });
}

/** `SYSTEM=FILE`, or a file whose codes carry their system. @throws BenchError when there is no such file. */
export function splitSource(
  text: string,
  where = "--codes",
): {
  readonly system: string | null;
  readonly path: string;
} {
  const found = /^([A-Za-z][\w-]*)=(.+)$/.exec(text);
  const [path, system] = found === null ? [text, null] : [found[2] as string, found[1] as string];
  if (existsSync(path)) return { system, path };
  throw new BenchError({
    what: `the file ${path} does not exist`,
    where,
    fix: "give a .parquet, .csv or .csv.gz file, with SYSTEM= in front where its codes carry no system",
    exitCode: 2,
  });
}

/** A code with its system in official notation, as written where the notation is not known; null for a blank. */
function fullCode(text: string | null, system: string | null): string | null {
  const code = text?.trim() ?? "";
  if (code === "" || code.includes("/") || system === null || system === "")
    return code === "" ? null : code;
  return officialCode(system, code) ?? `${system}/${code}`;
}

interface Row {
  readonly description: string | null;
  readonly parents: readonly string[];
}

class Table {
  readonly #rows = new Map<string, Row>();
  dropped = 0;

  /** Adds a row; the first description and the first parents of a code are kept. */
  add(code: string | null, description: string | null, parents: readonly string[]): void {
    const known = code === null ? undefined : this.#rows.get(code);
    if (code === null || known !== undefined) this.dropped += 1;
    if (code === null) return;
    this.#rows.set(code, {
      description: known?.description ?? description,
      parents: known !== undefined && known.parents.length > 0 ? known.parents : parents,
    });
  }

  sorted(): CodeRows {
    const code = [...this.#rows.keys()].sort();
    const rows = code.map((key) => this.#rows.get(key) as Row);
    return {
      code,
      description: rows.map(({ description }) => description),
      parents: rows.map(({ parents }) => parents),
      dropped: this.dropped,
    };
  }
}

async function readTable(db: Database, source: string, table: Pick<Table, "add">): Promise<void> {
  const { system, path } = splitSource(source);
  const read = path.endsWith(".parquet")
    ? `read_parquet(${sqlText(path)})`
    : `read_csv(${sqlText(path)}, header = true, all_varchar = true)`;
  const { names } = await db.query(`SELECT * FROM ${read} LIMIT 0`);
  const columns = columnsOf(names, path);
  const text = (name: string | undefined) =>
    name === undefined ? "NULL::VARCHAR" : `CAST(${sqlName(name)} AS VARCHAR)`;
  const parents = columns.parents === undefined ? "NULL::VARCHAR" : sqlName(columns.parents);
  const rows = await db.query(
    `SELECT ${text(columns.code)} AS code, ${text(columns.description)} AS description,
            ${text(columns.system)} AS system, ${parents} AS parents FROM ${read}`,
  );
  const [codes, descriptions, systems] = ["code", "description", "system"].map((name) =>
    rows.strings(name),
  ) as [(string | null)[], (string | null)[], (string | null)[]];
  const above = columns.parents === undefined ? null : rows.values("parents");
  for (const [i, code] of codes.entries()) {
    const list = above?.[i];
    table.add(
      fullCode(code, system ?? systems[i] ?? null),
      descriptions[i] ?? null,
      Array.isArray(list) ? (list as string[]) : [],
    );
  }
}

/** The codes of some tables and of a store. @throws BenchError for a missing file or one without codes. */
export async function readCodes(
  files: readonly string[],
  store: CodeTable | null,
  memoryLimitMb: number,
): Promise<CodeRows> {
  const table = new Table();
  for (const [row, code] of (store?.code ?? []).entries())
    table.add(code, store?.description[row] ?? null, store?.parents[row] ?? []);
  const db = await Database.open({ memoryLimitMb });
  try {
    for (const file of files) await readTable(db, file, table);
  } finally {
    db.close();
  }
  return table.sorted();
}

/** The codes of one table in its own order, for arrays whose rows they name. */
export async function readCodesInOrder(
  file: string,
  where?: string,
): Promise<{ code: readonly string[]; description: readonly string[] }> {
  splitSource(file, where);
  const code: string[] = [];
  const description: string[] = [];
  const db = await Database.open({});
  try {
    await readTable(db, file, {
      add: (key, text) => {
        code.push(key ?? "");
        description.push(text ?? "");
      },
    });
  } finally {
    db.close();
  }
  return { code, description };
}

/** A map of diagnoses, procedures or drugs; which it is follows from its codes. */
function readMap(path: string): CodeMap {
  try {
    return readCodeMap(path, "diagnosis");
  } catch (error) {
    if (!(error instanceof BenchError) || !/is no code of its vocabulary/.test(error.message))
      throw error;
    return readCodeMap(path, "procedure");
  }
}

/** Maps as relations for the graph, and as pairs for codes that the table has not. */
export interface Maps {
  readonly knowledge: KnowledgeTables;
  /** Both directions, equivalents first. */
  readonly pairs: readonly (readonly [from: string, to: string])[];
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly approximate: boolean;
}

function pairsOf(path: string): Pair[] {
  if (!existsSync(path))
    throw new BenchError({
      what: `the file ${path} does not exist`,
      where: "--map",
      fix: "give a map between systems: icd_9, icd_10, flags; ndc, rxcui; drug or ndc, atc_code",
      exitCode: 2,
    });
  return [...readMap(path).targets].flatMap(([from, targets]) =>
    targets.map(({ code, approximate }) => ({ from, to: code, approximate })),
  );
}

function relationOf(pairs: readonly Pair[], approximate: boolean, origin: string): RelationTable {
  const wanted = pairs.filter((pair) => pair.approximate === approximate);
  return {
    origin,
    relation: approximate ? "approx" : "equivalent",
    from: wanted.map(({ from }) => from),
    to: wanted.map(({ to }) => to),
  };
}

/** Reads maps between systems. @throws BenchError for files that are none. */
export function readMaps(paths: readonly string[]): Maps {
  const relations: RelationTable[] = [];
  const all: Pair[] = [];
  for (const path of paths) {
    const pairs = pairsOf(path);
    const origin = path.replace(/^.*[/\\]/, "");
    relations.push(relationOf(pairs, false, origin), relationOf(pairs, true, origin));
    for (const pair of pairs) all.push(pair, { ...pair, from: pair.to, to: pair.from });
  }
  all.sort((a, b) => Number(a.approximate) - Number(b.approximate));
  return {
    knowledge: { titles: [], relations: relations.filter(({ from }) => from.length > 0) },
    pairs: all.map(({ from, to }) => [from, to] as const),
  };
}

/** Pairs whose source is not among the codes and whose target is: what the `mapped` rung needs. */
export function usefulPairs(
  pairs: Maps["pairs"],
  codes: readonly string[],
): (readonly [string, string])[] {
  const known = new Set(codes);
  return pairs.filter(([from, to]) => !known.has(from) && known.has(to));
}
