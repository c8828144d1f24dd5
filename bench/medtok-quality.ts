/**
 * Trains MedTok on open codes and measures it without patients, beside its text features and a random
 * codebook: the codes of event stores (`--store DIR`, repeatable), the ICD-10-CM order file (`--icd10 FILE`)
 * and maps from ICD-9 to ICD-10 (`--map FILE`, repeatable). Other options are MedTok's own: `steps=3000`.
 *
 * The maps are edges of the graph, so a code that finds its twin was told of it. `--withhold 2` leaves the edges
 * of every second ICD-9 code out and judges these codes apart: what is left is generalisation.
 *
 *   tsx bench/medtok-quality.ts --store DIR --icd10 FILE --map FILE [name=value …]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readCsv } from "../core/csv.ts";
import type { Hyperparameters } from "../core/hyperparameters.ts";
import type { RelationTable } from "../core/knowledge.ts";
import { Random } from "../core/random.ts";
import { readCodeMap } from "../core/vocabulary/code-map.ts";
import { officialCode, splitCode } from "../core/vocabulary/codes.ts";
import { ancestors } from "../core/vocabulary/hierarchy.ts";
import { Database, sqlText } from "../Dataset/duckdb.ts";
import { medTokConfig } from "../tokenizers/medtok/config.ts";
import { ForwardPass, type Weighted } from "../tokenizers/medtok/forward.ts";
import { buildKnowledgeGraph } from "../tokenizers/medtok/graph/build.ts";
import { cutSubgraphs } from "../tokenizers/medtok/graph/subgraphs.ts";
import {
  groupQueries,
  neighbourAgreement,
  regionUsage,
  twinAgreement,
  uniqueKeys,
  type VectorTable,
} from "../tokenizers/medtok/quality.ts";
import { fitCached } from "../tokenizers/medtok/text/features.ts";
import { hashedSvdEncoder } from "../tokenizers/medtok/text/hashed-svd.ts";
import { trainMedTok } from "../tokenizers/medtok/train.ts";
import type { CodeInputs, MedTokInputs } from "../tokenizers/medtok/types.ts";

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: "string", multiple: true, default: [] },
    icd10: { type: "string" },
    map: { type: "string", multiple: true, default: [] },
    cache: { type: "string", default: join(process.cwd(), ".cache-medtok") },
    seed: { type: "string", default: "0" },
    /** Every so many-th ICD-9 code with twins loses its edges to them; 0 none. */
    withhold: { type: "string", default: "0" },
    threads: { type: "string", default: "1" },
  },
});
if (args.store.length === 0 && args.icd10 === undefined) {
  process.stderr.write("no codes: give --store DIR (of ingest), --icd10 FILE, or both\n");
  process.exit(2);
}
const threads = Number(args.threads);
const random = Random.fromSeed(Number(args.seed)).derive("medtok");
const signal = new AbortController().signal;
const say = (text: string) => process.stderr.write(`${text}\n`);
let lastStage = "";
let lastTime = 0;
const report = (stage: string, done: number, total: number) => {
  const now = performance.now();
  if (stage === lastStage && now - lastTime < 20_000 && done < total) return;
  [lastStage, lastTime] = [stage, now];
  say(`${(now / 1000).toFixed(0)} s  ${stage} ${done}/${total}`);
};

/** Titles by code: the order file's, then the stores'. */
async function readTitles(): Promise<Map<string, string>> {
  const titles = new Map<string, string>();
  const rows = args.icd10 === undefined ? [] : readCsv(args.icd10).rows;
  for (const { fields } of rows) {
    const code = officialCode("ICD10CM", fields["code"] ?? "");
    if (code !== null) titles.set(code, fields["long"] ?? "");
  }
  const db = await Database.open({ threads: 1 });
  for (const store of args.store) {
    const file = sqlText(join(store, "metadata/codes.parquet"));
    const found = await db.query(
      `SELECT code, coalesce(description, '') AS description FROM read_parquet(${file})`,
    );
    const description = found.strings("description") as string[];
    for (const [i, code] of (found.strings("code") as string[]).entries())
      if (!titles.get(code)) titles.set(code, description[i] as string);
  }
  db.close();
  return titles;
}

function describe(titles: ReadonlyMap<string, string>): CodeInputs {
  const code = [...titles.keys()].sort();
  const description = code.map((own) => {
    const texts = [own, ...ancestors(own)].map((at) => titles.get(at) ?? "");
    return [...new Set(texts.filter((text) => text !== ""))].join(" > ");
  });
  return { code, description };
}

function readMaps(): RelationTable[] {
  return args.map.flatMap((path) => {
    const kind = /pcs/i.test(path) ? "procedure" : "diagnosis";
    return [false, true].map((approximate) => {
      const pairs = [...readCodeMap(path, kind).targets].flatMap(([from, targets]) =>
        targets.filter((t) => t.approximate === approximate).map((t) => [from, t.code] as const),
      );
      return {
        origin: path.replace(/^.*[/\\]/, ""),
        relation: approximate ? "approx" : "equivalent",
        from: pairs.map(([from]) => from),
        to: pairs.map(([, to]) => to),
      };
    });
  });
}

