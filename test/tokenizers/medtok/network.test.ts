/** The encoders: adjacency by hand, padding, buckets, and gradients of every parameter by central differences. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import { gradients } from "../../../engine/gradient.ts";
import { Graph, type Tensor } from "../../../engine/graph.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { mul } from "../../../engine/ops/elementwise.ts";
import { sum } from "../../../engine/ops/reduction.ts";
import { type FeedArray, Session } from "../../../engine/runner.ts";
import { Batcher, heldTables, largest, sizesOf } from "../../../tokenizers/medtok/batch.ts";
import { type MedTokConfig, medTokConfig } from "../../../tokenizers/medtok/config.ts";
import { encode, inputName } from "../../../tokenizers/medtok/network.ts";
import type { MedTokInputs } from "../../../tokenizers/medtok/types.ts";
import { madeUpInputs } from "../../support/medtok-inputs.ts";

const inputs = madeUpInputs(11, 6);
const config = medTokConfig({ codebookSize: 48, width: 4, heads: 2, graphWidth: 5 }, 11);

/** One code whose subgraph has these edges. */
function withEdges(nodes: number, edges: readonly (readonly [number, number])[]): MedTokInputs {
  const base = madeUpInputs(1);
  return {
    ...base,
    subgraphs: {
      nodeCount: nodes,
      nodeOffset: Int32Array.of(0, nodes),
      node: Int32Array.from({ length: nodes }, (_, i) => i),
      core: Int32Array.of(1),
      edgeOffset: Int32Array.of(0, edges.length),
      edgeFrom: Uint16Array.from(edges, ([a]) => a),
      edgeTo: Uint16Array.from(edges, ([, b]) => b),
      hash: "",
    },
  };
}

function adjacency(own: MedTokInputs, view?: Random, edgeDropout = 0): Float32Array {
  const options = view === undefined ? { buckets: 1 } : { buckets: 1, view, edgeDropout };
  const { feeds } = new Batcher(own, config).feeds(Int32Array.of(0), options);
  return feeds[inputName(0, view === undefined ? "adjacency" : "viewAdjacency")] as Float32Array;
}

function isNear(a: ArrayLike<number>, b: readonly number[]): boolean {
  return b.every((value, i) => Math.abs((a[i] as number) - value) < 1e-6) && a.length === b.length;
}

t.test("a path of three nodes, an isolated node, a doubled edge, by hand", async (t) => {
  const s = 1 / Math.sqrt(6);
  const path = [
    [0, 1],
    [1, 2],
  ] as const;
  t.ok(isNear(adjacency(withEdges(3, path)), [1 / 2, s, 0, s, 1 / 3, s, 0, s, 1 / 2]));
  t.ok(isNear(adjacency(withEdges(1, [])), [1]), "one node alone keeps its own state");
  // A pair joined twice: degrees 3, weight 2 between them.
  const twice = [
    [0, 1],
    [0, 1],
  ] as const;
  t.ok(isNear(adjacency(withEdges(2, twice)), [1 / 3, 2 / 3, 2 / 3, 1 / 3]));
});

t.test("the view drops each edge with its probability, never a node", async (t) => {
  const edges = Array.from({ length: 200 }, (_, i) => [0, i + 1] as const);
  const own = withEdges(201, edges);
  const dropped = adjacency(own, Random.fromSeed(1).derive("view"), 0.1);
  let kept = 0;
  for (let i = 1; i <= 200; i++) if ((dropped[i] as number) > 0) kept += 1;
  t.ok(kept > 160 && kept < 196, `${kept} of 200 kept`);
  for (let i = 0; i <= 200; i++) t.ok((dropped[i * 201 + i] as number) > 0);
  t.ok(isNear(adjacency(own, Random.fromSeed(1).derive("view"), 0), [...adjacency(own)]));
});

