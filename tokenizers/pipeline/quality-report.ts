/**
 * The quality measures that an artefact carries in report.json: use of the codebook, unique keys, and how
 * well nearest codes agree with their categories and mapped twins, with text features and, when asked for, a
 * random codebook beside (medtok.md 9.5).
 */
import { splitCode } from "../../core/vocabulary/codes.ts";
import type { Weighted } from "../medtok/forward.ts";
import {
  groupQueries,
  neighbourAgreement,
  regionUsage,
  twinAgreement,
  uniqueKeys,
  type VectorTable,
} from "../medtok/quality.ts";
import type { KnowledgeGraph } from "../medtok/types.ts";
import { codesAreNodes } from "./graph-lines.ts";
import { type InferOptions, type Inferred, infer } from "./infer.ts";
import type { MadeInputs } from "./inputs.ts";
import { tokenizerRandom } from "./random.ts";

/** Systems whose codes have categories or levels. */
const SYSTEMS = ["ICD10CM", "ICD9CM", "ICD9Proc", "ICD10PCS", "ATC"] as const;
const MOST_QUERIES = 1000;
/** Codes of a system among which neighbours are looked for; more are left out, evenly. */
const MOST_AMONG = 120_000;
const LEAST_QUERIES = 20;

/** Rows of a system, evenly thinned. */
function rowsOf(codes: readonly string[], system: string): Int32Array {
  const rows = codes.flatMap((code, row) => (splitCode(code)[0] === system ? [row] : []));
  const step = Math.max(1, rows.length / MOST_AMONG);
  const count = Math.min(rows.length, MOST_AMONG);
  return Int32Array.from({ length: count }, (_, i) => rows[Math.floor(i * step)] as number);
}

/** Mapped ICD-10-CM rows of ICD-9-CM rows, as the self-contained graph states them; none in others. */
function twinsOf(graph: KnowledgeGraph, codes: readonly string[]): Map<number, number[]> {
  const { offset, target, relation } = graph.edges;
  const isMap = (r: number) => ["equivalent", "approx"].includes(graph.relations[r] ?? "");
  const twins = new Map<number, number[]>();
  if (!codesAreNodes(graph, codes)) return twins;
  for (const [row, code] of codes.entries()) {
    if (splitCode(code)[0] !== "ICD9CM") continue;
    for (let e = offset[row] as number; e < (offset[row + 1] as number); e++) {
      const other = target[e] as number;
      const isTwin = other < codes.length && splitCode(codes[other] as string)[0] === "ICD10CM";
      if (isTwin && isMap(relation[e] as number))
        twins.set(row, [...(twins.get(row) ?? []), other]);
    }
  }
  return new Map([...twins].slice(0, MOST_QUERIES));
}

export type Tables = Readonly<Record<string, VectorTable>>;

/** Per system, how well nearest codes by each table share their category or class. */
export async function agreements(codes: readonly string[], tables: Tables, threads: number) {
  const random = tokenizerRandom(0).derive("quality");
  const found: Record<string, unknown> = {};
  for (const system of SYSTEMS) {
    const queries = groupQueries(codes, system, MOST_QUERIES, random.derive(system));
    if (queries.length < LEAST_QUERIES) continue;
    const among = Int32Array.from(new Set([...rowsOf(codes, system), ...queries])).sort();
    const own: Record<string, unknown> = {};
    for (const [name, table] of Object.entries(tables))
      own[name] = await neighbourAgreement(codes, table, queries, among, threads);
    found[system] = own;
  }
  return found;
}

async function twinAgreements(
  { graph, inputs }: MadeInputs,
  tables: Tables,
  threads: number,
): Promise<Record<string, unknown> | null> {
  const codes = inputs.codes.code;
  const twins = twinsOf(graph, codes);
  if (twins.size < LEAST_QUERIES) return null;
  const among = Int32Array.from(
    new Set([...rowsOf(codes, "ICD10CM"), ...[...twins.values()].flat()]),
  ).sort();
  const found: Record<string, unknown> = {};
  for (const [name, table] of Object.entries(tables))
    found[name] = await twinAgreement(table, twins, among, threads);
  return found;
}

/** The network with a codebook of normal draws. */
export function withRandomCodebook(trained: Weighted, seed: number): Weighted {
  const random = tokenizerRandom(seed).derive("random-codebook");
  const size = trained.parameters.get("codebook")?.length ?? 0;
  const codebook = Float32Array.from({ length: size }, () => random.normal());
  return { ...trained, parameters: new Map([...trained.parameters, ["codebook", codebook]]) };
}

export interface QualityOptions extends InferOptions {
  readonly seed: number;
  /** Whether all codes are also quantized by a random codebook, which takes another inference. */
  readonly compareRandom: boolean;
}

/** Everything measured without patients. */
export async function qualityReport(
  made: MadeInputs,
  trained: Weighted,
  inferred: Inferred,
  options: QualityOptions,
) {
  const { threads, seed, compareRandom } = options;
  const { config } = trained;
  const { text, codes } = made.inputs;
  const tables: Record<string, VectorTable> = {
    medtok: { values: inferred.embeddings, width: inferred.width },
    text_features: { values: text.sentence, width: text.width },
  };
  if (compareRandom) {
    const random = await infer(withRandomCodebook(trained, seed), made.inputs, options);
    tables["random_codebook"] = { values: random.embeddings, width: random.width };
  }
  return {
    usage: regionUsage(inferred.ids, config),
    unique_keys: uniqueKeys(inferred.ids, config),
    unique_nearest_keys: uniqueKeys(inferred.ids, config, 1),
    same_group_among_nearest: await agreements(codes.code, tables, threads),
    mapped_twin_among_nearest: await twinAgreements(made, tables, threads),
  };
}
