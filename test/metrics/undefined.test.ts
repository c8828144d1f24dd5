import t from "tap";
import { BenchError } from "../../core/errors.ts";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import {
  bestPossible,
  chooseThresholds,
  evaluate,
  macroBestPossible,
  tuningScore,
} from "../../metrics/index.ts";

const binary: LabelSpec = { kind: "binary", classes: ["yes"] };
const two: LabelSpec = { kind: "multilabel", classes: ["a", "b"] };

function table(spec: LabelSpec, labels: number[], p: number[], thresholds: (number | null)[]) {
  return evaluate({
    spec,
    labels: Uint8Array.from(labels),
    probabilities: Float32Array.from(p),
    subjects: Float64Array.from({ length: labels.length / spec.classes.length }, (_, i) => i),
    thresholds,
    random: Random.fromSeed(0),
    draws: 10,
  });
}

t.test("without positives, ranking metrics and F1 are null and say so", async (t) => {
  const { auprc, auroc, f1, brier, ece } = table(binary, [0, 0, 0], [0.25, 0.5, 0.25], [0.5]);
  for (const metric of [auprc, auroc, f1]) {
    t.match(metric, { value: null, reason: "no positives" });
    t.notOk("interval" in metric);
  }
  t.equal(brier.value, (0.0625 + 0.25 + 0.0625) / 3);
  t.equal(ece.value, 1 / 3);
});

t.test("without negatives, ranking metrics are null, F1 is not", async (t) => {
  const { auprc, auroc, f1 } = table(binary, [1, 1], [0.25, 0.5], [0.5]);
  t.match(auprc, { value: null, reason: "no negatives" });
  t.match(auroc, { value: null, reason: "no negatives" });
  t.equal(f1.value, 2 / 3);
});

t.test("one sample has errors but no ranking and no interval", async (t) => {
  const { auprc, brier } = table(binary, [1], [0.75], [0.5]);
  t.match(auprc, { value: null, reason: "no negatives" });
  t.match(brier, { value: 0.0625, interval_reason: "a single subject" });
  t.notOk("interval" in brier);
});

t.test("no samples at all give nulls with that reason", async (t) => {
  for (const [name, metric] of Object.entries(table(binary, [], [], [null]))) {
    t.match(metric, { value: null, reason: "no samples" }, name);
  }
  t.match(table(two, [], [], [null, null]).brier, { value: null, reason: "no samples" });
});

t.test("F1 is null where tuning gave no threshold", async (t) => {
  const { f1 } = table(binary, [1, 0], [0.75, 0.5], [null]);
  t.match(f1, { value: null, reason: "no threshold, as tuning has no positives" });
});

t.test("a class without positives is left out of the macro average and listed (H19)", async (t) => {
  const { auprc, micro_auprc } = table(
    two,
    [1, 0, 0, 0, 1, 0],
    [0.5, 1, 0.75, 0, 0.25, 0],
    [0.5, 0.5],
  );
  t.match(auprc.per_class, [
    { class: "a", prevalence: 2 / 3 },
    { class: "b", value: null, reason: "no positives", prevalence: 0 },
  ]);
  t.equal(auprc.value, auprc.per_class?.[0]?.value);
  t.equal(auprc.prevalence, 2 / 3, "over the averaged classes");
  t.equal(micro_auprc?.prevalence, 1 / 3, "over all pairs");
});

t.test("all classes undefined make the macro average null", async (t) => {
  const { auprc } = table(two, [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], [0.5, 0.5]);
  t.match(auprc, { value: null, reason: "undefined for every class" });
  t.notOk("prevalence" in auprc);
});

t.test("a value that is no probability is refused, naming sample and class", async (t) => {
  for (const bad of [Number.NaN, -0.01, 1.01, Number.POSITIVE_INFINITY]) {
    t.throws(() => table(two, [1, 0, 0, 1], [0.5, 0.5, 0.5, bad], [0.5, 0.5]), {
      name: "BenchError",
      message: /sample 1, class "b"/,
    });
  }
});

t.test("multiclass probabilities that do not sum to one are refused", async (t) => {
  const spec: LabelSpec = { kind: "multiclass", classes: ["a", "b"] };
  t.throws(() => table(spec, [1, 0], [0.5, 0.4], [null, null]), BenchError);
  t.throws(() => table(spec, [1, 1], [0.5, 0.5], [null, null]), /one 1/);
});

