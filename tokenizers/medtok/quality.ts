/**
 * Is a tokenizer any good, without patients (medtok.md 9.5): use of the codebook, keys shared by codes, and
 * whether nearest codes belong together. Every measure takes any table of vectors, so that text features
 * and random tables can stand beside.
 */
import type { Random } from "../../core/random.ts";
import { splitCode } from "../../core/vocabulary/codes.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { product } from "../../engine/ops/matmul.ts";
import { highest } from "../../engine/ops/nearest.ts";
import { Session } from "../../engine/runner.ts";
import { PART_COUNT, unit } from "./codebook.ts";
import { regionParts, type Usage, usageOf } from "./codebook-care.ts";
import type { MedTokConfig } from "./config.ts";

/** Queries per run of the search. */
const BLOCK = 256;
/** Characters of an ATC code that name its group: level 3. */
const ATC_GROUP = 4;

/** Vectors by row of the codes. */
export interface VectorTable {
  readonly values: Float32Array;
  readonly width: number;
}

/** Usage of each region of the codebook by the tokens [codes × 4 × K] of all codes. */
export function regionUsage(tokens: Int32Array, config: MedTokConfig): Record<string, Usage> {
  const counts = new Uint32Array(config.codebookSize);
  for (const row of tokens) if (row >= 0) counts[row] = (counts[row] as number) + 1;
  return Object.fromEntries(
    regionParts(config).map(({ region }) => [region.name, usageOf(counts, region)]),
  );
}

/** Share of codes whose first `perPart` tokens of each part no other code has; all K by default. */
export function uniqueKeys(
  tokens: Int32Array,
  config: MedTokConfig,
  first = config.perPart,
): number {
  const each = PART_COUNT * config.perPart;
  const seen = new Map<string, number>();
  const keys: string[] = [];
  for (let start = 0; start < tokens.length; start += each) {
    const key: number[] = [];
    for (let part = 0; part < PART_COUNT; part++)
      for (let k = 0; k < first; k++) key.push(tokens[start + part * config.perPart + k] as number);
    keys.push(key.join(" "));
  }
  for (const key of keys) seen.set(key, (seen.get(key) ?? 0) + 1);
  return keys.filter((key) => seen.get(key) === 1).length / keys.length;
}

/** Rows scaled to unit length; zeros stay zeros. */
function unitTable({ values, width }: VectorTable, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) out.set(unit(values, row * width, width), i * width);
  return out;
}

/**
 * The `count` rows of `among` nearest by cosine to each row of `queries`, itself left out, nearest first,
 * ties by place in `among`; [queries × count].
 */
export async function nearest(
  table: VectorTable,
  queries: Int32Array,
  among: Int32Array,
  count: number,
  threads = 1,
): Promise<Int32Array> {
  const { width } = table;
  const asked = Math.min(count + 1, among.length);
  const g = new Graph();
  const x = g.input("x", [BLOCK, width]);
  const found = highest(
    product(x, g.input("among", [among.length, width]), { transposeB: true }),
    asked,
  );
  const session = await Session.create(toOnnx(g, [found]), { threads });
  session.hold("among", unitTable(table, among));
  const result = new Int32Array(queries.length * count).fill(-1);
  for (let start = 0; start < queries.length; start += BLOCK) {
    const block = queries.subarray(start, start + BLOCK);
    const feeds = new Float32Array(BLOCK * width);
    feeds.set(unitTable(table, block));
    const raw: unknown = (await session.run({ x: feeds })).get(found.name);
    const places = raw as Int32Array;
    for (const [i, query] of block.entries()) {
      const rows = places.subarray(i * asked, (i + 1) * asked).map((at) => among[at] as number);
      const others = rows.filter((row) => row !== query).subarray(0, count);
      result.set(others, (start + i) * count);
    }
  }
  await session.release();
  return result;
}

/** The group a code belongs to: ICD category, ATC level 3; null for other codes. */
export function groupOf(code: string): string | null {
  const [system, rest] = splitCode(code);
  if (system === "ATC")
    return rest.length > ATC_GROUP ? `${system}/${rest.slice(0, ATC_GROUP)}` : null;
  if (system === "ICD10PCS") return `${system}/${rest.slice(0, 3)}`;
  if (!system.startsWith("ICD")) return null;
  return `${system}/${rest.split(".")[0]}`;
}

/** How well neighbours agree with groups. */
export interface Agreement {
  readonly queries: number;
  /** Share of queries whose nearest code is of their group. */
  readonly nearest: number;
  /** Mean share of the five nearest that are; of the ten nearest. */
  readonly five: number;
  readonly ten: number;
}

/** Rows of `system` whose group has another member, `most` of them drawn at random. */
export function groupQueries(
  codes: readonly string[],
  system: string,
  most: number,
  random: Random,
): Int32Array {
  const sizes = new Map<string, number>();
  for (const code of codes) {
    const group = groupOf(code);
    if (group !== null) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  const rows = codes.flatMap((code, row) => {
    const group = groupOf(code);
    const isAsked = splitCode(code)[0] === system && group !== null;
    return isAsked && (sizes.get(group) ?? 0) > 1 ? [row] : [];
  });
  return Int32Array.from(random.shuffle(rows).slice(0, most)).sort();
}

/** Agreement of the ten nearest among `among` with each query's group. */
export async function neighbourAgreement(
  codes: readonly string[],
  table: VectorTable,
  queries: Int32Array,
  among: Int32Array,
  threads = 1,
): Promise<Agreement> {
  const found = await nearest(table, queries, among, 10, threads);
  const sums = [0, 0, 0];
  for (const [i, query] of queries.entries()) {
    const group = groupOf(codes[query] as string);
    for (let k = 0; k < 10; k++) {
      const row = found[i * 10 + k] as number;
      if (row < 0 || groupOf(codes[row] as string) !== group) continue;
      if (k < 1) sums[0] = (sums[0] as number) + 1;
      if (k < 5) sums[1] = (sums[1] as number) + 1 / 5;
      sums[2] = (sums[2] as number) + 1 / 10;
    }
  }
  const [first, five, ten] = sums.map((sum) => sum / queries.length) as [number, number, number];
  return { queries: queries.length, nearest: first, five, ten };
}

/** How often a code's partner in another system is found. */
export interface TwinAgreement {
  readonly queries: number;
  /** Share of queries with a partner as nearest; among the ten nearest. */
  readonly nearest: number;
  readonly ten: number;
}

/** Whether one of each query's `partners` (rows) is among its nearest rows of `among`. */
export async function twinAgreement(
  table: VectorTable,
  partners: ReadonlyMap<number, readonly number[]>,
  among: Int32Array,
  threads = 1,
): Promise<TwinAgreement> {
  const queries = Int32Array.from(partners.keys());
  const found = await nearest(table, queries, among, 10, threads);
  let [first, ten] = [0, 0];
  for (const [i, query] of queries.entries()) {
    const wanted = partners.get(query) ?? [];
    const hit = found.subarray(i * 10, (i + 1) * 10).findIndex((row) => wanted.includes(row));
    if (hit === 0) first += 1;
    if (hit >= 0) ten += 1;
  }
  return { queries: queries.length, nearest: first / queries.length, ten: ten / queries.length };
}
