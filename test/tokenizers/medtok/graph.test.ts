/** The self-contained knowledge graph and its subgraphs. */
import t from "tap";
import {
  buildKnowledgeGraph,
  COOCCURS,
  INCLUDES,
  IS_A,
} from "../../../tokenizers/medtok/graph/build.ts";
import { cutSubgraphs, subgraphsFromLists } from "../../../tokenizers/medtok/graph/subgraphs.ts";
import type { KnowledgeGraph, Subgraphs } from "../../../tokenizers/medtok/types.ts";

const CODES = [
  "ATC/A10BA02",
  "DRUG/metformin",
  "ICD10CM/E11",
  "ICD10CM/E11.6",
  "ICD10CM/E11.65",
  "ICD10CM/E11.9",
  "ICD9CM/250.00",
  "OTHER/x",
];
const codes = { code: CODES, description: CODES };
const relations = [
  {
    origin: "map",
    relation: "equivalent",
    from: ["ICD9CM/250.00", "ICD9CM/999"],
    to: ["ICD10CM/E11.9", "ICD10CM/T99"],
  },
  { origin: "drugs", relation: "contains", from: ["DRUG/metformin"], to: ["ATC/A10BA02"] },
];

/** Edges of one node as `relation target`, in order. */
function edgesOf(graph: KnowledgeGraph, id: string): string[] {
  const node = graph.nodeId.indexOf(id);
  const { offset, target, relation } = graph.edges;
  const found: string[] = [];
  for (let e = offset[node] as number; e < (offset[node + 1] as number); e++)
    found.push(`${graph.relations[relation[e] as number]} ${graph.nodeId[target[e] as number]}`);
  return found.sort();
}

function nodesOf(graph: KnowledgeGraph, cut: Subgraphs, row: number): string[] {
  const own = cut.node.subarray(cut.nodeOffset[row], cut.nodeOffset[row + 1]);
  return [...own].map((node) => graph.nodeId[node] as string);
}

function inducedOf(graph: KnowledgeGraph, cut: Subgraphs, row: number): string[] {
  const own = nodesOf(graph, cut, row);
  const found: string[] = [];
  for (let e = cut.edgeOffset[row] as number; e < (cut.edgeOffset[row + 1] as number); e++)
    found.push(`${own[cut.edgeFrom[e] as number]} - ${own[cut.edgeTo[e] as number]}`);
  return found.sort();
}

t.test("edges go up the hierarchies and along the tables, in both directions", async (t) => {
  const graph = buildKnowledgeGraph(codes, { relations });
  t.same(graph.nodeId.slice(0, CODES.length), CODES, "codes are the first nodes");
  t.same(edgesOf(graph, "ICD10CM/E11.6"), ["includes ICD10CM/E11.65", "is_a ICD10CM/E11"]);
  t.same(edgesOf(graph, "ICD10CM/E11.9"), ["equivalent ICD9CM/250.00", "is_a ICD10CM/E11"]);
  t.same(edgesOf(graph, "ATC/A10B"), ["includes ATC/A10BA", "is_a ATC/A10"]);
  t.same(edgesOf(graph, "OTHER/x"), ["is_a OTHER"]);
  t.notOk(graph.nodeId.includes("ICD10CM/T99"), "a row without any of our codes is not taken");
  const { offset, target } = graph.edges;
  for (let node = 0; node < graph.nodeId.length; node++) {
    const own = target.subarray(offset[node], offset[node + 1]);
    t.same(
      [...own],
      [...own].sort((a, b) => a - b),
    );
    for (const other of own) t.ok(target.subarray(offset[other], offset[other + 1]).includes(node));
  }
  t.same([...new Set(graph.relations)].sort(), ["contains", "equivalent", INCLUDES, IS_A].sort());
  t.notOk(graph.usesSubjects);
});

t.test("an edge that is stated twice is one edge", async (t) => {
  const twice = buildKnowledgeGraph(codes, { relations: [...relations, ...relations] });
  t.equal(twice.hash, buildKnowledgeGraph(codes, { relations }).hash);
});

t.test("a graph with co-occurrences says that it was counted on subjects", async (t) => {
  const table = { origin: "train", relation: COOCCURS, from: ["OTHER/x"], to: ["ICD10CM/E11.9"] };
  const graph = buildKnowledgeGraph(codes, { relations: [table] });
  t.ok(graph.usesSubjects);
  const cut = cutSubgraphs(graph, CODES.length);
  t.ok(nodesOf(graph, cut, CODES.indexOf("OTHER/x")).includes("ICD10CM/E11.9"));
});

