import t from "tap";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { bootstrap, percentileInterval } from "../../metrics/bootstrap.ts";
import { type EvaluationInput, evaluate } from "../../metrics/index.ts";
import { quantile } from "../../metrics/statistics.ts";
import { plainGaps } from "./plain.ts";

const DRAWS = 60;

/** 40 samples of 15 subjects, subject ids out of order, one subject with a third of the samples. */
function example(spec: LabelSpec): EvaluationInput {
  const random = Random.fromSeed(21).derive("example");
  const size = 40;
  const classes = spec.classes.length;
  const labels = new Uint8Array(size * classes);
  const probabilities = new Float32Array(size * classes);
  for (let i = 0; i < size; i++) {
    const truth = random.below(classes);
    for (let c = 0; c < classes; c++) {
      const positive = spec.kind === "multiclass" ? c === truth : random.uniform() < 0.4;
      labels[i * classes + c] = positive ? 1 : 0;
      probabilities[i * classes + c] = random.below(9) / 8;
    }
    if (spec.kind !== "multiclass") continue;
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const total = row.reduce((sum, p) => sum + p + 0.1, 0);
    row.forEach((p, c) => {
      row[c] = (p + 0.1) / total;
    });
  }
  const subjects = Float64Array.from({ length: size }, (_, i) =>
    i % 3 === 0 ? 500 : 900 - random.below(14),
  );
  return {
    spec,
    labels,
    probabilities,
    subjects,
    thresholds: spec.classes.map(() => 0.5),
    random: Random.fromSeed(3).derive("bootstrap"),
    draws: DRAWS,
  };
}

/** The slow way: copy the samples of each drawn subject. */
function naiveCopies(input: EvaluationInput): EvaluationInput[] {
  const classes = input.spec.classes.length;
  const ids = [...new Set(input.subjects)].sort((a, b) => a - b);
  const copies: EvaluationInput[] = [];
  const stream = input.random.derive("subjects");
  for (let draw = 0; draw < DRAWS; draw++) {
    const rows: number[] = [];
    for (let k = 0; k < ids.length; k++) {
      const id = ids[stream.below(ids.length)];
      input.subjects.forEach((subject, i) => {
        if (subject === id) rows.push(i);
      });
    }
    const pick = (from: ArrayLike<number>) =>
      rows.flatMap((i) => Array.from({ length: classes }, (_, c) => from[i * classes + c] ?? 0));
    copies.push({
      ...input,
      labels: Uint8Array.from(pick(input.labels)),
      probabilities: Float64Array.from(pick(input.probabilities)),
      subjects: Float64Array.from(rows, (i) => input.subjects[i] ?? 0),
      draws: 0,
    });
  }
  return copies;
}

/** Gaps of all classes of one evaluation, or of its most probable classes, one list a class. */
function gapsOf({ spec, labels, probabilities }: EvaluationInput): number[][] {
  const classes = spec.classes.length;
  const rows = Array.from({ length: probabilities.length / classes }, (_, i) =>
    [...probabilities.subarray(i * classes, (i + 1) * classes)].map((p, c) => ({
      p,
      y: labels[i * classes + c] ?? 0,
    })),
  );
  const columns =
    spec.kind === "multiclass"
      ? [rows.map((row) => row.reduce((best, cell) => (cell.p > best.p ? cell : best)))]
      : spec.classes.map((_, c) => rows.map((row) => row[c] ?? { p: 0, y: 0 }));
  return columns.map((cells) =>
    plainGaps(
      cells.map(({ y }) => y),
      cells.map(({ p }) => p),
    ),
  );
}

/** Mean over lists of the sum of absolute differences. */
function distance(a: number[][], b: number[][]): number {
  const sums = a.map((list, k) =>
    list.reduce((sum, value, i) => sum + Math.abs(value - (b[k]?.[i] ?? 0)), 0),
  );
  return sums.reduce((x, y) => x + y, 0) / sums.length;
}

for (const kind of ["binary", "multiclass", "multilabel"] as const) {
  const spec = { kind, classes: kind === "binary" ? ["yes"] : ["a", "b", "c"] };
  t.test(`${kind}: intervals equal those of a slow bootstrap with the same draws`, async (t) => {
    const input = example(spec);
    const table = evaluate(input);
    const copies = naiveCopies(input);
    const draws = copies.map(evaluate);
    const definedValues = (metric: "auprc" | "auroc" | "f1" | "brier") =>
      draws
        .map((draw) => draw[metric].value)
        .filter((value) => value !== null)
        .sort((a, b) => a - b);
    for (const metric of ["auprc", "auroc", "f1"] as const) {
      const defined = definedValues(metric);
      const { interval } = table[metric];
      t.equal(interval?.low, quantile(defined, 0.025), `${metric} low, digit for digit`);
      t.equal(interval?.high, quantile(defined, 0.975), `${metric} high, digit for digit`);
      t.equal(interval?.undefined_draws, DRAWS - defined.length);
      t.equal(interval?.draws, DRAWS);
    }
    // Sums of fractions: a weight of two and the same number twice may differ in the last digit.
    const near = (a = Number.NaN, b = Number.NaN) => Math.abs(a - b) < 1e-12;
    const { brier, ece } = table;
    t.ok(near(brier.interval?.low, quantile(definedValues("brier"), 0.025)), "brier low");
    t.ok(near(brier.interval?.high, quantile(definedValues("brier"), 0.975)), "brier high");
    const all = gapsOf(input);
    const distances = copies.map((copy) => distance(gapsOf(copy), all)).sort((a, b) => a - b);
    const reach = quantile(distances, 0.95);
    const value = ece.value ?? Number.NaN;
    t.ok(near(ece.interval?.low, Math.max(0, value - reach)), "ece low");
    t.ok(near(ece.interval?.high, Math.min(1, value + reach)), "ece high");
  });
}

