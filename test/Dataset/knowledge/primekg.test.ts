/** PrimeKG's files, as a published graph and as subgraphs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { BenchError } from "../../../core/errors.ts";
import { Database } from "../../../Dataset/duckdb.ts";
import { readCodeNodes, readPrimeKg } from "../../../Dataset/knowledge/primekg.ts";
import { NOTHING, publishedKnowledgeGraph } from "../../../tokenizers/medtok/graph/published.ts";
import { subgraphsFromLists } from "../../../tokenizers/medtok/graph/subgraphs.ts";

const HEADER =
  "relation,display_relation,x_index,x_id,x_type,x_name,x_source,y_index,y_id,y_type,y_name,y_source";
const NAMES = ["INS", "diabetes, type 2", "metformin", "", "obesity"];
const TYPES = ["gene/protein", "disease", "drug", "", "disease"];

const row = (relation: string, x: number, y: number) =>
  `${relation},shown,${x},id${x},${TYPES[x]},"${NAMES[x]}",S,${y},id${y},${TYPES[y]},"${NAMES[y]}",S`;

const ROWS = [
  row("disease_protein", 0, 1),
  row("disease_protein", 1, 0),
  row("indication", 2, 1),
  row("indication", 1, 2),
  row("off-label use", 2, 1),
  row("disease_disease", 4, 1),
  row("disease_disease", 4, 4),
];

const edges = (g: {
  from: Int32Array;
  to: Int32Array;
  relation: Uint8Array;
  relations: readonly string[];
}) => [...g.from].map((a, e) => `${a} ${g.to[e]} ${g.relations[g.relation[e] as number]}`);

t.test(
  "each edge of each relation once; loops and repeated rows left out; gaps named",
  async (t) => {
    const file = join(t.testdir(), "kg.csv");
    writeFileSync(file, [HEADER, ...ROWS].join("\n"));
    const graph = await readPrimeKg(file, { memoryLimitMb: 512, threads: 1 });
    t.same(edges(graph), [
      "0 1 disease_protein",
      "1 2 indication",
      "1 2 off-label use",
      "1 4 disease_disease",
    ]);
    t.same(graph.nodeName, ["INS", "diabetes, type 2", "metformin", "unnamed", "obesity"]);
    t.same(
      [...graph.nodeType].map((type) => graph.nodeTypes[type]),
      ["gene/protein", "disease", "drug", "unnamed", "disease"],
    );

    const known = publishedKnowledgeGraph(graph);
    t.equal(known.nodeId.at(-1), NOTHING);
    const own = (node: number) => [
      ...known.edges.target.subarray(known.edges.offset[node], known.edges.offset[node + 1]),
    ];
    t.same([0, 1, 2, 3, 4, 5].map(own), [[1], [0, 2, 2, 4], [1, 1], [], [1], []]);
    const cut = subgraphsFromLists(known, {
      offset: Int32Array.of(0, 3, 3),
      node: Int32Array.of(2, 0, 1),
    });
    t.same([...cut.node], [0, 1, 2, 5]);
    const ends = [...cut.edgeFrom].map((a, e) => [a, cut.edgeTo[e]]);
    t.same(
      ends,
      [
        [0, 1],
        [1, 2],
        [1, 2],
      ],
      "two relations between a drug and its disease are two edges",
    );
  },
);

t.test("a table without the columns is refused by name", async (t) => {
  const file = join(t.testdir(), "kg.csv");
  writeFileSync(file, "a,b\n1,2\n");
  await t.rejects(readPrimeKg(file), BenchError);
});

t.test("codes and their nodes", async (t) => {
  const file = join(t.testdir(), "codes.parquet");
  const db = await Database.open({ threads: 1 });
  await db.write(
    "SELECT * FROM (VALUES ('E11.9', 'Type 2', [1, 2]), ('I10', 'High', []::INTEGER[]), ('X', 'y', NULL)) AS t(med_code, \"desc\", pkg_index_list)",
    file,
  );
  db.close();
  const found = await readCodeNodes(file);
  t.same(found.code, ["E11.9", "I10", "X"]);
  t.same([...found.offset], [0, 2, 2, 2]);
  t.same([...found.node], [1, 2]);
});
