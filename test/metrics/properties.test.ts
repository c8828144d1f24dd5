import t from "tap";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { type EvaluationInput, evaluate } from "../../metrics/index.ts";
import {
  plainAreaUnderRoc,
  plainAveragePrecision,
  plainBrier,
  plainCalibrationError,
  plainF1,
} from "./plain.ts";

const binary: LabelSpec = { kind: "binary", classes: ["yes"] };

/** Random samples with many ties; subjects have up to several samples. */
function randomInput(spec: LabelSpec, size: number, levels: number, random: Random) {
  const classes = spec.classes.length;
  const labels = new Uint8Array(size * classes);
  const probabilities = new Float64Array(size * classes);
  for (let i = 0; i < size; i++) {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    for (let c = 0; c < classes; c++) {
      row[c] = random.below(levels + 1) / levels;
      labels[i * classes + c] = spec.kind !== "multiclass" && random.uniform() < 0.4 ? 1 : 0;
    }
    if (spec.kind !== "multiclass") continue;
    labels[i * classes + random.below(classes)] = 1;
    const total = row.reduce((sum, p) => sum + p + 0.1, 0);
    for (let c = 0; c < classes; c++) row[c] = ((row[c] ?? 0) + 0.1) / total;
  }
  return {
    spec,
    labels,
    probabilities,
    subjects: Float64Array.from({ length: size }, () => 1000 + random.below(size)),
    thresholds: spec.classes.map(() => 0.5),
    random: Random.fromSeed(5).derive("bootstrap"),
    draws: 0,
  };
}

function permuted(input: EvaluationInput, random: Random): EvaluationInput {
  const classes = input.spec.classes.length;
  const order = random.shuffle(Uint32Array.from(input.subjects, (_, i) => i));
  const rows = <T extends Uint8Array | Float64Array | Float32Array>(values: T): T => {
    const out = values.slice() as T;
    order.forEach((from, to) => {
      out.set(values.subarray(from * classes, (from + 1) * classes), to * classes);
    });
    return out;
  };
  return {
    ...input,
    labels: rows(input.labels),
    probabilities: rows(input.probabilities),
    subjects: Float64Array.from(order, (i) => input.subjects[i] ?? 0),
  };
}

t.test("binary metrics equal their definitions written plainly, ties or not", async (t) => {
  const random = Random.fromSeed(11).derive("plain");
  const near = (a: number | null, b: number) =>
    a === null ? Number.isNaN(b) : Math.abs(a - b) < 1e-12;
  for (let round = 0; round < 300; round++) {
    const levels = [1, 3, 10, 1000][round % 4] ?? 1;
    const input = randomInput(binary, 1 + random.below(30), levels, random);
    const table = evaluate(input);
    const y = [...input.labels];
    const p = [...input.probabilities];
    const equal =
      near(table.auprc.value, plainAveragePrecision(y, p)) &&
      near(table.auroc.value, plainAreaUnderRoc(y, p)) &&
      near(table.f1.value, plainF1(y, p, 0.5)) &&
      near(table.brier.value, plainBrier(y, p)) &&
      near(table.ece.value, plainCalibrationError(y, p));
    if (!equal) t.fail(`round ${round}`, { y, p, table });
  }
  t.pass("300 tables");
});

t.test("the order of the samples changes neither values nor intervals", async (t) => {
  const random = Random.fromSeed(12).derive("order");
  for (const kind of ["binary", "multiclass", "multilabel"] as const) {
    const spec = { kind, classes: kind === "binary" ? ["yes"] : ["a", "b", "c"] };
    const input = { ...randomInput(spec, 80, 5, random), draws: 20 };
    t.same(evaluate(permuted(input, random)), evaluate(input), kind);
  }
});

t.test("a constant score has AUPRC equal to prevalence and AUROC one half", async (t) => {
  const labels = Uint8Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const input = { ...randomInput(binary, 50, 1, Random.fromSeed(1)), labels };
  const table = evaluate({ ...input, probabilities: new Float64Array(50).fill(0.2) });
  t.equal(table.auprc.value, 0.2);
  t.equal(table.auprc.prevalence, 0.2);
  t.equal(table.auroc.value, 0.5);
  t.ok((table.ece.value ?? 1) < 1e-15, "0.2 is calibrated");
});

t.test("32-bit probabilities give what the same values in 64 bits give", async (t) => {
  const input = randomInput(binary, 60, 7, Random.fromSeed(3));
  const rounded = Float32Array.from(input.probabilities);
  t.same(
    evaluate({ ...input, probabilities: rounded }),
    evaluate({ ...input, probabilities: Float64Array.from(rounded) }),
  );
});
