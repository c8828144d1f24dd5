/** Tasks whose labels come with the source, and the published counts of EHRSHOT's. */
import type { LabelSpec } from "../core/label.ts";
import type { TaskDefinition } from "../core/task.ts";

/** Before the source's own name of a task, as in `published-guo_los`. */
export const PUBLISHED = "published-";

/** Of one split: patients, patients with a positive, labels, positive labels. */
export type PublishedCounts = readonly [number, number, number, number];

/** Train, val and test of EHRSHOT as published (Wornow et al. 2023); what a loader of the real data must find. */
export const EHRSHOT_COUNTS: Readonly<Record<string, readonly PublishedCounts[]>> = {
  guo_los: [
    [1377, 464, 2569, 681],
    [1240, 395, 2231, 534],
    [1238, 412, 2195, 552],
  ],
  guo_readmission: [
    [1337, 164, 2608, 370],
    [1191, 159, 2206, 281],
    [1190, 151, 2189, 260],
  ],
  guo_icu: [
    [1306, 107, 2402, 113],
    [1157, 84, 2052, 92],
    [1154, 75, 2037, 85],
  ],
  lab_thrombocytopenia: [
    [2084, 906, 68776, 22714],
    [1981, 807, 54504, 17867],
    [1998, 853, 56338, 19137],
  ],
  lab_hyperkalemia: [
    [2038, 456, 76349, 1829],
    [1935, 428, 60168, 1386],
    [1958, 405, 63653, 1554],
  ],
  lab_hypoglycemia: [
    [2054, 511, 122108, 1904],
    [1950, 433, 95488, 1449],
    [1970, 435, 100568, 1368],
  ],
  lab_hyponatremia: [
    [2035, 1294, 81336, 23877],
    [1930, 1174, 64473, 17557],
    [1956, 1224, 67028, 19274],
  ],
  lab_anemia: [
    [2092, 1484, 70501, 49028],
    [1992, 1379, 56224, 38498],
    [2002, 1408, 58155, 39970],
  ],
  new_hypertension: [
    [792, 129, 1259, 182],
    [781, 128, 1247, 175],
    [755, 129, 1258, 159],
  ],
  new_hyperlipidemia: [
    [923, 137, 1684, 205],
    [863, 140, 1441, 189],
    [864, 133, 1317, 172],
  ],
  new_pancan: [
    [1376, 128, 2576, 155],
    [1242, 46, 2215, 53],
    [1246, 40, 2220, 56],
  ],
  new_celiac: [
    [1392, 48, 2623, 62],
    [1252, 8, 2284, 11],
    [1255, 13, 2222, 21],
  ],
  new_lupus: [
    [1377, 79, 2570, 104],
    [1238, 24, 2225, 33],
    [1249, 19, 2243, 20],
  ],
  new_acutemi: [
    [1365, 130, 2534, 175],
    [1234, 112, 2176, 145],
    [1235, 115, 2127, 144],
  ],
  chexpert: [
    [251, 237, 7481, 4771],
    [395, 378, 9366, 6032],
    [399, 381, 9428, 6400],
  ],
};

/** Of the X-ray reports, the first being the most significant bit of the value. */
const CHEXPERT = [
  ...["No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Lesion", "Lung Opacity"],
  ...["Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion"],
  ...["Pleural Other", "Fracture", "Support Devices"],
];
/** A report with no finding and nothing else. */
const NO_FINDING = 2 ** (CHEXPERT.length - 1);

/** Condition over a row of `published_labels`: the benchmark counts it as positive. */
export function isPositive(name: string): string {
  return name === "chexpert" ? `value <> ${NO_FINDING}` : "value > 0";
}

/** Whether a name is that of one of EHRSHOT's tasks. */
export const isPublished = (name: string) => Object.hasOwn(EHRSHOT_COUNTS, name);

/** The task of a source's own labels. @param name the source's name of it */
export function publishedTask(name: string): TaskDefinition {
  const isXRay = name === "chexpert";
  const labelSpec: LabelSpec = isXRay
    ? { kind: "multilabel", classes: CHEXPERT }
    : { kind: "binary", classes: ["positive"] };
  const bits = `list_filter(range(${CHEXPERT.length}), lambda bit: (max(value) >> (${CHEXPERT.length - 1} - bit)) & 1 = 1)`;
  const from = `FROM published_labels WHERE task = '${name}'`;
  return {
    name: `${PUBLISHED}${name}`,
    version: 1,
    description: `Labels that come with the source, by its own name: ${name}`,
    reference: "Wornow et al. 2023, arXiv:2307.02028",
    labelSpec,
    mainMetric: "auprc",
    datasets: ["ehrshot"],
    options: {},
    history: { hideIndexVisit: [] },
    rules: [
      "Subjects, prediction times and values are those of the source's label file.",
      "Laboratory classes are one question, as in the benchmark: normal, or not.",
      "Where a subject has several labels at one time, one is kept, a positive one if there is any.",
      "Everything recorded up to the prediction time is visible.",
    ],
    labels: () => `WITH labels AS (SELECT subject_id, prediction_time, value ${from})
SELECT subject_id, prediction_time, CAST(NULL AS BIGINT) AS visit_id,
  ${isXRay ? `CAST(${bits} AS INTEGER[])` : `bool_or(${isPositive(name)})`} AS value
FROM labels GROUP BY subject_id, prediction_time`,
    cohort: async (store) => {
      const all = await store.query(`SELECT count(*)::DOUBLE AS n,
        count(DISTINCT (subject_id, prediction_time))::DOUBLE AS kept ${from}`);
      return [
        { step: "labels of the source", samples: all.numbers("n")[0] ?? 0 },
        { step: "one of each subject and time", samples: all.numbers("kept")[0] ?? 0 },
      ];
    },
    trueRisk: () => null,
  };
}
