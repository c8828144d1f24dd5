/** AUPRC and AUROC as the paper's code computes them, against plain loops. */
import t from "tap";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { asThePaperDoes, type EvaluationInput, evaluate } from "../../metrics/index.ts";
import { plainAveragePrecision } from "./plain.ts";

function input(kind: LabelSpec["kind"], size: number, seed: number): EvaluationInput {
  const random = Random.fromSeed(seed).derive("made");
  const classes = kind === "binary" ? ["a"] : ["a", "b", "c"];
  const labels = new Uint8Array(size * classes.length);
  const probabilities = new Float32Array(labels.length);
  for (let row = 0; row < size; row++) {
    const at = row * classes.length;
    if (kind === "multiclass") labels[at + random.below(3)] = 1;
    else for (let c = 0; c < classes.length; c++) labels[at + c] = random.below(4) === 0 ? 1 : 0;
    const raw = classes.map((_, c) => random.uniform() + 0.4 * (labels[at + c] as number) + 0.01);
    const total = kind === "multiclass" ? raw.reduce((sum, x) => sum + x, 0) : 1.5;
    raw.forEach((x, c) => {
      probabilities[at + c] = x / total;
    });
  }
  return {
    spec: { kind, classes },
    labels,
    probabilities,
    subjects: Float64Array.from({ length: size }, (_, i) => i),
    thresholds: classes.map(() => (kind === "multiclass" ? null : 0.5)),
    random: Random.fromSeed(0),
    draws: 0,
  };
}

const column = (values: ArrayLike<number>, width: number, c: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => values[(from + i) * width + c] as number);
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

t.test("the mean over whole batches is not the whole, and is what it should be (H4)", (t) => {
  for (const kind of ["binary", "multiclass", "multilabel"] as const) {
    const data = input(kind, 250, 3);
    const table = evaluate(data);
    const width = data.spec.classes.length;
    const batched = asThePaperDoes(data, table, { batch: 100, micro: false });
    const expected = mean(
      [0, 100].map((from) =>
        mean(
          data.spec.classes.map((_, c) =>
            plainAveragePrecision(
              column(data.labels, width, c, from, from + 100),
              column(data.probabilities, width, c, from, from + 100),
            ),
          ),
        ),
      ),
    );
    t.ok(Math.abs((batched.auprc.value ?? 0) - expected) < 1e-12, kind);
    t.ok(Math.abs((batched.auprc.value ?? 0) - (table.auprc.value ?? 0)) > 1e-4, "not the whole");
    t.equal(batched.brier, table.brier);
    t.equal(batched.auprc.per_class, undefined);
  }
  t.end();
});

t.test("micro pools all pairs; of one class it changes nothing", (t) => {
  const data = input("multilabel", 120, 5);
  const table = evaluate(data);
  const micro = asThePaperDoes(data, table, { batch: null, micro: true });
  t.equal(micro.auprc.average, "micro");
  t.ok(
    Math.abs(
      (micro.auprc.value ?? 0) - plainAveragePrecision([...data.labels], [...data.probabilities]),
    ) < 1e-12,
  );
  t.equal(micro.auroc.value, table.micro_auroc?.value);
  const one = input("binary", 120, 5);
  t.equal(
    asThePaperDoes(one, evaluate(one), { batch: null, micro: true }).auprc.value,
    evaluate(one).auprc.value,
  );
  t.end();
});

t.test("without positives in any batch it is null with a reason", (t) => {
  const data = input("binary", 50, 1);
  const none = { ...data, labels: new Uint8Array(50) };
  const { auprc } = asThePaperDoes(none, evaluate(none), { batch: 10, micro: false });
  t.same([auprc.value, auprc.reason], [null, "undefined in every batch"]);
  t.end();
});
