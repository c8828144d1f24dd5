/** The graph-only rival: its features, blocks, losses, codebook and tokens against plain computations. */
import t from "tap";
import { Random } from "../../core/random.ts";
import type { FloatType } from "../../engine/element.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { buildKnowledgeGraph } from "../../tokenizers/medtok/graph/build.ts";
import type { GraphEdges } from "../../tokenizers/medtok/types.ts";
import { drawBlock } from "../../tokenizers/vqgraph/blocks.ts";
import { followMeans, startCodebook } from "../../tokenizers/vqgraph/codebook.ts";
import { VQGRAPH_DEFAULTS, vqGraphConfig } from "../../tokenizers/vqgraph/config.ts";
import { nodeFeatures } from "../../tokenizers/vqgraph/features.ts";
import { losses } from "../../tokenizers/vqgraph/network.ts";
import { codeTokens } from "../../tokenizers/vqgraph/tokens.ts";
import { trainVqGraph } from "../../tokenizers/vqgraph/train.ts";

const random = (name: string) => Random.fromSeed(1).derive(name);

/** Edges 0-1, 1-2, twice 1-3; node 4 alone. */
const EDGES: GraphEdges = {
  offset: Int32Array.of(0, 1, 5, 6, 8, 8),
  target: Int32Array.of(1, 0, 2, 3, 3, 1, 1, 1),
  relation: new Uint8Array(8),
  origin: new Uint8Array(8),
};
const LINKS = [
  [0, 1],
  [1, 2],
  [1, 3],
  [1, 3],
] as const;

/** D^-1/2 (A + I) D^-1/2 of these edges as a dense matrix. */
function normalised(): number[][] {
  const count = (i: number, j: number) =>
    (i === j ? 1 : 0) +
    LINKS.filter(([a, b]) => (a === i && b === j) || (a === j && b === i)).length;
  const five = [0, 1, 2, 3, 4];
  const degree = five.map((i) => five.reduce((sum, j) => sum + count(i, j), 0));
  return five.map((i) =>
    five.map((j) => count(i, j) / Math.sqrt((degree[i] ?? 0) * (degree[j] ?? 0))),
  );
}

t.test(
  "features: same neighbours, same features; the layer's sums against a dense matrix",
  async (t) => {
    const width = 64;
    const { own, around } = nodeFeatures(EDGES, width, random("features"));
    const row = (x: Float32Array, i: number) => x.subarray(i * width, (i + 1) * width);
    const dot = (a: number, b: number) =>
      row(own, a).reduce((sum, x, j) => sum + x * (row(own, b)[j] ?? Number.NaN), 0);
    t.ok(Math.abs(dot(0, 2) - 1) < 1e-6, "0 and 2 have node 1 alone");
    t.ok(Math.abs(dot(0, 3) - 1) < 1e-6, "so has 3, whose edge is there twice");
    t.ok(Math.abs(dot(0, 1)) < 0.5);
    t.equal(Math.hypot(...row(own, 4)), 0);
    for (const [i, line] of normalised().entries())
      for (let k = 0; k < width; k++) {
        const wanted = line.reduce((sum, x, j) => sum + x * (own[j * width + k] ?? Number.NaN), 0);
        if (!(Math.abs(wanted - (around[i * width + k] ?? Number.NaN)) < 1e-6)) t.fail(`${i} ${k}`);
      }
  },
);

t.test(
  "a block holds distinct nodes, who is linked to whom, and neighbours of its nodes",
  async (t) => {
    const all = drawBlock(EDGES, 9, 2, random("all"));
    t.same([...all.nodes], [0, 1, 2, 3, 4], "a small graph is taken whole");
    for (let i = 0; i < 5; i++)
      for (let j = 0; j < 5; j++) {
        const isLinked =
          i === j || LINKS.some(([a, b]) => (a === i && b === j) || (a === j && b === i));
        t.equal(all.linked[i * 5 + j], isLinked ? 1 : 0, `${i} ${j}`);
      }
    for (let seed = 0; seed < 20; seed++) {
      const { nodes, linked } = drawBlock(EDGES, 3, 1, random("some").derive(seed));
      t.equal(new Set(nodes).size, 3);
      t.equal(linked.length, 9);
    }
  },
);

const SMALL = { ...VQGRAPH_DEFAULTS, width: 4, codebookSize: 3, coOccurrence: false };