t.test("shapes that disagree are refused", async (t) => {
  t.throws(() => table(two, [1, 0], [0.5], [0.5, 0.5]), /must both be/);
  t.throws(() => table(two, [1, 0], [0.5, 0.5], [0.5]), /thresholds \[1\]/);
  t.throws(() =>
    chooseThresholds(
      { kind: "binary", classes: ["a", "b"] },
      new Uint8Array(2),
      new Float32Array(2),
    ),
  );
});

t.test(
  "tuning is scored by AUPRC over the classes with both outcomes, else by log loss",
  async (t) => {
    const labels = Uint8Array.of(1, 0, 0, 0);
    t.same(tuningScore(two, labels, Float32Array.of(0.75, 0.5, 0.25, 0.5)), {
      value: 1,
      name: "auprc",
    });
    const score = tuningScore(binary, new Uint8Array(2), Float32Array.of(0.5, 0.75));
    t.equal(score.name, "negative_loss");
    t.ok(Math.abs(score.value - (Math.log(0.5) + Math.log(0.25)) / 2) < 1e-12);
    const certain = tuningScore(binary, Uint8Array.of(1, 1), Float32Array.of(0, 1));
    t.ok(Number.isFinite(certain.value), "a certain mistake costs much, not infinitely much");
    t.throws(() => tuningScore(binary, new Uint8Array(0), new Float32Array(0)), BenchError);
  },
);

t.test(
  "the true risk reaches all of the best possible AUPRC, a constant score nothing",
  async (t) => {
    const labels = Uint8Array.of(1, 0, 1, 0);
    const risk = Float64Array.of(0.9, 0.6, 0.5, 0.1);
    const best = (1 + 2 / 3) / 2;
    t.same(bestPossible(labels, risk, best), { auprc: best, reached: 1 });
    t.same(bestPossible(labels, risk, 0.5), { auprc: best, reached: 0 });
    t.match(bestPossible(labels, risk, null), { auprc: best, reached: null, reason: /no AUPRC/ });
    t.match(bestPossible(labels, Float64Array.of(0.9, Number.NaN, 0.5, 0.1), 0.5), {
      auprc: null,
      reached: null,
      reason: /1 of 4 samples/,
    });
    t.match(bestPossible(Uint8Array.of(0, 0), Float64Array.of(0.5, 0.5), null), {
      reached: null,
      reason: "only one outcome occurs",
    });
    t.match(bestPossible(labels, new Float64Array(4).fill(0.5), 0.5), {
      auprc: 0.5,
      reached: null,
      reason: /no more than prevalence/,
    });
  },
);

t.test(
  "of several labels, the best possible macro AUPRC is of the classes with both outcomes",
  (t) => {
    const columns = [
      { labels: [1, 0, 1, 0], risk: [0.9, 0.6, 0.5, 0.1] }, // 1 and 2/3
      { labels: [0, 1, 0, 0], risk: [0.2, 0.1, 0.4, 0.3] }, // 1/4
      { labels: [0, 0, 0, 0], risk: [0.2, 0.1, 0.4, 0.3] },
      { labels: [1, 1, 1, 1], risk: [0.9, 0.9, 0.9, 0.9] },
    ];
    const labels = Uint8Array.from(
      [0, 1, 2, 3].flatMap((s) => columns.map((c) => c.labels[s] ?? 0)),
    );
    const riskOf = (c: number) => Float64Array.from(columns[c]?.risk ?? []);
    const best = (5 / 6 + 1 / 4) / 2;
    const chance = (1 / 2 + 1 / 4) / 2;
    const found = macroBestPossible(labels, 4, riskOf, chance + 0.8 * (best - chance));
    t.ok(Math.abs((found.auprc ?? 0) - best) < 1e-12);
    t.ok(Math.abs((found.reached ?? 0) - 0.8) < 1e-12);
    t.match(macroBestPossible(labels, 4, riskOf, null), { reached: null, reason: /no AUPRC/ });
    const unknown = (c: number) => riskOf(c).map((p, s) => (c === 2 && s < 3 ? Number.NaN : p));
    t.match(macroBestPossible(labels, 4, unknown, 0.5), { auprc: null, reason: /3 of 4 samples/ });
    const one = new Uint8Array(8);
    t.match(macroBestPossible(one, 2, riskOf, null), { auprc: null, reason: /no class has both/ });
    t.throws(
      () => macroBestPossible(labels, 4, () => Float64Array.of(2, 0, 0, 0), 0.5),
      BenchError,
    );
    t.end();
  },
);
