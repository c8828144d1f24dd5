import t from "tap";
import type { Random as Stream } from "../../core/random.ts";
import { Random } from "../../core/random.ts";
import { drugClasses } from "../../ehr-models/drug-graphs.ts";
import { drawEdges } from "../../ehr-models/graph-edges.ts";
import { meanAndVariance, NOISE, noiseLoss } from "../../ehr-models/mult-ehr-losses.ts";
import { ANSWERS, answersAbout, nextVisits } from "../../ehr-models/next-visit.ts";
import { visitInputs } from "../../ehr-models/visit-inputs.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { Session } from "../../engine/runner.ts";
import { worstDifference } from "../engine/check-gradient.ts";
import { codeTable, learnedTokenizer } from "../support/samples.ts";
import { A01, A02, A03, DIAGNOSIS, sourceWith, subject } from "../support/subject.ts";

const CODES = codeTable();
const CLASSES = drugClasses(CODES, ["A01A", "A02A", "A03A"]);
const tokenizer = learnedTokenizer();
const stream = (seed: number): Stream => Random.fromSeed(seed).derive("test");
const PROCEDURE = 1;

t.test("edges join two codes of one visit, and their relation is the pair of kinds", async (t) => {
  const timelines = sourceWith(subject([DIAGNOSIS, A01], [PROCEDURE, A02]));
  const pairs = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { feeds, weight } = drawEdges(timelines, tokenizer, Int32Array.of(0), stream(seed));
    const [x, y, relation] = ["x", "y", "relation"].map((name) => feeds[`edges.${name}`]);
    t.equal(weight, 8);
    for (let e = 0; e < 8; e++) {
      const [a, b] = [Number(x?.[e]) - 2, Number(y?.[e]) - 2];
      pairs.add([a, b].sort((p, q) => p - q).join());
      t.equal(relation?.[e], (CODES.kind[a] ?? 0) * 7 + (CODES.kind[b] ?? 0));
    }
  }
  t.same([...pairs].sort(), [`${DIAGNOSIS},${A01}`, `${PROCEDURE},${A02}`].sort());
});

t.test("a code alone has no edge", async (t) => {
  const timelines = sourceWith(subject([DIAGNOSIS], [PROCEDURE]), subject());
  t.equal(drawEdges(timelines, tokenizer, Int32Array.of(0, 1), stream(1)).weight, 0);
});

t.test("answers about a visit are read off its codes and times", async (t) => {
  const died = CODES.code.map((code, row) => (row === 3 ? "HOSPITAL_DISCHARGE/DIED" : code));
  const { history } = subject([DIAGNOSIS, A01], [A02, A03, 3]);
  const about = (visit: number, start: number[], end: number[]) =>
    answersAbout(
      { ...history, visitStart: Float32Array.from(start), visitEnd: Float32Array.from(end) },
      visit,
      { ...CODES, code: died },
      CLASSES,
    );
  t.same(about(1, [50, 20], [35, 12.5]), {
    died: true,
    soon: true, // 15 days after the visit before
    stay: 7, // 7.5 days
    drugs: new Set([1, 2]),
  });
  t.match(about(1, [50, 19], [35, 18.5]), { soon: false, stay: 0 });
  t.match(about(1, [50, 20], [35, Number.NaN]), { stay: undefined });
  t.match(about(1, [50, 20], [Number.NaN, 3]), { soon: undefined, stay: 9 });
  t.same(about(0, [50, 20], [41.5, 12.5]), {
    died: false,
    soon: undefined,
    stay: 8,
    drugs: new Set([0]),
  });
  t.match(answersAbout(subject([DIAGNOSIS]).history, 0, CODES, CLASSES), { drugs: undefined });
});

const COLUMNS = [
  ...(["codes", "mask", "membership", "visitMask", "visitsAfter", "visitDays", "age"] as const),
  "utilisation" as const,
];

/** What is shown of a timeline and asked about it; with T = 3. */
function asked(seed: number, person: ReturnType<typeof subject>) {
  const timelines = sourceWith(person);
  const options = {
    maxVisits: 3,
    maxVisitCodes: 9,
    order: "oldest-first",
    fixedVisits: true,
  } as const;
  const collated = visitInputs(timelines, tokenizer, options, COLUMNS).collate(Int32Array.of(0));
  const task = { timelines, codes: CODES, classes: CLASSES, maxVisits: 3 };
  return nextVisits(task, Int32Array.of(0), collated, stream(seed));
}

t.test(
  "the asked visit and all after it are hidden, and times tell nothing of it (M1, M2)",
  async (t) => {
    const drugs = [[A01], [A02], [A03]];
    const person = subject([DIAGNOSIS, A01], [PROCEDURE, A02], [2, A03]);
    const seen = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      const { feeds, weight } = asked(seed, person);
      const visits = [...(feeds["visitMask"] ?? [])].map(Number);
      const shown = visits.reduce((a, b) => a + b, 0);
      seen.add(shown);
      t.equal(weight, 1);
      t.same(
        visits,
        [0, 1, 2].map((v) => (v < shown ? 1 : 0)),
      );
      const members = [...(feeds["membership"] ?? [])].map(Number).reduce((a, b) => a + b, 0);
      const real = [...(feeds["mask"] ?? [])].map(Number).reduce((a, b) => a + b, 0);
      t.same([members, real], [2 * shown, 2 * shown]);
      t.equal(feeds["visitsAfter"]?.[shown - 1], 0, "the last shown visit is the last");
      t.equal(
        feeds["visitDays"]?.[shown - 1],
        3,
        "days from its start to its end, no gap after it",
      );
      const recency = shown > 1 ? 30 / 37 : 0;
      const use = [Math.log1p(shown - 1), recency, Math.log1p(3), 1];
      t.same(feeds["utilisation"], Float32Array.from(use), "visits so far, gap, length");
      const answer = [...(feeds[ANSWERS.drugs] ?? [])].map(Number);
      t.same(
        answer,
        [0, 1, 2].map((d) => (drugs[shown]?.[0] === [A01, A02, A03][d] ? 1 : 0)),
      );
    }
    t.same([...seen].sort(), [1, 2], "the first visit is always shown");
  },
);

