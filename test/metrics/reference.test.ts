import t, { type Test } from "tap";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { chooseThresholds, evaluate, logLoss, type Metric } from "../../metrics/index.ts";
import { quantile } from "../../metrics/statistics.ts";

// Reference values: scikit-learn 1.9.1 on Python 3, with the line that gave them above each.

const close = (t: Test, actual: number | null | undefined, expected: number, name: string) =>
  t.ok(
    typeof actual === "number" && Math.abs(actual - expected) < 1e-9,
    `${name}: ${actual}, scikit-learn ${expected}`,
  );
const binary: LabelSpec = { kind: "binary", classes: ["yes"] };

function points(spec: LabelSpec, labels: number[], p: number[], thresholds: (number | null)[]) {
  return evaluate({
    spec,
    labels: Uint8Array.from(labels),
    probabilities: Float64Array.from(p),
    subjects: Float64Array.from({ length: labels.length / spec.classes.length }, (_, i) => i),
    thresholds,
    random: Random.fromSeed(0),
    draws: 0,
  });
}
const classValues = (metric: Metric) => metric.per_class?.map((row) => row.value);

t.test("binary metrics equal scikit-learn's on tied probabilities", async (t) => {
  const y = [1, 0, 1, 0, 0, 1, 1, 0, 0, 1];
  const p = [0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.4, 0.4, 0.1, 0.1];
  const table = points(binary, y, p, [0.7]);
  // average_precision_score(y, p), roc_auc_score(y, p), f1_score(y, p >= .7), brier_score_loss(y, p)
  close(t, table.auprc.value, 0.5333333333333333, "auprc");
  close(t, table.auroc.value, 0.54, "auroc");
  close(t, table.f1.value, 0.5454545454545454, "f1");
  close(t, table.brier.value, 0.327, "brier");
  t.equal(table.auprc.prevalence, 0.5);
  t.equal(table.f1.threshold, 0.7);
});

t.test("binary metrics equal scikit-learn's on the table of its own documentation", async (t) => {
  const [y, p] = [
    [0, 0, 1, 1],
    [0.1, 0.4, 0.35, 0.8],
  ];
  const table = points(binary, y, p, [null]);
  // average_precision_score(y, p), roc_auc_score(y, p), log_loss(y, p)
  close(t, table.auprc.value, 0.8333333333333333, "auprc");
  close(t, table.auroc.value, 0.75, "auroc");
  close(t, logLoss(binary, Uint8Array.from(y), Float64Array.from(p)), 0.47228795380917615, "loss");
});

t.test(
  "binary metrics equal scikit-learn's on 60 samples, distinct and rounded to ties (E6)",
  async (t) => {
    // i = arange(1, 61); P = ((i*37) % 101)/101; Y = ((i*53) % 97)/97 < P; R = round(P, 1)
    const index = Array.from({ length: 60 }, (_, i) => i + 1);
    const p = index.map((i) => ((i * 37) % 101) / 101);
    const y = index.map((i, k) => (((i * 53) % 97) / 97 < (p[k] ?? 0) ? 1 : 0));
    t.equal(y.filter((label) => label === 1).length, 31);
    const distinct = points(binary, y, p, [null]);
    close(t, distinct.auprc.value, 0.8878782556946969, "auprc");
    close(t, distinct.auroc.value, 0.8175750834260288, "auroc");
    close(t, distinct.brier.value, 0.1744812600071888, "brier");
    const rounded = points(
      binary,
      y,
      p.map((value) => Number(value.toFixed(1))),
      [null],
    );
    close(t, rounded.auprc.value, 0.8715063491054703, "auprc of ties");
    close(t, rounded.auroc.value, 0.8153503893214682, "auroc of ties");
    close(t, rounded.brier.value, 0.17683333333333334, "brier of ties");
  },
);