/** The losses of three nodes with made-up inputs, all values by name. */
async function evaluate(
  dtype: FloatType,
  change: (name: string, values: Float64Array) => void = () => {},
  weights: Partial<typeof SMALL> = {},
) {
  const g = new Graph({ dtype });
  const config = { ...SMALL, ...weights };
  const found = losses(g, config);
  const gradient = gradients(found.total, g.scalar(1));
  const names = g.parameters.map(({ name }) => name);
  const dense = g.parameters.flatMap(({ tensor }) => gradient.get(tensor) ?? []);
  const outputs = [found.total, found.feature, found.edge, found.commitment, found.ids, found.unit];
  const session = await Session.create(toOnnx(g, [...outputs, ...dense]));
  const shapes: Record<string, number> = { around: 12, own: 12, linked: 9, codebook: 12 };
  for (const { name, shape } of g.parameters) shapes[name] = shape.reduce((a, b) => a * b, 1);
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, size]) => {
      const draw = random("value").derive(name);
      const values = Float64Array.from({ length: size }, () => draw.normal());
      if (name === "linked") values.set([1, 1, 0, 1, 1, 0, 0, 0, 1]);
      if (name === "codebook")
        for (let i = 0; i < 12; i += 4) {
          const norm = Math.hypot(...values.subarray(i, i + 4));
          for (let j = i; j < i + 4; j++) values[j] = (values[j] ?? 0) / norm;
        }
      change(name, values);
      return [name, dtype === "float64" ? values : Float32Array.from(values)];
    }),
  );
  const results = await session.run(feeds, { n: 3 });
  await session.release();
  const value = (i: number) => results.get((outputs[i] as { name: string }).name) as Float32Array;
  const parameters = names.filter(
    (_, i) => g.parameters[i] && gradient.has(g.parameters[i].tensor),
  );
  return {
    feeds: feeds as Record<string, Float64Array>,
    terms: [0, 1, 2, 3].map((i) => value(i)[0] ?? Number.NaN),
    ids: [...value(4)],
    unit: [...value(5)],
    gradients: new Map(
      parameters.map((name, i) => [name, results.get((dense[i] as { name: string }).name)]),
    ) as Map<string, Float32Array>,
  };
}

t.test("the loss terms against plain loops", async (t) => {
  const { feeds, terms, ids, unit } = await evaluate("float64");
  const get = (name: string) => feeds[name] ?? new Float64Array();
  const affine = (x: number[], name: string) =>
    Array.from({ length: 4 }, (_, j) =>
      x.reduce(
        (sum, v, i) => sum + v * (get(`${name}.weight`)[i * 4 + j] ?? 0),
        get(`${name}.bias`)[j] ?? 0,
      ),
    );
  const nodes = [0, 1, 2];
  const units = nodes.map((i) => {
    const h = affine([...get("around").subarray(4 * i, 4 * i + 4)], "layer").map((x) =>
      Math.max(0, x),
    );
    const norm = Math.hypot(...h);
    return h.map((x) => (norm > 0 ? x / norm : 0));
  });
  for (const [i, x] of units.flat().entries()) t.ok(Math.abs(x - (unit[i] ?? 9)) < 1e-5);
  const codebook = nodes.map((i) => [...get("codebook").subarray(4 * i, 4 * i + 4)]);
  const cosine = (a: number[], b: number[]) => a.reduce((sum, x, j) => sum + x * (b[j] ?? 0), 0);
  const best = units.map((u) => {
    const all = codebook.map((row) => cosine(u, row));
    return all.indexOf(Math.max(...all));
  });
  t.same(ids, best);
  const rows = best.map((id) => codebook[id] ?? []);
  const square = (a: number[], b: number[]) => a.reduce((s, x, j) => s + (x - (b[j] ?? 0)) ** 2, 0);
  const own = nodes.map((i) => [...get("own").subarray(4 * i, 4 * i + 4)]);
  const feature =
    nodes.reduce((s, i) => s + square(affine(rows[i] ?? [], "features"), own[i] ?? []), 0) / 3;
  const commitment = nodes.reduce((s, i) => s + square(units[i] ?? [], rows[i] ?? []), 0) / 3;
  const rebuilt = rows.map((row) => affine(row, "edges"));
  const products = rebuilt.flatMap((a) => rebuilt.map((b) => cosine(a, b)));
  const [low, high] = [Math.min(...products), Math.max(...products)];
  const scaled = products.map((p) => (p - low) / (high - low + 1e-6));
  const edge = Math.sqrt(square(scaled, [...get("linked")]) / 9 + 1e-6);
  const wanted = [feature + edge + 0.25 * commitment, feature, edge, commitment];
  for (const [i, x] of wanted.entries())
    t.ok(Math.abs(x - (terms[i] ?? Number.NaN)) < 1e-5, `term ${i}: ${x} and ${terms[i]}`);
});

