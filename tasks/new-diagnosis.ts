/** What the new-diagnosis tasks share: the first diagnosis of a disease within a year of a discharge. */

import { STRUCTURE_CODES } from "../core/event-store.ts";
import type { Flaw, Flaws } from "../core/protocol.ts";
import type { Outcome, TaskDefinition, TaskOption, TaskOptions } from "../core/task.ts";
import {
  ADULT_STAY_RULES,
  ALIVE_AT_PREDICTION,
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
import { type Disease, diseaseCodes } from "./diseases.ts";
import { firstEvents } from "./first-events.ts";
import { optionValue } from "./options.ts";

const HORIZON_DAYS: TaskOption = {
  description: "a first diagnosis counts up to this many times 24 hours after discharge",
  default: 365,
  min: 30,
  max: 3650,
};
const FOLLOWED_UP: TaskOption = {
  description:
    "1 keeps a negative only where the record or the life goes on, or ends, past the horizon",
  default: 0,
  min: 0,
  max: 1,
};
export const NEW_DIAGNOSIS_OPTIONS = { horizonDays: HORIZON_DAYS, followedUp: FOLLOWED_UP };

/** Options of a new-diagnosis task, checked. */
export function newDiagnosisOptions(name: string, options: TaskOptions) {
  return {
    horizonDays: optionValue(name, "horizonDays", HORIZON_DAYS, options),
    followedUp: optionValue(name, "followedUp", FOLLOWED_UP, options) === 1,
  };
}

/** CTE `last_seen`: the last thing recorded of a subject; read only where it is asked for. */
export const lastSeen = (followedUp: boolean) => `last_seen AS (
  SELECT subject_id, max(time) AS last_time FROM events WHERE ${followedUp} GROUP BY subject_id
)`;
/** Condition over candidates with `last_time`: the horizon was lived through and recorded, or death came first. */
export const followedFor = (days: number) =>
  `last_time >= prediction_time + INTERVAL ${days} DAY
    OR death_time <= prediction_time + INTERVAL ${days} DAY`;

/** What protocol `paper` needs to know of a disease. */
export interface PaperDisease {
  /** Patterns of the codes that its code lists. */
  readonly listed: readonly string[];
}

function cohortOf(
  name: string,
  codes: readonly string[],
  disease: Disease,
  options: TaskOptions,
  flaws: Flaws,
): Cohort {
  const { horizonDays, followedUp } = newDiagnosisOptions(name, options);
  const prevalent = flaws.has("prevalent-cases");
  const within = `INTERVAL ${horizonDays} DAY`;
  return {
    recursive: true,
    candidates: `${staysOf(flaws)},
${firstEvents([codes])},
${lastSeen(followedUp)},
${flaws.size > 0 ? CODED_VISITS : ""}candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    first_events.first_time,
    last_seen.last_time,
    ${
      prevalent
        ? `coalesce(next_coded AND next_start_time <= stays.start_time + ${within}, false)`
        : `coalesce(first_events.first_time <= stays.end_time + ${within}, false)`
    } AS value
  FROM ${flaws.size > 0 ? "sequenced" : "stays"} stays
  LEFT JOIN first_events ON first_events.subject_id = stays.subject_id
  LEFT JOIN last_seen ON last_seen.subject_id = stays.subject_id
)`,
    rules: [
      ...adultStay(flaws),
      ...unlessLoose(flaws, SURVIVED, ALIVE_AT_PREDICTION),
      ...onlyReturning(flaws),
      ...(prevalent
        ? []
        : [
            {
              step: `no ${disease.name} on record by then`,
              keep: "first_time IS NULL OR first_time > prediction_time",
            },
          ]),
      ...(followedUp
        ? [{ step: "positive, or followed up", keep: `value OR ${followedFor(horizonDays)}` }]
        : []),
    ],
  };
}

/** Protocol `paper`: stays with the next one, and whether the disease is coded in that. */
const CODED_VISITS = `coded AS (
  SELECT DISTINCT e.subject_id, e.visit_id
  FROM events e
  JOIN (SELECT DISTINCT code FROM class_codes) c ON c.code = e.code
),
flagged AS (
  SELECT stays.*, coded.visit_id IS NOT NULL AS has_code
  FROM stays
  LEFT JOIN coded ON coded.subject_id = stays.subject_id AND coded.visit_id = stays.visit_id
),
sequenced AS (
  SELECT
    *,
    ${NEXT_VISIT},
    lead(start_time) OVER (${VISIT_SEQUENCE}) AS next_start_time,
    lead(has_code) OVER (${VISIT_SEQUENCE}) AS next_coded
  FROM flagged
),
`;

const PAPER_FLAWS: readonly Flaw[] = [
  "filtered-visits",
  "no-exclusions",
  "returning-patients-only",
  "first-sample-only",
  "prevalent-cases",
  "partial-code-list",
];

/** The sentences of `rules` that all new-diagnosis tasks have. */
export const NEW_DIAGNOSIS_RULES: readonly string[] = [
  ...ADULT_STAY_RULES,
  "The patient left this stay alive, and the record has no death before this discharge.",
  "Prediction at discharge; everything recorded up to then is visible, the diagnoses of the stay included. Every discharge of a patient is asked.",
  "A first diagnosis counts when it is recorded after this discharge and at most horizonDays times 24 hours later; diagnoses are recorded at the end of the stay they belong to.",
  "No later diagnosis means negative: the sources state no end of follow-up, and whoever dies undiagnosed stays undiagnosed. With followedUp=1 negatives need a record that lasts to the horizon, or a death before it, which favours patients who come back.",
  "Codes are prefixes of ICD-9-CM and ICD-10-CM, or the SNOMED concept and the concepts below it that the source's code table knows.",
];

/** Waiting for one of the diseases' codes. */
export function diagnosisOutcome(diseases: readonly Disease[], withinDays: number): Outcome {
  return {
    classes: diseases.map(diseaseCodes),
    until: [STRUCTURE_CODES.death],
    withinDays,
  };
}

/** The task about one disease. @param paper where the paper's code has the task too */
export function newDiagnosis(name: string, disease: Disease, paper?: PaperDisease): TaskDefinition {
  const all = diseaseCodes(disease);
  const codesUnder = (flaws: Flaws) => (flaws.has("partial-code-list") && paper?.listed) || all;
  return {
    name,
    version: 1,
    description: `At discharge, of a patient without ${disease.name} on record: will it be diagnosed for the first time within a year?`,
    reference:
      "Wornow et al. 2023, arXiv:2307.02028 (new diagnoses), asked at discharge; ICD lists are approximations of its SNOMED concepts",
    labelSpec: { kind: "binary", classes: [`first diagnosis of ${disease.name}`] },
    datasets: ["mimic3", "mimic4", "ehrshot", "meds"],
    options: NEW_DIAGNOSIS_OPTIONS,
    history: { hideIndexVisit: [] },
    rules: [
      ...NEW_DIAGNOSIS_RULES,
      `No code of ${disease.name} at any time up to this discharge, whatever visit it belongs to; a code without a time counts as always there. Later stays of patients who have been diagnosed are left out.`,
    ],
    ...overStays(
      (options, flaws) => cohortOf(name, codesUnder(flaws), disease, options, flaws),
      paper && PAPER_FLAWS,
    ),
    trueRisk: () => null,
    outcome: (options) =>
      diagnosisOutcome([disease], newDiagnosisOptions(name, options).horizonDays),
  };
}
