/** Readmission within a number of days, asked at discharge. */
import type { Flaws } from "../core/protocol.ts";
import type { TaskDefinition, TaskOption, TaskOptions } from "../core/task.ts";
import {
  ADULT_STAY_RULES,
  ANY_ADMISSION,
  adultStay,
  type Cohort,
  NEXT_VISIT,
  onlyReturning,
  overStays,
  SURVIVED,
  staysOf,
  unlessLoose,
  VISIT_SEQUENCE,
} from "./cohort.ts";
import { optionValue } from "./options.ts";

const NAME = "readmission";
const WINDOW_DAYS: TaskOption = {
  description: "a readmission counts up to this many times 24 hours after discharge",
  default: 15,
  min: 1,
  max: 365,
};

function windowDays(options: TaskOptions): number {
  return optionValue(NAME, "windowDays", WINDOW_DAYS, options);
}

// From discharge to admission, never admission to admission: a long stay must not use the window up.
function cohortOf(options: TaskOptions, flaws: Flaws): Cohort {
  const days = windowDays(options);
  const value = flaws.has("admission-to-admission")
    ? `coalesce((epoch_us(next_start_time) - epoch_us(stays.start_time)) // 86400000000 <= ${days}, false)`
    : `coalesce(later.start_time <= stays.end_time + INTERVAL ${days} DAY, false)`;
  return {
    candidates: `${staysOf(flaws)},
admissions AS (
  SELECT subject_id, start_time FROM stays WHERE inpatient AND timed
),
sequenced AS (
  SELECT *, ${NEXT_VISIT}, lead(start_time) OVER (${VISIT_SEQUENCE}) AS next_start_time FROM stays
),
candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    ${value} AS value
  FROM ${flaws.size > 0 ? "sequenced" : "stays"} stays
  ASOF LEFT JOIN admissions later /* the first one that begins after this discharge */
    ON later.subject_id = stays.subject_id AND later.start_time > stays.end_time
)`,
    rules: [...adultStay(flaws), ...unlessLoose(flaws, SURVIVED), ...onlyReturning(flaws)],
  };
}

export const readmission: TaskDefinition = {
  name: NAME,
  version: 1,
  description: "At discharge: will the patient be admitted again within the following days?",
  reference:
    "Su et al. 2025, arXiv:2502.04397 (15 days), and Wornow et al. 2023, arXiv:2307.02028 (30 days); measured from discharge",
  labelSpec: { kind: "binary", classes: ["admitted again"] },
  datasets: ["mimic3", "mimic4", "ehrshot", "meds"],
  options: { windowDays: WINDOW_DAYS },
  history: { hideIndexVisit: [] },
  rules: [
    ...ADULT_STAY_RULES,
    "The patient left this stay alive; the last stay of every patient is included.",
    "Positive when a hospital admission begins after this discharge and at most windowDays times 24 hours later, planned or not.",
    "Later on the day of discharge counts; an admission that begins at the minute of discharge is a transfer and does not count, nor does one that began before it.",
    "No later admission means negative: these sources state no end of follow-up, so readmissions elsewhere and deaths at home are not seen.",
    "Prediction at discharge; everything recorded up to then is visible, the diagnoses of the stay included.",
  ],
  ...overStays(cohortOf, [
    "filtered-visits",
    "no-exclusions",
    "returning-patients-only",
    "first-sample-only",
    "admission-to-admission",
  ]),
  trueRisk: (options) => {
    const days = windowDays(options);
    return days === 15 || days === 30 ? `readmission_${days}d` : null;
  },
  outcome: (options) => ({
    classes: [[ANY_ADMISSION]],
    until: [],
    withinDays: windowDays(options),
  }),
};