t.test("multiclass metrics equal scikit-learn's one-vs-rest averages", async (t) => {
  const rows = [
    [0.7, 0.2, 0.1],
    [0.1, 0.6, 0.3],
    [0.2, 0.2, 0.6],
    [0.5, 0.4, 0.1],
    [0.3, 0.4, 0.3],
    [0.1, 0.1, 0.8],
    [0.4, 0.4, 0.2],
    [0.2, 0.5, 0.3],
  ];
  const truth = [0, 1, 2, 1, 0, 2, 0, 1];
  const y = truth.flatMap((k) => [0, 1, 2].map((c) => (c === k ? 1 : 0)));
  const spec: LabelSpec = { kind: "multiclass", classes: ["a", "b", "c"] };
  const table = points(spec, y, rows.flat(), [null, null, null]);
  // average_precision_score(Y, M, average="macro"), roc_auc_score(c, M, multi_class="ovr"),
  // f1_score(c, M.argmax(1), average="macro"), brier_score_loss(c, M, scale_by_half=False), log_loss(c, M)
  close(t, table.auprc.value, 0.8907407407407408, "auprc");
  close(t, table.auroc.value, 0.9333333333333332, "auroc");
  close(t, table.f1.value, 0.7777777777777777, "f1");
  close(t, table.brier.value, 0.375, "brier");
  t.equal(table.brier.average, "sum");
  const loss = logLoss(spec, Uint8Array.from(y), Float64Array.from(rows.flat()));
  close(t, loss, 0.6663963989273893, "loss");
  // average_precision_score(Y[:, k], M[:, k]), f1_score(c, M.argmax(1), average=None)
  const auprc = [0.8055555555555556, 0.8666666666666667, 1];
  const f1 = [0.6666666666666666, 0.6666666666666666, 1];
  classValues(table.auprc)?.forEach((value, c) => {
    close(t, value, auprc[c] ?? 0, `auprc ${c}`);
  });
  classValues(table.f1)?.forEach((value, c) => {
    close(t, value, f1[c] ?? 0, `f1 ${c}`);
  });
  // By hand: top probabilities .7 .6 .6 .5 .4 .8 .4 .5, right except the 4th and 5th; the sums of
  // label - probability by bin: .4: -.4+.6, .5: -.5+.5, .6: .4+.4, .7: .3, .8: .2.
  close(t, table.ece.value, (0.2 + 0 + 0.8 + 0.3 + 0.2) / 8, "top-label calibration error");
  t.equal(table.ece.average, "top_label");
});

t.test("multilabel metrics equal scikit-learn's macro and micro averages (B9, H5)", async (t) => {
  const y = [1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1];
  const p = [
    [0.8, 0.3, 0.6],
    [0.4, 0.7, 0.5],
    [0.6, 0.6, 0.5],
    [0.6, 0.2, 0.1],
    [0.3, 0.3, 0.9],
    [0.1, 0.9, 0.5],
  ].flat();
  const spec: LabelSpec = { kind: "multilabel", classes: ["a", "b", "c"] };
  const table = points(spec, y, p, [0.5, 0.5, 0.5]);
  // average_precision_score(L, Q, average=...), roc_auc_score(L, Q, average=...), f1_score(L, Q >= .5, ...)
  close(t, table.auprc.value, 0.8740740740740741, "macro auprc");
  close(t, table.auroc.value, 0.8703703703703703, "macro auroc");
  close(t, table.f1.value, 0.8055555555555555, "macro f1");
  close(t, table.micro_auprc?.value, 0.8835858585858586, "micro auprc");
  close(t, table.micro_auroc?.value, 0.8950617283950617, "micro auroc");
  // [brier_score_loss(L[:, k], Q[:, k]) for k in range(3)]
  const brier = [0.20333333333333334, 0.08, 0.155];
  classValues(table.brier)?.forEach((value, c) => {
    close(t, value, brier[c] ?? 0, `brier ${c}`);
  });
  close(t, table.brier.value, (0.20333333333333334 + 0.08 + 0.155) / 3, "mean brier");
  // jaccard_score(L, Q >= .5, average="samples"), f1_score(L, Q >= .5, average="samples")
  close(t, table.sample_jaccard?.value, 0.611111111111111, "jaccard of sets");
  close(t, table.sample_f1?.value, 0.6888888888888888, "f1 of sets");
  t.equal(table.auprc.average, "macro");
  t.equal(table.micro_auprc?.average, "micro");
});

t.test("quantiles equal numpy's default", async (t) => {
  // np.quantile([3, 1, 4, 1, 5, 9, 2, 6], [.025, .5, .975])
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  close(t, quantile(values, 0.025), 1, "2.5 %");
  close(t, quantile(values, 0.5), 3.5, "50 %");
  close(t, quantile(values, 0.975), 8.475, "97.5 %");
});

t.test(
  "thresholds are those with the best F1, and none where there are no positives",
  async (t) => {
    const spec: LabelSpec = { kind: "multilabel", classes: ["a", "none"] };
    const y = [1, 0, 0, 0, 1, 0, 0, 0].map((label, i) => (i % 2 === 0 ? label : 0));
    const p = [0.9, 0.5, 0.6, 0.5, 0.4, 0.5, 0.1, 0.5];
    // class a: labels 1 0 1 0 at .9 .6 .4 .1: F1 is 2/3 at .9, 1/2 at .6, 4/5 at .4, 2/3 at .1
    t.same(chooseThresholds(spec, Uint8Array.from(y), Float64Array.from(p)), [0.4, null]);
  },
);
