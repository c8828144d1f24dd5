/** Whether a hospital stay lasts at least a week, asked at the end of the day of admission. */
import type { TaskDefinition, TaskOption, TaskOptions } from "../core/task.ts";
import { ADULT_STAY, ADULT_STAY_RULES, type Cohort, overStays, STAYS } from "./cohort.ts";
import { optionValue } from "./options.ts";

const NAME = "long-los";
const DAYS: TaskOption = {
  description: "a stay is long from this many times 24 hours on",
  default: 7,
  min: 2,
  max: 60,
};

function cohortOf(options: TaskOptions): Cohort {
  const days = optionValue(NAME, "days", DAYS, options);
  return {
    candidates: `${STAYS},
candidates AS (
  SELECT
    *,
    date_trunc('day', start_time) + INTERVAL 86399 SECOND AS prediction_time,
    end_time >= start_time + INTERVAL ${days} DAY AS value
  FROM stays
)`,
    rules: [
      ...ADULT_STAY,
      // A discharge on that day would be visible, and so would the answer.
      { step: "still in hospital after the day of admission", keep: "end_time > prediction_time" },
    ],
  };
}

export const longLos: TaskDefinition = {
  name: NAME,
  version: 1,
  description: "At the end of the day of admission: will this stay last 7 days or longer?",
  reference:
    "Wornow et al. 2023, arXiv:2307.02028 (long length of stay); Su et al. 2025, arXiv:2502.04397, asks the same",
  labelSpec: { kind: "binary", classes: ["long stay"] },
  datasets: ["mimic3", "mimic4", "ehrshot", "meds"],
  options: { days: DAYS },
  history: { hideIndexVisit: [] },
  rules: [
    ...ADULT_STAY_RULES,
    "Stays that end on the day of admission are left out; their end would be visible.",
    "Positive when discharge is at least days times 24 hours after admission; exactly that long counts as long.",
    "Prediction at 23:59:59 on the day of admission; what was recorded since the admission is visible, the stay's diagnoses are not.",
    "Stays that end in death are included with the time until discharge; they are short for another reason.",
  ],
  ...overStays(cohortOf),
  trueRisk: () => null,
};