t.test("all samples of a subject are drawn together", async (t) => {
  // Two subjects with 500 samples each, one all right and one all wrong: a draw holds both or one of them
  // only, so Brier can be 0, 0.5 or 1. Drawing samples one by one would give values near 0.5 only.
  const size = 1000;
  const labels = Uint8Array.from({ length: size }, (_, i) => i % 2);
  const table = evaluate({
    spec: { kind: "binary", classes: ["yes"] },
    labels,
    probabilities: Float64Array.from(labels, (y, i) => (i < size / 2 ? y : 1 - y)),
    subjects: Float64Array.from(labels, (_, i) => (i < size / 2 ? 1 : 2)),
    thresholds: [0.5],
    random: Random.fromSeed(1),
    draws: 200,
  });
  t.equal(table.brier.value, 0.5);
  t.equal(table.brier.interval?.low, 0);
  t.equal(table.brier.interval?.high, 1);
});

t.test(
  "the calibration error lies in its interval, as does 0 where calibration is perfect",
  async (t) => {
    const stream = Random.fromSeed(8);
    let covered = 0;
    for (let repetition = 0; repetition < 50; repetition++) {
      const probabilities = Float64Array.from({ length: 200 }, () => stream.uniform() * 0.6);
      const { value, interval } = evaluate({
        spec: { kind: "binary", classes: ["yes"] },
        labels: Uint8Array.from(probabilities, (p) => +(stream.uniform() < p)),
        probabilities,
        subjects: Float64Array.from(probabilities, (_, i) => i),
        thresholds: [0.5],
        random: stream.derive(String(repetition)),
        draws: 100,
      }).ece;
      const low = interval?.low ?? Number.NaN;
      const high = interval?.high ?? Number.NaN;
      t.ok(value !== null && low <= value && value <= high, `${value} [${low}, ${high}]`);
      if (low === 0) covered++;
    }
    t.ok(covered >= 43, `${covered} of 50 intervals hold the true error`); // percentiles: none
  },
);

t.test("each draw takes as many subjects as there are, and each is as likely", async (t) => {
  const times = new Float64Array(20);
  bootstrap(20, 500, Random.fromSeed(2), (multiplicity) => {
    if (multiplicity.reduce((a, b) => a + b, 0) !== 20) t.fail("a draw of another size");
    multiplicity.forEach((count, i) => {
      times[i] = (times[i] ?? 0) + count;
    });
  });
  for (const count of times) t.ok(Math.abs(count - 500) < 110, `drawn ${count} times of 500`); // 5 sd
});

t.test("the given stream is not advanced, and evaluating twice gives the same", async (t) => {
  const input = example({ kind: "binary", classes: ["yes"] });
  const next = Random.fromSeed(3).derive("bootstrap").uint32();
  t.same(evaluate(input), evaluate(input));
  t.equal(input.random.uint32(), next);
  t.notSame(
    evaluate({ ...input, random: Random.fromSeed(4) }).auprc.interval,
    evaluate(input).auprc.interval,
  );
});

t.test("draws without positives are counted and left out of the interval", async (t) => {
  const size = 30;
  const input = {
    ...example({ kind: "binary", classes: ["yes"] }),
    labels: Uint8Array.from({ length: size }, (_, i) => (i < 2 ? 1 : 0)),
    probabilities: Float64Array.from({ length: size }, (_, i) => (i % 7) / 7),
    subjects: Float64Array.from({ length: size }, (_, i) => i),
    draws: 1000,
  };
  const { auprc, brier } = evaluate(input);
  const expected = 1000 * (28 / 30) ** 30; // about 126
  const undefinedDraws = auprc.interval?.undefined_draws ?? 0;
  t.ok(Math.abs(undefinedDraws - expected) < 55, `${undefinedDraws}, expected ${expected}`); // 5 sd
  t.equal(brier.interval?.undefined_draws, 0);
});

t.test("a macro interval counts the draws that lack a class", async (t) => {
  const size = 30;
  const spec: LabelSpec = { kind: "multilabel", classes: ["common", "rare"] };
  const table = evaluate({
    ...example(spec),
    labels: Uint8Array.from({ length: size * 2 }, (_, i) =>
      i % 2 === 0 ? +(i % 3 === 0) : +(i === 1),
    ),
    probabilities: Float64Array.from({ length: size * 2 }, (_, i) => (i % 7) / 7),
    subjects: Float64Array.from({ length: size }, (_, i) => i),
    draws: 1000,
  });
  const rare = table.auprc.per_class?.[1]?.interval?.undefined_draws ?? 0;
  t.ok(rare > 250, `${rare} draws without the one positive subject`);
  t.equal(table.auprc.interval?.incomplete_draws, rare);
  t.equal(table.auprc.interval?.undefined_draws, 0);
});

t.test("an interval needs at least half of the draws", async (t) => {
  const draws = Float64Array.from({ length: 100 }, (_, i) => (i < 50 ? i : Number.NaN));
  t.match(percentileInterval(draws), { low: 49 * 0.025, high: 49 * 0.975, undefined_draws: 50 });
  t.equal(percentileInterval(draws.subarray(1)), undefined);
  t.equal(percentileInterval(new Float64Array(0)), undefined);
});
