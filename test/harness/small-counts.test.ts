import t from "tap";
import { Random } from "../../core/random.ts";
import { checkRecord, type ResultRecord } from "../../harness/record.ts";
import { maskSmallCounts } from "../../harness/small-counts.ts";
import { type ExampleOptions, exampleRecord } from "../support/example-record.ts";

const real = (options: ExampleOptions) =>
  maskSmallCounts(exampleRecord({ source: "real", ...options }));
const splitsOf = (record: ResultRecord) => record.cohort.splits;

t.test("records of demo and synthetic data are left as they are", async (t) => {
  const splits = { train: [70, 3], tuning: [10, 0], held_out: [20, 2] };
  for (const source of ["demo", "synthetic"] as const) {
    const record = exampleRecord({ source, splits });
    t.equal(maskSmallCounts(record), record);
  }
});

t.test("large counts of real data are left as they are", async (t) => {
  const record = exampleRecord({ source: "real" });
  const { undefined_draws } = record.metrics.auprc.interval ?? {};
  t.equal(undefined_draws, 0);
  t.same(maskSmallCounts(record), record);
});

t.test("few positives are masked with their prevalence, and so are few negatives", async (t) => {
  const splits = { train: [700, 9], tuning: [100, 91], held_out: [200, 50] };
  const masked = splitsOf(real({ splits }));
  for (const split of [masked.train, masked.tuning]) {
    t.match(split.classes, [{ positives: "masked", prevalence: "masked" }]);
  }
  t.match(masked.held_out.classes, [{ positives: 50, prevalence: 0.25 }]);
});

t.test("ten is told, nine is not, and neither is zero", async (t) => {
  const counts = { train: [700, 10, 9, 0], tuning: [100, 50, 50, 50], held_out: [200, 50, 50, 50] };
  const { train } = splitsOf(real({ kind: "multilabel", splits: counts }));
  t.same(
    train.classes.map((c) => c.positives),
    [10, "masked", "masked"],
  );
});

t.test("a masked class of exclusive ones takes the next smallest with it", async (t) => {
  const splits = {
    train: [700, 4, 300, 396],
    tuning: [90, 30, 30, 30],
    held_out: [90, 30, 30, 30],
  };
  const { train } = splitsOf(real({ kind: "multiclass", splits }));
  t.same(
    train.classes.map((c) => c.positives),
    ["masked", "masked", 396],
    "else 4 follows from the sum",
  );
});

t.test(
  "a split of few samples is masked whole, with another one, as the total is known",
  async (t) => {
    const splits = { train: [700, 175], tuning: [8, 2], held_out: [200, 50] };
    const masked = splitsOf(real({ splits }));
    t.match(masked.tuning, {
      samples: "masked",
      subjects: "masked",
      classes: [{ positives: "masked", prevalence: "masked" }],
      history: {
        samples_cut: "masked",
        codes_cut: "masked",
        unknown_codes_share: "masked",
        unseen_codes_share: "masked",
      },
    });
    t.equal(masked.held_out.samples, "masked");
    t.equal(masked.train.samples, 700);
  },
);

t.test("steps of the cohort that left out fewer than ten are masked", async (t) => {
  const masked = real({
    steps: [
      ["all visits", 1600],
      ["alive", 1012],
      ["with a code", 1003],
      ["adults", 1000],
      ["samples", 1000],
    ],
  });
  t.same(
    masked.cohort.steps.map((step) => step.samples),
    [1600, 1012, "masked", "masked", 1000],
  );
});