t.test("of a single visit nothing is shown; without one nothing is asked", async (t) => {
  const { feeds, weight } = asked(1, subject([DIAGNOSIS, A01]));
  t.same([...(feeds["visitMask"] ?? [])], [0, 0, 0]);
  t.equal(weight, 1);
  t.equal(asked(1, subject()).weight, 0);
});

t.test(
  "a record whose codes lie outside visits has no time to count from, and no NaN",
  async (t) => {
    const one = subject([DIAGNOSIS]);
    const unknown = Float32Array.of(Number.NaN);
    const { feeds } = asked(1, {
      ...one,
      history: { ...one.history, visitStart: unknown, visitEnd: unknown },
    });
    for (const [name, values] of Object.entries(feeds))
      t.ok(
        [...values].every((x) => Number.isFinite(Number(x))),
        name,
      );
  },
);

t.test("visits that are cut stay cut, and the asked one is the right one", async (t) => {
  const person = subject([3], [4], [DIAGNOSIS], [PROCEDURE], [A03]);
  for (let seed = 0; seed < 8; seed++) {
    const { feeds } = asked(seed, person);
    const shown = [...(feeds["visitMask"] ?? [])].map(Number).reduce((a, b) => a + b, 0);
    t.equal(feeds[ANSWERS.drugsKnown]?.[0], shown === 2 ? 1 : 0, "a drug in the last visit only");
  }
});

t.test("mean and variance of losses, with the variance's gradient (M6)", async (t) => {
  const worst = await worstDifference({
    name: "variance",
    shapes: [[], [], []],
    ours: (leaves) => meanAndVariance(leaves),
  });
  t.ok(worst < 1e-8, `${worst}`);
  const g = new Graph({ dtype: "float64" });
  const y = meanAndVariance([1, 2, 6].map((x) => g.scalar(x)));
  const session = await Session.create(toOnnx(g, [y]));
  const value = (await session.run({})).get(y.name)?.[0] ?? Number.NaN;
  t.ok(Math.abs(value - (3 + (4 + 1 + 9) / 3)) < 1e-12);
  await session.release();
});

/** The loss of h~ [2, 3] and its gradient, in float64. */
async function noise(h: Float64Array, u: Float64Array, weights: number[]) {
  const g = new Graph({ dtype: "float64" });
  const trivial = g.input("h", ["B", 3]);
  trivial.tracked = true;
  const weighting = { weight: g.input("weight", ["B", 1]), total: g.input("total", []) };
  const loss = noiseLoss(trivial, weighting);
  const slope = gradients(loss, g.scalar(1)).get(trivial) as Tensor;
  const session = await Session.create(toOnnx(g, [loss, slope]));
  const total = weights.reduce((a, b) => a + b, 0);
  const feeds = {
    h,
    [NOISE]: u,
    weight: Float64Array.from(weights),
    total: Float64Array.of(total),
  };
  const results = await session.run(feeds, { B: 2 });
  await session.release();
  return { loss: results.get(loss.name)?.[0] ?? Number.NaN, slope: results.get(slope.name) ?? [] };
}

t.test("the push to noise is the symmetric divergence, a mean over samples (M7)", async (t) => {
  const h = Float64Array.of(3, 1, 2, -4, 0, 0.5);
  const u = Float64Array.of(0.2, 0.9, 0.4, 0.1, 0.3, 0.8);
  const softmax = (x: readonly number[]) => {
    const e = x.map(Math.exp);
    return e.map((v) => v / e.reduce((a, b) => a + b, 0));
  };
  const plain = (b: number) => {
    const row = [...h.slice(3 * b, 3 * b + 3)];
    const low = Math.min(...row);
    const p = softmax(row.map((x) => (x - low) / (Math.max(...row) - low + 1e-6)));
    const q = softmax([...u.slice(3 * b, 3 * b + 3)]);
    const kl = (a: number[], c: number[]) =>
      a.reduce((sum, x, i) => sum + x * Math.log(x / (c[i] ?? 1)), 0);
    return (kl(p, q) + kl(q, p)) / 2;
  };
  const { loss } = await noise(h, u, [1, 1]);
  t.ok(Math.abs(loss - (plain(0) + plain(1)) / 2) < 1e-12);
  t.ok(Math.abs((await noise(h, u, [1, 0])).loss - plain(0)) < 1e-12, "padding weighs nothing");
  const flat = await noise(new Float64Array(6), u, [1, 1]);
  t.ok(Number.isFinite(flat.loss) && [...flat.slope].every(Number.isFinite), "no range, no NaN");
});
