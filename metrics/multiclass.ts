/**
 * Classes that exclude each other. AUPRC, AUROC and Brier are one class against the rest; the predicted
 * class is the most probable one (the first where several tie). AUPRC, AUROC and F1 are averaged over
 * the classes for which they are defined; Brier is the sum over classes; the calibration error is that
 * of the most probable class.
 */
import { areaUnderRoc, averagePrecision } from "./binary.ts";
import { brierScore, calibrationError, differencesOf, sumErrors } from "./calibration.ts";
import type { Panel, PanelInput, PanelMetric } from "./panel.ts";
import { classData, meanDefined } from "./panel.ts";
import { scan, type Values } from "./ranking.ts";

const METRICS: readonly PanelMetric[] = [
  { name: "auprc", average: "macro", perClass: true },
  { name: "auroc", average: "macro", perClass: true },
  { name: "f1", average: "macro", perClass: true },
  { name: "brier", average: "sum", perClass: true },
  { name: "ece", average: "top_label", perClass: false },
];
const [AUPRC, AUROC, F1, BRIER, ECE] = [0, 1, 2, 3, 4] as const;

/** Column of the highest value in each row of [S × C]; the first one where several tie. */
export function mostProbable(values: Values, classes: number): Uint32Array {
  const best = new Uint32Array(values.length / classes);
  for (let i = 0; i < best.length; i++) {
    let at = 0;
    for (let c = 1; c < classes; c++) {
      if ((values[i * classes + c] as number) > (values[i * classes + at] as number)) at = c;
    }
    best[i] = at;
  }
  return best;
}

/** F1 of each class from true and predicted classes; NaN for a class without true samples. */
function f1ByClass(
  actual: Uint32Array,
  predicted: Uint32Array,
  weight: (sample: number) => number,
  classes: number,
): Float64Array {
  const hits = new Float64Array(classes);
  const positives = new Float64Array(classes);
  const guesses = new Float64Array(classes);
  for (let i = 0; i < actual.length; i++) {
    const w = weight(i);
    const a = actual[i] as number;
    const p = predicted[i] as number;
    positives[a] = (positives[a] as number) + w;
    guesses[p] = (guesses[p] as number) + w;
    if (a === p) hits[a] = (hits[a] as number) + w;
  }
  return hits.map((h, c) => {
    const all = positives[c] as number;
    return all === 0 ? Number.NaN : (2 * h) / (all + (guesses[c] as number));
  });
}

/** The panel of a label with exclusive classes. */
export function multiclassPanel(input: PanelInput): Panel {
  const { classes, labels, probabilities, subject } = input;
  const perClass = Array.from({ length: classes }, (_, c) => classData(input, c));
  const actual = mostProbable(labels, classes);
  const predicted = mostProbable(probabilities, classes);
  const confidence = Float64Array.from(
    predicted,
    (c, i) => probabilities[i * classes + c] as number,
  );
  const correct = Uint8Array.from(predicted, (c, i) => labels[i * classes + c] as number);
  const top = differencesOf(correct, confidence, subject);
  const width = 1 + classes;
  return {
    metrics: METRICS,
    classes,
    measure(weights, out, calibration = calibrationError) {
      const row = (m: number) => out.subarray(m * width + 1, (m + 1) * width);
      out.fill(Number.NaN);
      let brier = 0;
      perClass.forEach(({ ranking, differences }, c) => {
        const sums = scan(ranking, weights);
        row(AUPRC)[c] = averagePrecision(sums);
        row(AUROC)[c] = areaUnderRoc(sums);
        const ofClass = brierScore(sumErrors(differences, weights));
        row(BRIER)[c] = ofClass;
        brier += ofClass;
      });
      const weight = (i: number) => weights[subject[i] as number] as number;
      row(F1).set(f1ByClass(actual, predicted, weight, classes));
      for (const m of [AUPRC, AUROC, F1]) out[m * width] = meanDefined(row(m));
      out[BRIER * width] = brier;
      out[ECE * width] = calibration(sumErrors(top, weights), top);
    },
  };
}