/** Worst difference of a parameter's gradient from central differences of the total. */
async function worst(name: string, weights: Partial<typeof SMALL>): Promise<number> {
  const { gradients: ours, feeds } = await evaluate("float64", undefined, weights);
  const gradient = ours.get(name) ?? new Float32Array();
  let most = gradient.length === 0 ? Number.POSITIVE_INFINITY : 0;
  for (let j = 0; j < (feeds[name]?.length ?? 0); j++) {
    const at = async (by: number) => {
      const change = (other: string, values: Float64Array) => {
        if (other === name) values[j] = (values[j] ?? 0) + by;
      };
      return (await evaluate("float64", change, weights)).terms[0] ?? Number.NaN;
    };
    const numeric = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
    most = Math.max(most, Math.abs(numeric - (gradient[j] ?? Number.NaN)));
  }
  return most;
}

t.test(
  "gradients by central differences: the decoders by all, the layer by the commitment",
  async (t) => {
    for (const name of ["features.weight", "features.bias", "edges.weight", "edges.bias"])
      t.ok((await worst(name, {})) < 1e-6, name);
    // Through the codebook gradients pass straight, which no difference can show: the commitment alone does.
    for (const name of ["layer.weight", "layer.bias"])
      t.ok((await worst(name, { featureWeight: 0, edgeWeight: 0 })) < 1e-6, name);
    const { gradients: through } = await evaluate("float64", undefined, { commitment: 0 });
    t.ok(
      [...(through.get("layer.weight") ?? [])].some((x) => x !== 0),
      "and they do reach the layer",
    );
  },
);

t.test("a row of the codebook follows the mean of those that chose it; others stay", async (t) => {
  const codebook = Float32Array.of(1, 0, 0, 1, -1, 0);
  followMeans(codebook, Int32Array.of(1, 1), Float32Array.of(1, 0, 0, 1), 2, 0.8);
  const mean = Math.SQRT1_2;
  const moved = [0.2 * mean, 0.8 + 0.2 * mean];
  const norm = Math.hypot(...moved);
  const wanted = [1, 0, ...moved.map((x) => x / norm), -1, 0];
  for (const [i, x] of wanted.entries()) t.ok(Math.abs(x - (codebook[i] ?? 9)) < 1e-6);
  const started = startCodebook(3, Float32Array.of(0, 2, 3, 0), 2, random("start"));
  for (let i = 0; i < 6; i += 2)
    t.ok(Math.abs(Math.hypot(...started.subarray(i, i + 2)) - 1) < 1e-6);
});

t.test("tokens of a code are its nodes' rows; the vector is their mean", async (t) => {
  const codebook = Float32Array.of(1, 0, 0, 1);
  const rowOf = Int32Array.of(1, 0, 1);
  const made = codeTokens([[0, 1, 2], [], [1]], rowOf, codebook, 2);
  t.equal(made.perPart, 2);
  t.same([...made.ids], [0, 1, -1, -1, 0, -1]);
  for (const [i, x] of [1 / 3, 2 / 3, 0, 0, 1, 0].entries()) {
    t.ok(Math.abs(x - (made.weights[i] ?? 9)) < 1e-6);
    t.ok(Math.abs(x - (made.vectors[i] ?? 9)) < 1e-6, "with unit rows the same numbers");
  }
});

t.test(
  "families end up together, the same every time, whatever the number of threads",
  async (t) => {
    const code = Array.from(
      { length: 60 },
      (_, i) => `ICD10CM/A${10 + Math.floor(i / 6)}.${i % 6}`,
    );
    const graph = buildKnowledgeGraph({ code, description: code });
    const config = vqGraphConfig(
      { codebookSize: 24, width: 16, steps: 60, block: 48, coOccurrence: false, restartEvery: 20 },
      60,
    );
    const train = (threads: number) =>
      trainVqGraph(graph, config, {
        random: random("train"),
        threads,
        report: () => {},
        signal: new AbortController().signal,
      });
    const [one, two] = [await train(1), await train(2)];
    t.same(one.rowOf, two.rowOf);
    t.same(one.codebook, two.codebook);
    let [inside, pairs, across, others] = [0, 0, 0, 0];
    for (let a = 0; a < 60; a++)
      for (let b = 0; b < a; b++) {
        const isSame = one.rowOf[a] === one.rowOf[b] ? 1 : 0;
        if (Math.floor(a / 6) === Math.floor(b / 6)) {
          inside += isSame;
          pairs += 1;
        } else {
          across += isSame;
          others += 1;
        }
      }
    t.ok(inside / pairs > 0.8, `siblings share a row: ${inside / pairs}`);
    t.ok(across / others < 0.2, `others do not: ${across / others}`);
  },
);

t.test("options that cannot be are refused", async (t) => {
  for (const [options, message] of [
    [{ mode: "words" }, /mode cannot be words/],
    [{ block: 0 }, /block cannot be 0/],
    [{ decay: 1 }, /decay cannot be 1/],
    [{ graph: "primekg", coOccurrence: true }, /no edges between codes/],
  ] as const)
    t.throws(() => vqGraphConfig({ ...VQGRAPH_DEFAULTS, ...options }, 10), {
      name: "BenchError",
      message,
    });
});
