/** Length of the hospital stay in ten classes, asked at admission. */
import type { Flaws } from "../core/protocol.ts";
import type { TaskDefinition } from "../core/task.ts";
import {
  ADULT_STAY_RULES,
  adultStay,
  type Cohort,
  NEXT_VISIT,
  onlyReturning,
  overStays,
  staysOf,
} from "./cohort.ts";

// Completed days decide, so that exactly 7 days is class 7, exactly 8 is class 8 and exactly 15 is class 9.
function cohortOf(flaws: Flaws): Cohort {
  return {
    candidates: `${staysOf(flaws)},
lengths AS (
  SELECT
    *,
    (epoch_us(end_time) - epoch_us(start_time)) // 86400000000 AS days${flaws.size > 0 ? `,\n    ${NEXT_VISIT}` : ""}
  FROM stays
),
candidates AS (
  SELECT
    *,
    start_time AS prediction_time,
    CAST(CASE WHEN days <= 7 THEN days WHEN days <= 14 THEN 8 ELSE 9 END AS INTEGER) AS value
  FROM lengths
)`,
    rules: [...adultStay(flaws), ...onlyReturning(flaws)],
  };
}

export const los: TaskDefinition = {
  name: "los",
  version: 1,
  description: "At admission: how many completed days will the patient stay in hospital?",
  reference:
    "Su et al. 2025, arXiv:2502.04397 (ten classes), as total hospital stay; asked at admission instead of in hindsight",
  labelSpec: {
    kind: "multiclass",
    classes: [
      "under 1 day",
      "1 day",
      "2 days",
      "3 days",
      "4 days",
      "5 days",
      "6 days",
      "7 days",
      "8 to 14 days",
      "15 days or more",
    ],
  },
  datasets: ["mimic3", "mimic4", "meds"],
  options: {},
  history: { hideIndexVisit: [] },
  rules: [
    ...ADULT_STAY_RULES,
    "Time from admission to discharge in completed days of 24 hours: under 1, each day from 1 to 7, 8 to 14, and 15 or more.",
    "Prediction at the minute of admission: later in the stay its length is partly known, and at discharge it is known; neither the stay's codes nor its end are visible.",
    "Stays that end in death are included with the time until discharge; they are short for another reason.",
    "A patient's first stay has no earlier stays to show: only demographics and what was recorded up to the admission.",
  ],
  ...overStays(
    (_, flaws) => cohortOf(flaws),
    [
      "filtered-visits",
      "no-exclusions",
      "returning-patients-only",
      "first-sample-only",
      "los-in-input",
    ],
  ),
};