t.test(
  "a subgraph: itself, ancestors, children, siblings, mapped codes and what is above them",
  async (t) => {
    const graph = buildKnowledgeGraph(codes, { relations });
    const cut = cutSubgraphs(graph, CODES.length);
    const nine = nodesOf(graph, cut, CODES.indexOf("ICD10CM/E11.9"));
    t.equal(nine[0], "ICD10CM/E11.9");
    t.same(nine.slice(1, 3), ["ICD9CM/250.00", "ICD10CM/E11"], "its twin, then its parent");
    t.ok(nine.includes("ICD10CM"), "to the root");
    t.ok(nine.includes("ICD10CM/E11.6"), "its sibling");
    t.ok(nine.includes("ICD9CM/250.0") && nine.includes("ICD9CM"), "all above its twin");
    const old = nodesOf(graph, cut, CODES.indexOf("ICD9CM/250.00"));
    t.ok(old.includes("ICD10CM/E11.9") && old.includes("ICD10CM/E11"), "and the other way round");
    t.same(
      [...cut.core],
      CODES.map((code) => (/metformin|A10BA02|E11.9|250.00/.test(code) ? 2 : 1)),
      "a code and what is mapped to it stand for it",
    );
    const table = { origin: "t", relation: "interacts", from: ["OTHER/x"], to: ["ICD10CM/E11.9"] };
    const beside = cutSubgraphs(buildKnowledgeGraph(codes, { relations: [table] }), CODES.length);
    t.same([...beside.core], Array(CODES.length).fill(1), "what it interacts with does not");
    t.equal(new Set(nine).size, nine.length);
    t.ok(
      inducedOf(graph, cut, CODES.indexOf("ICD10CM/E11.9")).includes(
        "ICD10CM/E11.9 - ICD9CM/250.00",
      ),
    );
    const top = nodesOf(graph, cut, CODES.indexOf("ICD10CM/E11"));
    t.same(top.slice(-2), ["ICD10CM/E11.6", "ICD10CM/E11.9"], "its children");
    t.equal(inducedOf(graph, cut, CODES.indexOf("OTHER/x")).length, 1, "a code beside nothing");
  },
);

t.test("induced edges equal those found by comparing all pairs", async (t) => {
  const graph = buildKnowledgeGraph(codes, { relations });
  const cut = cutSubgraphs(graph, CODES.length);
  for (let row = 0; row < CODES.length; row++) {
    const own = nodesOf(graph, cut, row);
    const wanted = own.flatMap((a, i) =>
      own
        .slice(i + 1)
        .flatMap((b) =>
          edgesOf(graph, a).flatMap((e) => (e.endsWith(` ${b}`) ? [`${a} - ${b}`] : [])),
        ),
    );
    t.same(inducedOf(graph, cut, row), wanted.sort());
  }
});

t.test("limits hold", async (t) => {
  const many = Array.from({ length: 60 }, (_, i) => `ICD10CM/E11.${String(i).padStart(2, "0")}`);
  const all = [...CODES, ...many].sort();
  const graph = buildKnowledgeGraph({ code: all, description: all }, { relations });
  const limits = { nodes: 12, children: 3, siblings: 4, mapped: 2, cooccurring: 1 };
  const cut = cutSubgraphs(graph, all.length, limits);
  const row = all.indexOf("ICD10CM/E11");
  const children = nodesOf(graph, cut, row).filter((id) => id.startsWith("ICD10CM/E11."));
  t.equal(children.length, 3);
  for (let i = 0; i < all.length; i++) t.ok(nodesOf(graph, cut, i).length <= 12);
  const near = nodesOf(graph, cut, all.indexOf("ICD10CM/E11.33")).filter((id) =>
    /E11\.3\d/.test(id),
  );
  t.same(
    near.slice(1),
    [32, 34, 31, 35].map((n) => `ICD10CM/E11.${n}`),
    "the nearest siblings",
  );
});

t.test("given lists: sorted, distinct, cut, and never empty", async (t) => {
  const graph = buildKnowledgeGraph(codes, { relations });
  const lists = { offset: Int32Array.of(0, 4, 4), node: Int32Array.of(5, 2, 5, 3) };
  const cut = subgraphsFromLists(graph, lists, 2);
  t.same([...cut.node.subarray(0, 2)], [2, 3]);
  t.equal(cut.node[2], graph.nodeId.length - 1, "the node for nothing known");
  t.same([...lists.node], [5, 2, 5, 3], "the lists are left as they were");
});
