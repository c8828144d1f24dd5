/** What the files say that a user gave for a tokenizer: read when it is asked for, and once. */

import { existsSync } from "node:fs";
import { BenchError } from "../core/errors.ts";
import type { CodeNodes, GivenKnowledge, KnowledgeTables } from "../core/knowledge.ts";
import { isFolder } from "../core/make-folder.ts";
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

/** Code tables that may say which nodes each code has. */
function nodeTables(codes: readonly string[]): string[] {
  return codes.map((source) => splitSource(source).path).filter((p) => /\.parquet$/.test(p));
}

/** @throws BenchError when the graph's file, or the table that goes with it, is not there. */
function checkGraphFiles(kg: string, codes: readonly string[], where: GivenBy): void {
  if (!existsSync(kg))
    throw new BenchError({
      what: `the file ${kg} does not exist`,
      where,
      fix: "give the path of PrimeKG's kg.csv",
      exitCode: 2,
    });
  if (nodeTables(codes).length > 0) return;
  throw new BenchError({
    what: "kg.csv needs a code table that says which nodes each code has",
    where,
    fix: "also give all_codes_mappings.parquet, with the columns med_code and pkg_index_list",
    exitCode: 2,
  });
}

/** Nodes of the codes of all tables that have them, one table after the other. */
async function codeNodes(tables: readonly string[], options: ReadOptions): Promise<CodeNodes> {
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

/**
 * Reads nothing yet.
 * @throws BenchError for a graph without its file or table, or no folder of an encoder; when asked, for files that are not what they should be.
 */
export function givenKnowledge(
  files: GivenFiles,
  options: ReadOptions,
  givenBy: GivenBy = "--kg",
): GivenKnowledge {
  let tables: Promise<KnowledgeTables> | undefined;
  let graph: ReturnType<GivenKnowledge["graph"]> | undefined;
  const { encoder } = files;
  if (encoder !== null && !isFolder(encoder))
    throw new BenchError({
      what: `there is no folder ${encoder} with a sentence encoder`,
      where: givenBy === "--kg" ? "--encoder" : "--tokenizer-file encoder=",
      fix: "give a folder with config.json, tokenizer.json and onnx/model.onnx",
      exitCode: 2,
    });
  if (files.kg !== null) checkGraphFiles(files.kg, files.codes, givenBy);
  const readGraph = async (kg: string) => {
    const nodes = await codeNodes(nodeTables(files.codes), options);
    return { graph: await readPrimeKg(kg, options), nodes };
  };
  return {
    encoder,
    hasGraph: files.kg !== null,
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
