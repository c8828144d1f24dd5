/** The new-diagnosis tasks together: which of six diseases will be diagnosed for the first time within a year. */
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import {
  ADULT_STAY,
  ALIVE_AT_PREDICTION,
  type Cohort,
  overStays,
  STAYS,
  SURVIVED,
} from "./cohort.ts";
import { DISEASES, diseaseCodes } from "./diseases.ts";
import { firstEvents } from "./first-events.ts";
import {
  diagnosisOutcome,
  followedFor,
  lastSeen,
  NEW_DIAGNOSIS_OPTIONS,
  NEW_DIAGNOSIS_RULES,
  newDiagnosisOptions,
} from "./new-diagnosis.ts";

const NAME = "risk";

function cohortOf(options: TaskOptions): Cohort {
  const { horizonDays, followedUp } = newDiagnosisOptions(NAME, options);
  return {
    recursive: true,
    candidates: `${STAYS},
${firstEvents(DISEASES.map(diseaseCodes))},
${lastSeen(followedUp)},
found AS (
  SELECT stays.subject_id, stays.visit_id, list_sort(list(first_events.class)) AS diseases
  FROM stays
  JOIN first_events ON first_events.subject_id = stays.subject_id
    AND first_events.first_time > stays.end_time
    AND first_events.first_time <= stays.end_time + INTERVAL ${horizonDays} DAY
  GROUP BY stays.subject_id, stays.visit_id
),
candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    last_seen.last_time,
    coalesce(found.diseases, CAST([] AS INTEGER[])) AS value
  FROM stays
  LEFT JOIN found ON found.subject_id = stays.subject_id AND found.visit_id = stays.visit_id
  LEFT JOIN last_seen ON last_seen.subject_id = stays.subject_id
)`,
    rules: [
      ...ADULT_STAY,
      SURVIVED,
      ALIVE_AT_PREDICTION,
      ...(followedUp
        ? [
            {
              step: "positive, or followed up",
              keep: `len(value) > 0 OR ${followedFor(horizonDays)}`,
            },
          ]
        : []),
    ],
  };
}

export const risk: TaskDefinition = {
  name: NAME,
  version: 1,
  description:
    "At discharge: which of six diseases will be diagnosed for the first time within a year?",
  reference: "Wornow et al. 2023, arXiv:2307.02028 (new diagnoses), as one multilabel task",
  labelSpec: { kind: "multilabel", classes: DISEASES.map((disease) => disease.name) },
  datasets: ["mimic3", "mimic4", "ehrshot", "meds"],
  options: NEW_DIAGNOSIS_OPTIONS,
  history: { hideIndexVisit: [] },
  rules: [
    ...NEW_DIAGNOSIS_RULES,
    "A disease that is on record by this discharge cannot be diagnosed for the first time: its class is negative, and the patient stays in for the others. So a class has more negatives, and a lower prevalence, than the task about that disease alone.",
  ],
  ...overStays(cohortOf),
  outcome: (options) => diagnosisOutcome(DISEASES, newDiagnosisOptions(NAME, options).horizonDays),
};
