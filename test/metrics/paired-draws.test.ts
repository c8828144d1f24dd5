/** The paired bootstrap over subjects against copies of the drawn subjects' samples, scored the slow way. */
import t from "tap";
import { Random } from "../../core/random.ts";
import {
  drawDifferences,
  meanOverSeeds,
  overSubjects,
  overSubjectsAndSeeds,
} from "../../metrics/index.ts";
import { plainAveragePrecision } from "./plain.ts";

const DRAWS = 40;

/** 36 samples of 11 subjects in no order; class 2, where there is one, has three positives of two subjects. */
function example(classes: number) {
  const random = Random.fromSeed(5).derive("example");
  const size = 36;
  const probabilities = () =>
    Float32Array.from({ length: size * classes }, () => random.below(12) / 11);
  return {
    classes,
    labels: Uint8Array.from({ length: size * classes }, (_, i) =>
      i % classes === 2 ? Number([3, 8, 19].includes(Math.floor(i / classes))) : random.below(2),
    ),
    subjects: Float64Array.from({ length: size }, (_, i) => 900 - ((i * 7) % 11)),
    a: probabilities(),
    b: probabilities(),
    random: Random.fromSeed(0).derive("bootstrap"),
    draws: DRAWS,
  };
}

/** Mean over classes with both outcomes among the rows. */
function plainMacro(labels: Uint8Array, scores: Float32Array, classes: number, rows: number[]) {
  const values = Array.from({ length: classes }, (_, c) =>
    plainAveragePrecision(
      rows.map((row) => labels[row * classes + c] ?? 0),
      rows.map((row) => scores[row * classes + c] ?? 0),
    ),
  ).filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

for (const classes of [1, 3])
  t.test(`${classes} class(es): each draw is that of copied samples`, async (t) => {
    const input = example(classes);
    const found = drawDifferences(input);
    const ids = [...new Set(input.subjects)].sort((x, y) => x - y);
    const stream = input.random.derive("subjects");
    const difference = (rows: number[]) =>
      plainMacro(input.labels, input.a, classes, rows) -
      plainMacro(input.labels, input.b, classes, rows);
    const all = Array.from(input.subjects, (_, i) => i);
    t.ok(Math.abs(found.value - difference(all)) < 1e-12);
    let incomplete = 0;
    const slow = Array.from({ length: DRAWS }, () => {
      const rows = ids.flatMap(() => {
        const id = ids[stream.below(ids.length)];
        return all.filter((i) => input.subjects[i] === id);
      });
      if (!rows.some((i) => input.labels[i * classes + 2] === 1)) incomplete++;
      return difference(rows);
    });
    for (const [draw, value] of slow.entries())
      t.ok(Math.abs(value - (found.drawn[draw] ?? 9)) < 1e-12, `draw ${draw}`);
    if (classes === 3) t.ok(incomplete > 0, "in some draws a class is not there");
    // Percentiles by hand: with 40 draws the 2.5 % one lies 39 * 0.025 = 0.975 of the way past the first.
    const sorted = slow.toSorted((x, y) => x - y);
    const low = (sorted[0] ?? 9) + 0.975 * ((sorted[1] ?? 9) - (sorted[0] ?? 9));
    t.ok(Math.abs((overSubjects(found)?.low ?? 9) - low) < 1e-12);
  });

t.test("equal predictions differ by nothing at all, in every draw", async (t) => {
  const input = example(3);
  const same = drawDifferences({ ...input, b: Float32Array.from(input.a) });
  t.equal(same.value, 0);
  t.ok(same.drawn.every((value) => value === 0));
  t.same(overSubjects(same), { low: 0, high: 0 });
});

t.test("what is the same for both sides leaves the difference: pairing narrows", async (t) => {
  const input = example(1);
  const near = Float32Array.from(input.a, (p, i) => (i % 9 === 0 ? 1 - p : p));
  const paired = overSubjects(drawDifferences({ ...input, b: near, draws: 400 }));
  const two = ["one", "other"].map(
    (name) =>
      drawDifferences({
        ...input,
        b: new Float32Array(input.a.length),
        draws: 400,
        random: Random.fromSeed(0).derive(name),
      }).drawn,
  );
  const apart = two[0]?.map((value, i) => value - (two[1]?.[i] ?? 0)) ?? new Float64Array(0);
  const unpaired = overSubjects({ value: 0, drawn: apart });
  const width = (limits: typeof paired) => (limits?.high ?? 0) - (limits?.low ?? 0);
  t.ok(width(paired) < 0.8 * width(unpaired), `${width(paired)} against ${width(unpaired)}`);
});

t.test(
  "the mean over seeds is taken draw by draw; its interval with the seeds adds theirs",
  async (t) => {
    const seed = (value: number, drawn: number[]) => ({ value, drawn: Float64Array.from(drawn) });
    const seeds = [
      seed(0.1, [0.1, 0.3, 0.2, 0]),
      seed(0.2, [0.3, 0.1, 0.2, 0.2]),
      seed(0.6, [0.5, 0.5, 0.8, 0.7]),
    ];
    const middle = meanOverSeeds(seeds);
    t.ok(Math.abs(middle.value - 0.3) < 1e-12);
    t.ok(middle.drawn.every((v, i) => Math.abs(v - ([0.3, 0.3, 0.4, 0.3][i] ?? 9)) < 1e-12));
    // Draws: variance 0.0025. Seeds: variance 0.07, over 3 0.0233333. Sum 0.0258333; degrees of freedom
    // 2 * (0.0258333 / 0.0233333)^2 = 2.45, floor 2: t = 4.30265; half = 4.30265 * 0.1607275.
    const found = overSubjectsAndSeeds(seeds);
    t.ok(Math.abs((found?.high ?? 0) - (0.3 + 4.30265 * Math.sqrt(0.0025 + 0.07 / 3))) < 1e-6);
    t.ok(Math.abs((found?.low ?? 0) + (found?.high ?? 0) - 0.6) < 1e-12);
    t.equal(overSubjectsAndSeeds(seeds.slice(0, 1)), null, "one seed tells nothing of others");
  },
);

t.test(
  "without both outcomes, or with one subject, there is no interval; shapes must agree",
  async (t) => {
    const input = example(1);
    const none = drawDifferences({ ...input, labels: new Uint8Array(36) });
    t.ok(Number.isNaN(none.value));
    t.equal(overSubjects(none), null);
    const one = drawDifferences({ ...input, subjects: new Float64Array(36) });
    t.notOk(Number.isNaN(one.value));
    t.equal(overSubjects(one), null);
    t.throws(() => drawDifferences({ ...input, b: input.b.subarray(1) }), /must be \[36 × 1\]/);
  },
);
