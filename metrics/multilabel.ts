/**
 * Several classes that do not exclude each other: every metric per class and as the mean over the
 * classes for which it is defined (macro), AUPRC and AUROC over all pooled pairs (micro) beside it, and the
 * predicted sets of classes against the true ones (`sets.ts`).
 */
import { areaUnderRoc, averagePrecision } from "./binary.ts";
import type { Panel, PanelInput, PanelMetric } from "./panel.ts";
import { CLASS_METRICS, classData, meanDefined, measureClass } from "./panel.ts";
import { rank, scan } from "./ranking.ts";
import { INTERACTION_METRIC, measureSets, SET_METRICS, sumSets } from "./sets.ts";

const METRICS: readonly PanelMetric[] = [
  ...CLASS_METRICS.map((name) => ({ name, average: "macro", perClass: true }) as const),
  { name: "micro_auprc", average: "micro", perClass: false },
  { name: "micro_auroc", average: "micro", perClass: false },
  ...SET_METRICS,
];
const MACRO = CLASS_METRICS.length;

/** The panel of a multilabel label; memory is about 30 bytes for each (sample, class) pair. */
export function multilabelPanel(input: PanelInput): Panel {
  const { classes, labels, probabilities, subject } = input;
  const perClass = Array.from({ length: classes }, (_, c) => classData(input, c));
  const pooledSubject = new Uint32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    pooledSubject[i] = subject[Math.floor(i / classes)] as number;
  }
  const pooled = rank(labels, probabilities, pooledSubject);
  const sets = sumSets(input);
  const metrics = input.interactions === undefined ? METRICS : [...METRICS, INTERACTION_METRIC];
  const width = 1 + classes;
  return {
    metrics,
    classes,
    measure(weights, out, calibration) {
      perClass.forEach((data, c) => {
        measureClass(data, weights, calibration).forEach((value, m) => {
          out[m * width + 1 + c] = value;
        });
      });
      for (let m = 0; m < MACRO; m++) {
        out[m * width] = meanDefined(out.subarray(m * width + 1, (m + 1) * width));
      }
      const sums = scan(pooled, weights);
      out.fill(Number.NaN, MACRO * width);
      out[MACRO * width] = averagePrecision(sums);
      out[(MACRO + 1) * width] = areaUnderRoc(sums);
      measureSets(sets, weights).forEach((value, m) => {
        if (MACRO + 2 + m < metrics.length) out[(MACRO + 2 + m) * width] = value;
      });
    },
  };
}
