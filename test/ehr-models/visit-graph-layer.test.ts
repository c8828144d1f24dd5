import t from "tap";
import { Random } from "../../core/random.ts";
import { edgeType, graphLayer } from "../../ehr-models/visit-graph-layer.ts";
import { Graph } from "../../engine/graph.ts";
import { normal } from "../../engine/initial.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { affinePlain, type Vector } from "../support/plain-layers.ts";

const stream = (name: string) => Random.fromSeed(4).derive(name);

t.test("edges have seven types: six pairs of classes, and the virtual node's", async (t) => {
  const types = [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => edgeType(a, b)));
  t.same(types, [0, 1, 2, 1, 3, 4, 2, 4, 5]);
  t.same(
    [0, 1, 2, 3].map((a) => edgeType(a, 3)),
    [6, 6, 6, 6],
  );
});

/** The layer's equations edge by edge, for one graph. */
function layerPlain(
  p: ReadonlyMap<string, Float32Array>,
  x: readonly Vector[],
  classes: readonly number[],
  isThere: readonly boolean[],
  merge: "project" | "mean",
): Vector[] {
  const g = x[0]?.length ?? 0;
  const named = new Map([...p].map(([name, values]) => [name.replace(/^layer\./, ""), values]));
  const of = (name: string) => named.get(name) ?? new Float32Array();
  const norm = (u: Vector, name: string) => {
    const mean = u.reduce((a, b) => a + b, 0) / g;
    const variance = u.reduce((a, b) => a + (b - mean) ** 2, 0) / g;
    return u.map(
      (value, j) =>
        ((value - mean) / Math.sqrt(variance + 1e-5)) * (of(`${name}.gain`)[j] as number) +
        (of(`${name}.bias`)[j] as number),
    );
  };
  const unit = x.map((u) => norm(u, "norm1"));
  const [q, k, v] = ["query", "key", "value"].map((name) =>
    unit.map((u) => affinePlain(named, name, u)),
  ) as [Vector[], Vector[], Vector[]];
  const head = (u: Vector, h: number) => u.slice(h * g, (h + 1) * g);
  const edge = (type: number, h: number): Vector =>
    Array.from({ length: g }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < g; i++)
        sum +=
          (of("edges")[type * g + i] as number) *
          (of("edgeWeight")[i * 2 * g + h * g + j] as number);
      return sum;
    });
  const plus = (a: Vector, b: Vector) => a.map((value, j) => value + (b[j] as number));
  const dot = (a: Vector, b: Vector) =>
    a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
  return x.map((own, i) => {
    const heads = [0, 1].map((h) => {
      const scores = x.map((_, j) => {
        const e = edge(edgeType(classes[i] as number, classes[j] as number), h);
        const s = dot(head(q[i] as Vector, h), plus(head(k[j] as Vector, h), e)) / Math.sqrt(g);
        return isThere[j] ? Math.exp(s) : 0;
      });
      const total = scores.reduce((a, b) => a + b, 0);
      return scores.reduce<Vector>((o, s, j) => {
        const e = edge(edgeType(classes[i] as number, classes[j] as number), h);
        return plus(
          o,
          plus(head(v[j] as Vector, h), e).map((value) => (value * s) / total),
        );
      }, new Array<number>(g).fill(0));
    });
    const merged =
      merge === "mean"
        ? plus(heads[0] as Vector, heads[1] as Vector).map((value) => value / 2)
        : affinePlain(named, "merge", heads.flat());
    const y = plus(own, merged);
    const inner = affinePlain(named, "expand", norm(y, "norm2")).map(geluPlain);
    return plus(y, affinePlain(named, "contract", inner));
  });
}

function geluPlain(x: number): number {
  let sum = 0;
  let term = x / Math.SQRT2;
  for (let n = 0; n < 40; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / 2 / (n + 1);
  }
  return (x * (1 + (2 / Math.sqrt(Math.PI)) * sum)) / 2;
}

for (const merge of ["project", "mean"] as const) {
  t.test(
    `a graph layer (heads merged by ${merge}) is that of its equations, edge by edge (GB2)`,
    async (t) => {
      const [G, n, width] = [3, 5, 4];
      const g = new Graph();
      const nodeClass = g.input("class", ["G", "n"], "int32");
      const nodeMask = g.input("mask", ["G", "n"]);
      const x = g.input("x", ["G*n", width]);
      const options = { heads: 2, dropout: 0, nodeClass, nodeMask, merge };
      const y = graphLayer(x, "layer", { ...options, keep: undefined });
      const session = await Session.create(toOnnx(g, [y]));
      const parameters = new Map<string, Float32Array>();
      for (const { name, shape } of g.parameters) {
        const size = shape.reduce((a, b) => a * b, 1);
        parameters.set(name, normal(0.7)(stream(name), size));
        session.hold(name, parameters.get(name) as Float32Array);
      }
      const values = normal(1)(stream("x"), G * n * width);
      const classes = Int32Array.of(3, 0, 1, 2, 0, 3, 2, 2, 1, 0, 3, 0, 0, 0, 0);
      const mask = Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0);
      const out =
        (await session.run({ x: values, class: classes, mask }, { G, n })).get(y.name) ?? [];
      for (let graph = 0; graph < G; graph++) {
        const slots = Array.from({ length: n }, (_, i) => graph * n + i);
        const rows = slots.map((at) => [...values.slice(at * width, (at + 1) * width)]);
        const plain = layerPlain(
          parameters,
          rows,
          slots.map((at) => classes[at] as number),
          slots.map((at) => mask[at] === 1),
          merge,
        );
        for (const [i, at] of slots.entries())
          if (mask[at] === 1)
            for (let j = 0; j < width; j++)
              t.ok(Math.abs((out[at * width + j] as number) - (plain[i]?.[j] as number)) < 1e-4);
      }
      await session.release();
    },
  );
}