/** A float64 graph with made-up parameters, ready to run. */
async function built(own: MedTokInputs, c: MedTokConfig, buckets: number, withSlopes = false) {
  const g = new Graph({ dtype: "float64" });
  const { parts } = encode(g, c, sizesOf(own, buckets));
  const present = parts.filter((part) => part !== undefined);
  const random = Random.fromSeed(8);
  const values: Record<string, FeedArray> = {};
  for (const { name, shape } of g.parameters) {
    const stream = random.derive(name);
    const size = shape.reduce((a, b) => a * b, 1);
    values[name] = Float64Array.from({ length: size }, () => 0.6 * stream.normal());
  }
  for (const [name, table] of Object.entries(heldTables(own, c)))
    values[name] = Float64Array.from(table as Float32Array);
  const weighted = present.map((part, i) => sum(mul(part, g.input(`w${i}`, part.shape))));
  const total = weighted.reduce((a, b) => g.emit("Add", [a, b], []), g.scalar(0));
  const found = withSlopes ? weighted.map((x) => gradients(x, g.scalar(1))) : [];
  const slopeOf = (x: Tensor) => found.flatMap((one) => one.get(x) ?? []);
  return { g, present, values, total, slopeOf };
}

/** Feeds in float64. */
function doubled(feeds: Readonly<Record<string, FeedArray>>): Record<string, FeedArray> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, x]) => [
      name,
      x instanceof Float32Array ? Float64Array.from(x) : x,
    ]),
  );
}

async function partsOf(
  own: MedTokInputs,
  rows: readonly number[],
  options: Parameters<Batcher["feeds"]>[1],
): Promise<Map<number, number[]>> {
  const { g, present, values } = await built(own, config, options.buckets);
  const nodes = present.map((part) => g.emit("Identity", [part], part.shape));
  const session = await Session.create(toOnnx(g, nodes));
  const made = new Batcher(own, config).feeds(Int32Array.from(rows), options);
  const names = new Set(session.model.inputs.map(({ name }) => name));
  const all = { ...values, ...doubled(made.feeds) };
  const results = await session.run(
    Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name))),
    made.dims,
  );
  await session.release();
  const found = new Map<number, number[]>();
  for (const [at, row] of made.rows.entries())
    found.set(
      row,
      nodes.flatMap((x) => [...(results.get(x.name) as Float64Array).subarray(at * 4, at * 4 + 4)]),
    );
  return found;
}

t.test(
  "codes in one batch equal codes one at a time: masks, padding and buckets change nothing",
  async (t) => {
    const rows = [3, 0, 10, 7, 4, 1];
    const together = await partsOf(inputs, rows, { buckets: 1 });
    const bucketed = await partsOf(inputs, rows, { buckets: 3 });
    const pad = { nodes: largest(inputs).nodes + 5, words: largest(inputs).words + 4 };
    const padded = await partsOf(inputs, rows, { buckets: 1, pad });
    for (const row of rows) {
      const alone = (await partsOf(inputs, [row], { buckets: 1 })).get(row) ?? [];
      t.equal(alone.length, 16);
      for (const other of [together, bucketed, padded]) {
        const own = other.get(row) ?? [];
        const worst = Math.max(...alone.map((x, i) => Math.abs(x - (own[i] as number))));
        t.ok(worst < 1e-12, `row ${row}: ${worst}`);
      }
    }
  },
);

t.test("a code without a description, a code of one node: finite", async (t) => {
  const bare = withEdges(1, []);
  const empty = {
    ...bare,
    text: {
      ...bare.text,
      sentence: new Float32Array(bare.text.width),
      wordOffset: Int32Array.of(0, 0),
      wordId: new Int32Array(0),
    },
  };
  const made = await partsOf(empty, [0], { buckets: 1 });
  t.ok((made.get(0) ?? [Number.NaN]).every(Number.isFinite));
});

type Reader = (x: Tensor) => Float64Array;

/** A parameter's gradient: what reached it directly, and the rows of its look-ups put in their places. */
function gradientOf(
  p: { readonly name: string; readonly tensor: Tensor; readonly size: number },
  { g, slopeOf }: Awaited<ReturnType<typeof built>>,
  read: Reader,
  feeds: Readonly<Record<string, FeedArray>>,
): Float64Array {
  const ours = new Float64Array(p.size);
  const add = (at: number, value: number) => {
    ours[at] = (ours[at] as number) + value;
  };
  for (const x of slopeOf(p.tensor)) read(x).forEach((value, i) => void add(i, value));
  for (const { table, ids, rows } of g.lookups.filter((l) => l.table.name === p.name)) {
    const width = table.shape[1] as number;
    for (const x of slopeOf(rows))
      for (const [at, id] of (feeds[ids.name] as Int32Array).entries())
        for (let j = 0; j < width; j++) add(id * width + j, read(x)[at * width + j] as number);
  }
  return ours;
}

