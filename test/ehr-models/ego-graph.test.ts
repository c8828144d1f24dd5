/** The graph's layers against the equations of the file's head, computed node by node over float64. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { readEgoGraph } from "../../ehr-models/ego-graph.ts";
import { CODE_TYPES } from "../../ehr-models/typed-codes.ts";
import { Graph } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { affinePlain, type Vector } from "../support/plain-layers.ts";

const [D, H, T, N] = [4, 2, 3, 2];
const W = D / H;
const draws = (name: string, size: number) => {
  const random = Random.fromSeed(8).derive(name);
  return Float32Array.from({ length: size }, () => random.normal());
};
const parameters = new Map<string, Float32Array>();
const one = (name: string) => parameters.get(name) as Float32Array;

/** m_r(y) from the equations: keys through A_r, values through M_r, over the neighbours alone. */
function messagePlain(
  scope: string,
  relation: string,
  type: string,
  y: Vector,
  from: readonly Vector[],
): Vector {
  const target = relation.startsWith("visitOf") ? "sample" : "visit";
  const Q = affinePlain(parameters, `${scope}.${target}.query`, y);
  const part = (x: Vector, head: number) => x.slice(head * W, (head + 1) * W);
  const through = (x: Vector, name: string, head: number) =>
    Array.from({ length: W }, (_, j) =>
      x.reduce((s, v, i) => s + v * (one(name)[(head * W + i) * W + j] as number), 0),
    );
  return Array.from({ length: H }, (_, head) => {
    const weight = one(`${scope}.${relation}.weight`)[head] as number;
    const scores = from.map((x) => {
      const key = part(affinePlain(parameters, `${scope}.${type}.key`, x), head);
      const turned = through(key, `${scope}.${relation}.attention`, head);
      const dot = turned.reduce((s, v, i) => s + v * (part(Q, head)[i] as number), 0);
      return Math.exp((dot * weight) / Math.sqrt(W));
    });
    const total = scores.reduce((a, b) => a + b, 0);
    const sum: Vector = new Array<number>(W).fill(0);
    for (const [k, x] of from.entries()) {
      const value = part(affinePlain(parameters, `${scope}.${type}.value`, x), head);
      for (const [j, v] of through(value, `${scope}.${relation}.message`, head).entries())
        sum[j] = (sum[j] as number) + ((scores[k] as number) / total) * v;
    }
    return sum;
  }).flat();
}

function updatePlain(scope: string, type: string, x: Vector, messages: readonly Vector[]): Vector {
  const mean = x.map(
    (_, j) => messages.reduce((s, m) => s + (m[j] as number), 0) / messages.length,
  );
  const gate = 1 / (1 + Math.exp(-(one(`${scope}.${type}.skip`)[0] as number)));
  const out = affinePlain(parameters, `${scope}.${type}.output`, mean);
  const mixed = out.map((o, j) => gate * o + (1 - gate) * (x[j] as number));
  const centre = mixed.reduce((a, b) => a + b, 0) / D;
  const spread = mixed.reduce((a, b) => a + (b - centre) ** 2, 0) / D;
  return mixed.map((v, j) => {
    const normed = (v - centre) / Math.sqrt(spread + 1e-5);
    const gain = one(`${scope}.${type}.norm.gain`)[j] as number;
    return normed * gain + (one(`${scope}.${type}.norm.bias`)[j] as number);
  });
}

const byType = <V>(make: (type: string) => V) =>
  Object.fromEntries(CODE_TYPES.map((type) => [type, make(type)] as const)) as Record<
    (typeof CODE_TYPES)[number],
    V
  >;

t.test("two layers of its attention are the equations, node by node", async (t) => {
  const g = new Graph();
  const nodes = (name: string, count: number) => ({
    states: g.input(name, [`${count}*B`, D]),
    count,
  });
  const state = readEgoGraph(
    {
      codes: byType((type) => nodes(`codes.${type}`, N)),
      visits: nodes("visits", T),
      sample: nodes("sample", 1),
      ofVisit: byType((type) => g.input(`of.${type}`, ["B", T, N])),
      before: g.input("before", ["B", T, T]),
      visitMask: g.input("visitMask", ["B", 1, T]),
    },
    "causal",
    { width: D, heads: H, layers: 2, dropout: 0 },
  );
  const session = await Session.create(toOnnx(g, [state]));
  for (const { name, shape } of g.parameters) {
    parameters.set(
      name,
      draws(
        name,
        shape.reduce((a, b) => a * b, 1),
      ),
    );
    session.hold(name, one(name));
  }
  // Code 0 of each type is of visit 0, code 1 of visit 2; visit 1 has none.
  const of = Float32Array.of(1, 0, 0, 0, 0, 1);
  const feeds: Record<string, Float32Array> = {
    visits: draws("visits", T * D),
    sample: draws("sample", D),
    before: Float32Array.of(0, 0, 0, 1, 0, 0, 1, 1, 0),
    visitMask: Float32Array.of(1, 1, 1),
  };
  for (const type of CODE_TYPES) {
    feeds[`codes.${type}`] = draws(`codes.${type}`, N * D);
    feeds[`of.${type}`] = of;
  }
  const found = [...((await session.run(feeds, { B: 1 })).get(state.name) ?? [])];
  await session.release();

  const row = (name: string, i: number): Vector => [
    ...(feeds[name] as Float32Array).subarray(i * D, (i + 1) * D),
  ];
  const none: Vector = new Array<number>(D).fill(0);
  const visits = [0, 1, 2].map((v) => row("visits", v));
  const scope = "causal.layer0";
  const newVisits = visits.map((y, v) => {
    const heard = CODE_TYPES.map((type) => {
      const code = v === 0 ? 0 : v === 2 ? 1 : -1;
      if (code === -1) return none;
      return messagePlain(scope, `${type}OfVisit`, type, y, [row(`codes.${type}`, code)]);
    });
    const earlier = visits.slice(0, v);
    const before = v === 0 ? none : messagePlain(scope, "visitBeforeVisit", "visit", y, earlier);
    return updatePlain(scope, "visit", y, [...heard, before]);
  });
  const sampleOf = (scope: string, sample: Vector, from: readonly Vector[]) =>
    updatePlain(scope, "sample", sample, [
      messagePlain(scope, "visitOfSample", "visit", sample, from),
    ]);
  const first = sampleOf(scope, row("sample", 0), visits);
  const wanted = sampleOf("causal.layer1", first, newVisits);
  for (const [j, value] of wanted.entries())
    t.ok(Math.abs(value - (found[j] as number)) < 1e-4, `${value} and ${found[j]}`);
});
