import t from "tap";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { type EvaluationInput, evaluate } from "../../metrics/index.ts";

const spec: LabelSpec = { kind: "multilabel", classes: ["a", "b", "c", "d"] };
const A_B = [0, 1] as const;
const C_D = [2, 3] as const;

function table(labels: number[], p: number[], more: Partial<EvaluationInput> = {}) {
  return evaluate({
    spec,
    labels: Uint8Array.from(labels),
    probabilities: Float64Array.from(p),
    subjects: Float64Array.from({ length: labels.length / 4 }, (_, i) => i),
    thresholds: [0.5, 0.5, 0.5, 0.5],
    random: Random.fromSeed(0),
    draws: 0,
    ...more,
  });
}

t.test("sets are cut at 0.5, and two empty sets agree (G7)", async (t) => {
  // predicted {a, b}, true {a}; predicted {}, true {}; predicted {}, true {d}; predicted {c}, true {}
  const scores = table(
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    [0.5, 0.9, 0.49, 0, 0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0.4, 0, 0, 1, 0],
  );
  t.equal(scores.sample_jaccard?.value, (0.5 + 1 + 0 + 0) / 4);
  t.equal(scores.sample_f1?.value, (2 / 3 + 1 + 0 + 0) / 4);
  t.match(scores.sample_jaccard, { average: "samples", higher_is_better: true, threshold: 0.5 });
  t.notOk("ddi_rate" in scores, "no interactions, no rate");
});

t.test("the rate of interactions is over all pairs of all predicted sets", async (t) => {
  // {a, b, c}: pairs ab (interacts), ac, bc; {c, d}: cd; {a}: none
  const scores = table(
    [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [0.9, 0.9, 0.9, 0, 0, 0, 0.6, 0.7, 0.8, 0, 0, 0],
    { interactions: [A_B] },
  );
  t.match(scores.ddi_rate, { value: 1 / 4, average: "pairs", higher_is_better: false });
  const both = table([1, 1, 1, 1], [0.9, 0.9, 0.9, 0.9], { interactions: [A_B, C_D] });
  t.equal(both.ddi_rate?.value, 2 / 6);
});

t.test(
  "without a pair in any set the rate is null and says so; without samples all are",
  async (t) => {
    const lonely = table([1, 0, 0, 0, 0, 1, 0, 0], [0.9, 0, 0, 0, 0, 0.9, 0, 0], {
      interactions: [A_B],
    });
    t.match(lonely.ddi_rate, { value: null, reason: "no predicted set holds a pair" });
    const none = table([], [], { interactions: [A_B] });
    for (const name of ["sample_jaccard", "sample_f1", "ddi_rate"] as const)
      t.match(none[name], { value: null, reason: "no samples" });
  },
);

t.test("exclusive classes are no sets", async (t) => {
  const scores = evaluate({
    spec: { kind: "multiclass", classes: ["a", "b"] },
    labels: Uint8Array.of(1, 0),
    probabilities: Float64Array.of(0.5, 0.5),
    subjects: Float64Array.of(1),
    thresholds: [null, null],
    random: Random.fromSeed(0),
    draws: 0,
  });
  t.notOk("sample_jaccard" in scores);
});

/** Jaccard by sets of names, and interactions by looking at every pair: written another way. */
function plainly(labels: Uint8Array, p: Float64Array, samples: readonly number[]) {
  let jaccard = 0;
  let pairs = 0;
  let interacting = 0;
  for (const i of samples) {
    const names = (keep: (k: number) => boolean) =>
      new Set([0, 1, 2, 3].filter((c) => keep(4 * i + c)).map((c) => "abcd"[c] ?? ""));
    const predicted = names((k) => (p[k] ?? 0) >= 0.5);
    const actual = names((k) => labels[k] === 1);
    const union = new Set([...predicted, ...actual]);
    const shared = [...predicted].filter((name) => actual.has(name));
    jaccard += union.size === 0 ? 1 : shared.length / union.size;
    const chosen = [...predicted].join("");
    for (const one of chosen) for (const other of chosen) if (one < other) pairs += 1;
    interacting += ["ab", "cd"].filter((pair) => [...pair].every((x) => predicted.has(x))).length;
  }
  return { jaccard: jaccard / samples.length, ddi: interacting / pairs };
}

t.test(
  "random sets equal the plain definitions; order does not show; draws resample subjects",
  async (t) => {
    const random = Random.fromSeed(3).derive("sets");
    const size = 40;
    const labels = Uint8Array.from({ length: 4 * size }, () => random.below(2));
    const probabilities = Float64Array.from({ length: 4 * size }, () => random.below(11) / 10);
    const subjects = Float64Array.from({ length: size }, () => random.below(12));
    const input = { subjects, interactions: [A_B, C_D], draws: 200 };
    const scores = table([...labels], [...probabilities], input);
    const all = Array.from({ length: size }, (_, i) => i);
    const plain = plainly(labels, probabilities, all);
    t.ok(Math.abs((scores.sample_jaccard?.value ?? 9) - plain.jaccard) < 1e-12);
    t.ok(Math.abs((scores.ddi_rate?.value ?? 9) - plain.ddi) < 1e-12);
    const order = random.shuffle([...all]);
    const rows = (values: ArrayLike<number>) =>
      order.flatMap((i) => [0, 1, 2, 3].map((c) => values[4 * i + c] ?? 0));
    const shuffled = table(rows(labels), rows(probabilities), {
      ...input,
      subjects: Float64Array.from(order, (i) => subjects[i] ?? 0),
    });
    for (const name of ["sample_jaccard", "sample_f1", "ddi_rate"] as const) {
      t.same(shuffled[name], scores[name], name);
      const { low, high } = scores[name]?.interval ?? { low: 9, high: 0 };
      const value = scores[name]?.value ?? 9;
      t.ok(low < value && value < high, `${name}: ${low} < ${value} < ${high}`);
    }
  },
);
