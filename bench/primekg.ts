/**
 * PrimeKG as the graph of 617,490 codes: a made-up kg.csv of 8.1 million rows and 129,375 nodes and a code table
 * with 20 nodes a code on average, read, cut into subgraphs, and written as the lines that `inspect` shows. Run with
 * `npx tsx bench/primekg.ts [share of that size]`; about 1 GB below the system's temporary folder, removed at the end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Database, sqlText } from "../Dataset/duckdb.ts";
import { readCodeNodes, readPrimeKg } from "../Dataset/knowledge/primekg.ts";
import { publishedInputs } from "../tokenizers/pipeline/given.ts";
import { graphLines } from "../tokenizers/pipeline/graph-lines.ts";

const EDGES = 4_050_249;
const CODES = 617_490;
const NODES = 129_375;
const READ = { memoryLimitMb: 1024, threads: 1 };

const share = Number(process.argv[2] ?? 1);
const root = mkdtempSync(join(tmpdir(), "medtok-primekg-"));
const kg = join(root, "kg.csv");
const table = join(root, "codes.parquet");
let last = performance.now();
let cpu = process.cpuUsage();

function lap(name: string): void {
  const { user, system } = process.cpuUsage(cpu);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  const seconds = ((performance.now() - last) / 1000).toFixed(1);
  console.log(
    `${name.padEnd(12)} ${seconds.padStart(7)} s, ${((user + system) / 1e6).toFixed(1)} s of processor time, peak ${peak} MiB`,
  );
  last = performance.now();
  cpu = process.cpuUsage();
}

/** Both ends of an edge; the second is drawn towards low numbers, so that there are hubs. */
async function makeUp(): Promise<void> {
  const db = await Database.open({ ...READ, memoryLimitMb: 2048 });
  const end = (name: string) =>
    `${name} AS ${name}_index, ${name} AS ${name}_id, 'type ' || (${name} % 10) AS ${name}_type,
     'the name of node ' || ${name} AS ${name}_name, 'S' AS ${name}_source`;
  await db.run("SELECT setseed(0.5)");
  await db.run(`COPY (
    WITH one AS (
      SELECT CAST(${NODES - 1} * random() AS INTEGER) AS a,
        CAST(${NODES - 1} * pow(random(), 3) AS INTEGER) AS b, 'relation ' || (i % 30) AS relation
      FROM range(${Math.round(EDGES * share)}) t(i)),
    two AS (
      SELECT a AS x, b AS y, relation FROM one UNION ALL SELECT b, a, relation FROM one)
    SELECT relation, relation AS display_relation, ${end("x")}, ${end("y")} FROM two
  ) TO ${sqlText(kg)} (HEADER)`);
  await db.run(`COPY (
    SELECT 'C' || i AS med_code, 'description ' || i AS "desc",
      list_transform(range(1 + i % 40),
        k -> CAST((i * 7919 + k * k * 104729) % ${NODES} AS INTEGER)) AS pkg_index_list
    FROM range(${Math.round(CODES * share)}) t(i)
  ) TO ${sqlText(table)} (FORMAT parquet)`);
  db.close();
}

try {
  await makeUp();
  lap("made up");
  const nodes = await readCodeNodes(table, READ);
  lap("code table");
  const graph = await readPrimeKg(kg, READ);
  lap("kg.csv");
  const made = publishedInputs(nodes.code, { graph, nodes });
  lap("subgraphs");
  let lines = 0;
  const codes = { code: nodes.code, description: [] };
  for (const _ of graphLines(made.graph, codes, made.subgraphs)) lines += 1;
  lap("lines");
  console.log(`${nodes.code.length} codes, ${made.subgraphs.node.length} nodes, ${lines} lines`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