/** (f(x + h) - f(x - h)) / 2h in one coordinate of `x`. */
async function centralDifference(x: Float64Array, i: number, f: () => Promise<number>) {
  const before = x[i] as number;
  x[i] = before + 1e-5;
  const up = await f();
  x[i] = before - 1e-5;
  const down = await f();
  x[i] = before;
  return (up - down) / 2e-5;
}

/** Worst difference between our gradients and central differences over some coordinates of every parameter. */
async function worstSlope(modality: MedTokConfig["modality"]): Promise<number> {
  const c = { ...config, modality };
  const made = await built(inputs, c, 1, true);
  const { g, values, total, slopeOf, present } = made;
  const random = Random.fromSeed(9);
  for (const [i] of present.entries())
    values[`w${i}`] = Float64Array.from({ length: 3 * 4 }, () => random.normal());
  const sources = [...g.parameters.map((p) => p.tensor), ...g.lookups.map((l) => l.rows)];
  const session = await Session.create(toOnnx(g, [total, ...sources.flatMap(slopeOf)]));
  const step = new Batcher(inputs, c).feeds(Int32Array.of(1, 2, 6), { buckets: 1 });
  const all = { ...values, ...doubled(step.feeds) };
  const names = new Set(session.model.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)));
  const first = await session.run(feeds, step.dims);
  const value = async () => (await session.run(feeds, step.dims)).get(total.name)?.[0] as number;
  let worst = 0;
  for (const { name, tensor } of g.parameters) {
    const own = feeds[name] as Float64Array;
    const p = { name, tensor, size: own.length };
    const ours = gradientOf(p, made, (x) => first.get(x.name) as Float64Array, feeds);
    for (let i = 0; i < own.length; i += Math.max(1, Math.floor(own.length / 6))) {
      const wanted = await centralDifference(own, i, value);
      const difference = Math.abs(wanted - (ours[i] as number));
      worst = Math.max(worst, difference / Math.max(1, Math.abs(wanted)));
    }
  }
  await session.release();
  return worst;
}

t.test("gradients of every parameter agree with central differences", async (t) => {
  for (const modality of ["both", "text", "graph"] as const) {
    const worst = await worstSlope(modality);
    t.ok(worst < 1e-7, `${modality}: ${worst}`);
  }
});

t.test(
  "the nodes that stand for a code share half of its mean, and attention starts there",
  async (t) => {
    const base = withEdges(5, [[0, 1]]);
    const own = { ...base, subgraphs: { ...base.subgraphs, core: Int32Array.of(2) } };
    const feedsOf = (given: MedTokInputs, ownShare: number) => {
      const feeds = new Batcher(given, { ...config, ownShare }).feeds(Int32Array.of(0), {
        buckets: 1,
        pad: { nodes: 6, words: 2 },
      }).feeds;
      const read = (what: string) => feeds[inputName(0, what)] as Float32Array;
      return { share: read("share").slice(), bias: read("nodeBias").slice() };
    };
    const { share, bias } = feedsOf(own, 0.5);
    t.ok(isNear(share, [1 / 4, 1 / 4, 1 / 6, 1 / 6, 1 / 6, 0]));
    const [near, far] = [Math.log(5 / 4), Math.log(5 / 6)];
    t.ok(isNear(bias.subarray(0, 5), [near, near, far, far, far]), "as many times likelier");
    t.ok((bias[5] as number) < -1e8, "padding is hidden");
    const alike = [1 / 5, 1 / 5, 1 / 5, 1 / 5, 1 / 5, 0];
    t.ok(isNear(feedsOf(own, 0).share, alike), "the public code: all alike");
    t.ok(isNear(feedsOf(own, 0).bias.subarray(0, 5), [0, 0, 0, 0, 0]));
    const none = { ...base, subgraphs: { ...base.subgraphs, core: Int32Array.of(0) } };
    t.ok(isNear(feedsOf(none, 0.5).share, alike), "a published graph names no such nodes");
    const only = { ...base, subgraphs: { ...base.subgraphs, core: Int32Array.of(5) } };
    t.ok(isNear(feedsOf(only, 0.5).share, alike), "nothing else is there");
  },
);