/** ICD-9 diagnoses with ICD-10 partners among the codes. */
function twins(codes: readonly string[], maps: readonly RelationTable[]): Map<number, number[]> {
  const rowOf = new Map(codes.map((code, row) => [code, row]));
  const partners = new Map<number, number[]>();
  for (const { from, to } of maps)
    for (const [i, code] of from.entries()) {
      const [a, b] = [rowOf.get(code), rowOf.get(to[i] as string)];
      if (a !== undefined && b !== undefined && code.startsWith("ICD9CM/"))
        partners.set(a, [...(partners.get(a) ?? []), b]);
    }
  return partners;
}

/** The maps without the rows of these codes. */
function without(rows: ReadonlySet<number>): RelationTable[] {
  const hidden = new Set([...rows].map((row) => codes.code[row]));
  return maps.map(({ from, to, ...rest }) => {
    const kept = from.flatMap((code, i) => (hidden.has(code) ? [] : [i]));
    const pick = (list: readonly string[]) => kept.map((i) => list[i] as string);
    return { ...rest, from: pick(from), to: pick(to) };
  });
}

const titles = await readTitles();
const codes = describe(titles);
say(`${codes.code.length} codes`);
const text = { maxWords: 32, random: random.derive("text"), report, signal };
const { features, state } = await fitCached(
  hashedSvdEncoder(),
  codes.description,
  text,
  args.cache,
);
const maps = readMaps();
const partners = twins(codes.code, maps);
const every = Number(args.withhold);
/** Rows of ICD-9 codes whose twins the graph does not tell. */
const withheld = new Set([...partners.keys()].filter((_, i) => every > 0 && i % every === 0));
const graph = buildKnowledgeGraph(codes, { relations: without(withheld), names: titles });
const subgraphs = cutSubgraphs(graph, codes.code.length);
say(
  `${graph.nodeId.length} nodes, ${graph.edges.target.length / 2} edges; a subgraph has ${(subgraphs.node.length / codes.code.length).toFixed(1)} nodes`,
);
const inputs: MedTokInputs = { codes, text: features, subgraphs };
const options: Hyperparameters = Object.fromEntries(
  positionals.map((pair) => {
    const [name = "", value = ""] = pair.split("=");
    return [name, Number.isNaN(Number(value)) ? value : Number(value)];
  }),
);
const config = medTokConfig(options, codes.code.length);
const all = Int32Array.from({ length: codes.code.length }, (_, i) => i);
const inSystem = (system: string) =>
  all.filter((row) => splitCode(codes.code[row] ?? "")[0] === system);
const queries = groupQueries(codes.code, "ICD10CM", 1000, random.derive("queries"));
const told = new Map([...partners].filter(([row]) => !withheld.has(row)));
const untold = new Map([...partners].filter(([row]) => withheld.has(row)));

async function measure(table: VectorTable) {
  return {
    icd10_among_icd10: await neighbourAgreement(
      codes.code,
      table,
      queries,
      inSystem("ICD10CM"),
      threads,
    ),
    icd10_among_all: await neighbourAgreement(codes.code, table, queries, all, threads),
    icd9_twin_among_icd10: await twinAgreement(table, told, inSystem("ICD10CM"), threads),
    icd9_twin_among_all: await twinAgreement(table, told, all, threads),
    withheld_twin_among_icd10:
      untold.size === 0 ? null : await twinAgreement(table, untold, inSystem("ICD10CM"), threads),
  };
}

async function applied(weighted: Weighted) {
  const forward = await ForwardPass.create(weighted, inputs, threads);
  const result = await forward.run(all);
  await forward.release();
  return result;
}

const context = { random: random.derive("train"), threads, report, signal };
const started = performance.now();
const trained = await trainMedTok(inputs, state, config, context);
const seconds = (performance.now() - started) / 1000;
const made = await applied(trained);
const randomBook = new Map(trained.parameters);
const draw = random.derive("random codebook");
const noise = Float32Array.from({ length: config.codebookSize * config.width }, () =>
  draw.normal(),
);
randomBook.set("codebook", noise);
const floor = await applied({ config: trained.config, parameters: randomBook });
const width = 4 * config.width;
const result = {
  options,
  codes: codes.code.length,
  codebook: config.codebookSize,
  twins: partners.size,
  twins_withheld: withheld.size,
  training_seconds: seconds,
  usage: regionUsage(made.tokens, config),
  unique_keys: {
    all: uniqueKeys(made.tokens, config),
    nearest: uniqueKeys(made.tokens, config, 1),
  },
  medtok: await measure({ values: made.vectors, width }),
  before_quantization: await measure({ values: made.raw, width }),
  text_features: await measure({ values: features.sentence, width: features.width }),
  random_codebook: await measure({ values: floor.vectors, width }),
  random_codebook_usage: regionUsage(floor.tokens, config),
  log: trained.log.at(-1),
};
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
