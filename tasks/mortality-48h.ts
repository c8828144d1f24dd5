/** In-hospital death during the current admission, asked 48 hours after it began. */
import type { TaskDefinition } from "../core/task.ts";
import {
  ADULT_STAY,
  ADULT_STAY_RULES,
  ANY_DISCHARGE,
  type Cohort,
  DEATH_IN_HOSPITAL,
  overStays,
  STAYS,
} from "./cohort.ts";

const COHORT: Cohort = {
  candidates: `${STAYS},
candidates AS (
  SELECT
    *,
    start_time + INTERVAL 48 HOUR AS prediction_time,
    died AS value
  FROM stays
)`,
  rules: [
    ...ADULT_STAY,
    // Strictly: a discharge stamped at exactly 48 hours would be visible, and it names death.
    { step: "still in hospital 48 hours after admission", keep: "end_time > prediction_time" },
    // Death may be stamped before the discharge. The time of a death after this stay is no reason.
    {
      step: "not dead by then",
      keep: "NOT died OR death_time IS NULL OR death_time > prediction_time",
    },
  ],
};

export const mortality48h: TaskDefinition = {
  name: "mortality-48h",
  version: 1,
  description:
    "48 hours after admission: will the patient die in hospital before being discharged from this stay?",
  reference:
    "Harutyunyan et al. 2019, doi:10.1038/s41597-019-0103-9, with hospital instead of ICU admission as the start",
  labelSpec: { kind: "binary", classes: ["died in this admission"] },
  datasets: ["mimic3", "mimic4", "meds"],
  options: {},
  history: { hideIndexVisit: [] },
  rules: [
    ...ADULT_STAY_RULES,
    "Still in hospital 48 hours after admission; a stay that ends at that very minute is left out, because its discharge would be visible.",
    "Deaths stamped within the first 48 hours are left out; a death in the stay whose time is not recorded counts as later.",
    "Prediction 48 hours after admission; diagnoses of the stay are assigned at discharge and are therefore not visible.",
    "Positive when the hospital marked this stay as ending in death; deaths after discharge never count.",
  ],
  ...overStays(() => COHORT),
  trueRisk: () => "mortality_48h",
  outcome: () => ({ classes: [[DEATH_IN_HOSPITAL]], until: [ANY_DISCHARGE], withinDays: null }),
};
