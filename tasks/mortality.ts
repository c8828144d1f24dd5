/** In-hospital death during the next admission, asked at discharge from this one. */
import type { Flaws } from "../core/protocol.ts";
import type { TaskDefinition } from "../core/task.ts";
import {
  ADULT_STAY_RULES,
  ANY_ADMISSION,
  ANY_DISCHARGE,
  adultStay,
  type Cohort,
  DEATH_IN_HOSPITAL,
  overStays,
  STAYS,
  SURVIVED,
  staysOf,
  unlessLoose,
  VISIT_SEQUENCE,
} from "./cohort.ts";

// Pairs are made on all inpatient stays before any rule, so that "next" means the true next admission.
function cohortOf(flaws: Flaws): Cohort {
  if (flaws.has("ever-died")) return EVER_DIED;
  return {
    candidates: `${staysOf(flaws)},
candidates AS (
  SELECT
    *,
    end_time AS prediction_time,
    lead(visit_id) OVER sequence AS next_visit_id,
    lead(end_time) OVER sequence AS next_end_time,
    lead(died) OVER sequence AS value
  FROM stays
  WINDOW sequence AS (${VISIT_SEQUENCE})
)`,
    rules: [
      ...adultStay(flaws),
      ...unlessLoose(flaws, SURVIVED),
      { step: "admitted again", keep: "next_visit_id IS NOT NULL" },
      // A stay nested in this one is over by now, and a death recorded too early has happened by now:
      // the answer would be visible.
      ...unlessLoose(
        flaws,
        {
          step: "the next stay ends after this discharge",
          keep: "next_end_time > prediction_time",
        },
        {
          step: "no death recorded before this discharge",
          keep: "death_time IS NULL OR death_time > prediction_time",
        },
      ),
    ],
  };
}

/** Protocol `paper` on EHRSHOT: one row a subject, at its last visit; the whole record is visible. */
const EVER_DIED: Cohort = {
  candidates: `${STAYS},
candidates AS (
  SELECT *, start_time AS prediction_time, death_time IS NOT NULL AS value
  FROM stays
  QUALIFY row_number() OVER (PARTITION BY subject_id ORDER BY start_time DESC, visit_id DESC) = 1
)`,
  rules: [{ step: "one of each subject", keep: "true" }],
};

export const mortality: TaskDefinition = {
  name: "mortality",
  version: 1,
  description:
    "At discharge: will the patient, if admitted again, die in hospital during that next admission?",
  reference:
    "Su et al. 2025, arXiv:2502.04397 (appendix C); paired on all admissions, without the filters of its code",
  labelSpec: { kind: "binary", classes: ["died in the next admission"] },
  datasets: ["mimic3", "mimic4", "ehrshot", "meds"],
  options: {},
  history: { hideIndexVisit: [] },
  rules: [
    ...ADULT_STAY_RULES,
    "The patient left this stay alive.",
    "Conditional on a next admission: patients who never come back are not in the task, so this is not the risk of dying after discharge.",
    "The next admission is the next in time among all hospital stays of the patient, whatever was coded in it and however much later it is.",
    "Left out where the next stay, nested in this one, is already over at this discharge, or where the record has the patient dead before it: the outcome would be visible.",
    "Prediction at discharge; everything recorded up to then is visible, the diagnoses of the stay included.",
    "Positive when the hospital marked the next stay as ending in death; deaths at home never count.",
  ],
  ...overStays(
    (_, flaws) => cohortOf(flaws),
    ["filtered-visits", "no-exclusions", "first-sample-only", "ever-died"],
  ),
  trueRisk: () => "mortality_next",
  outcome: () => ({
    classes: [[DEATH_IN_HOSPITAL]],
    given: [ANY_ADMISSION],
    until: [ANY_DISCHARGE],
    withinDays: null,
  }),
};