t.test("metrics of a small class lose everything that tells how small it is", async (t) => {
  const splits = { train: [700, 300, 300], tuning: [100, 50, 50], held_out: [200, 100, 1] };
  const before = exampleRecord({ source: "real", kind: "multilabel", splits });
  t.match(before.metrics.auprc.per_class?.[1], { prevalence: 0.005 });
  const { auprc, f1 } = maskSmallCounts(before).metrics;
  for (const metric of [auprc, f1]) {
    t.same(Object.keys(metric.per_class?.[1] ?? {}), ["class", "value", "reason"]);
    t.match(metric.per_class?.[1], { value: null, reason: /^masked/ });
  }
  t.equal(auprc.value, before.metrics.auprc.value, "the average itself is no count");
  t.equal(auprc.prevalence, "masked", "with the other class's it would give this one's");
  t.equal(auprc.interval?.incomplete_draws, "masked");
  t.match(auprc.per_class?.[0], { prevalence: 0.5, interval: { undefined_draws: 0 } });
});

t.test("a null metric of a small class does not say why", async (t) => {
  const splits = { train: [700, 300], tuning: [100, 50], held_out: [200, 0] };
  const { auprc } = real({ splits }).metrics;
  t.match(auprc, { value: null, reason: /^masked/ });
});

t.test("no threshold for want of positives on tuning is not told either", async (t) => {
  const splits = { train: [700, 300], tuning: [100, 0], held_out: [200, 50] };
  const before = exampleRecord({ source: "real", splits });
  const { interval: _, threshold: __, ...f1 } = before.metrics.f1;
  const reason = "no threshold, as tuning has no positives";
  const record = { ...before, metrics: { ...before.metrics, f1: { ...f1, value: null, reason } } };
  const masked = maskSmallCounts(record);
  t.match(masked.metrics.f1, { value: null, reason: /^masked/ });
  t.equal(masked.metrics.auprc.prevalence, 0.25, "held_out has enough");
});

t.test("a record that tells a small count is refused", async (t) => {
  const splits = { train: [700, 9], tuning: [100, 25], held_out: [200, 50] };
  const record = exampleRecord({ source: "real", splits });
  t.throws(() => checkRecord(record, "x"), { message: /below 10/, where: "x" });
  t.doesNotThrow(() => checkRecord(maskSmallCounts(record), "x"));
  t.doesNotThrow(() => checkRecord({ ...record, data: { ...record.data, source: "demo" } }, "x"));
});

/** All ways to give each masked cell a value so that the cells sum to the total. */
function solutions(cells: readonly (number | "masked")[], total: number): number[][] {
  const [first, ...rest] = cells;
  if (first === undefined) return total === 0 ? [[]] : [];
  const candidates = first === "masked" ? Array.from({ length: total + 1 }, (_, i) => i) : [first];
  return candidates
    .filter((value) => value <= total)
    .flatMap((value) => solutions(rest, total - value).map((tail) => [value, ...tail]));
}

t.test(
  "whatever the counts, masking twice changes nothing, and no small count can be solved for",
  async (t) => {
    const random = Random.fromSeed(77).derive("masking");
    for (let round = 0; round < 60; round++) {
      const exclusive = (): number[] => {
        const counts = [random.below(14), random.below(14), random.below(30)];
        return [counts.reduce((a, b) => a + b, 0), ...counts];
      };
      const splits = { train: exclusive(), tuning: exclusive(), held_out: exclusive() };
      const record = exampleRecord({ source: "real", kind: "multiclass", splits });
      const masked = maskSmallCounts(record);
      t.same(maskSmallCounts(masked), masked);
      for (const name of ["train", "tuning", "held_out"] as const) {
        const { samples, classes } = masked.cohort.splits[name];
        const cells = classes.map((c) => c.positives);
        const told = [samples, ...cells].filter((cell) => typeof cell === "number");
        if (told.some((cell) => cell < 10)) t.fail("a small count is told", { masked: cells });
        if (samples === "masked") continue;
        const possible = solutions(cells, samples);
        cells.forEach((cell, c) => {
          if (cell !== "masked") return;
          const values = new Set(possible.map((solution) => solution[c]));
          if (values.size < 2) t.fail("a masked count follows from the others", { cells, samples });
        });
      }
    }
  },
);
