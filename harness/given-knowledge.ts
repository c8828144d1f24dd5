/** What the files say that a user gave for a tokenizer: read when it is asked for, and once. */

import { existsSync } from "node:fs";
import { BenchError } from "../core/errors.ts";
import type { CodeNodes, GivenKnowledge, KnowledgeTables } from "../core/knowledge.ts";
import { readCodeNodes, readPrimeKg } from "../Dataset/knowledge/primekg.ts";
import { readCodesInOrder, readMaps, splitSource } from "./code-sources.ts";

export interface GivenFiles {
  /** Code tables, `SYSTEM=FILE` where their codes carry no system. */
  readonly codes: readonly string[];
  readonly map: readonly string[];
  readonly kg: string | null;
  /** A folder. */
  readonly encoder: string | null;
}

/** What the user wrote to give a kg.csv, for messages. */
type GivenBy = "--kg" | "--tokenizer-file kg=";

export interface ReadOptions {
  readonly memoryLimitMb: number;
  readonly threads: number;
}

/** Nodes of the codes of all tables that have them, one table after the other. */
async function codeNodes(
  codes: readonly string[],
  options: ReadOptions,
  givenBy: GivenBy,
): Promise<CodeNodes> {
  const tables = codes
    .map((source) => splitSource(source).path)
    .filter((p) => /\.parquet$/.test(p));
  if (tables.length === 0)
    throw new BenchError({
      what: "kg.csv needs a code table that says which nodes each code has",
      where: givenBy,
      fix: "also give all_codes_mappings.parquet, with the columns med_code and pkg_index_list",
      exitCode: 2,
    });
  const code: string[] = [];
  const offset: number[] = [0];
  const node: number[] = [];
  for (const table of tables) {
    const own = await readCodeNodes(table, options);
    for (const one of own.code) code.push(one);
    for (const end of own.offset.subarray(1)) offset.push(node.length + end);
    for (const one of own.node) node.push(one);
  }
  return { code, offset: Int32Array.from(offset), node: Int32Array.from(node) };
}

async function readTables({ codes, map }: GivenFiles): Promise<KnowledgeTables> {
  const titles = [];
  for (const source of codes) {
    const { code, description } = await readCodesInOrder(source);
    const origin = splitSource(source).path.replace(/^.*[/\\]/, "");
    titles.push({ origin, code, title: description });
  }
  return { titles, relations: readMaps(map).knowledge.relations };
}

/** Reads nothing yet. @throws BenchError, when asked, for files that are missing or are not what they should be. */
export function givenKnowledge(
  files: GivenFiles,
  options: ReadOptions,
  givenBy: GivenBy = "--kg",
): GivenKnowledge {
  let tables: Promise<KnowledgeTables> | undefined;
  let graph: ReturnType<GivenKnowledge["graph"]> | undefined;
  const readGraph = async (kg: string) => {
    if (!existsSync(kg))
      throw new BenchError({
        what: `the file ${kg} does not exist`,
        where: givenBy,
        fix: "give the path of PrimeKG's kg.csv",
        exitCode: 2,
      });
    const nodes = await codeNodes(files.codes, options, givenBy);
    return { graph: await readPrimeKg(kg, options), nodes };
  };
  return {
    encoder: files.encoder,
    tables: () => {
      tables ??= readTables(files);
      return tables;
    },
    graph: () => {
      graph ??= files.kg === null ? Promise.resolve(null) : readGraph(files.kg);
      return graph;
    },
  };
}

/** The same from `--tokenizer-file name=path`; undefined without any. */
export function givenByName(
  files: Readonly<Record<string, string>>,
  options: ReadOptions,
): GivenKnowledge | undefined {
  if (Object.keys(files).length === 0) return undefined;
  const list = (name: string) => (files[name] === undefined ? [] : [files[name]]);
  const { kg = null, encoder = null } = files;
  const given = { codes: list("codes"), map: list("map"), kg, encoder };
  return givenKnowledge(given, options, "--tokenizer-file kg=");
}
