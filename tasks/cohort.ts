/**
 * How every task selects its samples. A task states candidates (one row a visit, with the facts its
 * rules speak of) and an ordered list of rules. The labels and the cohort flow are both made from these
 * two, so that a count in the flow and a row in the labels cannot disagree.
 */
import { type EventStore, STRUCTURE_CODES } from "../core/event-store.ts";
import { type Flaw, type Flaws, NO_FLAWS } from "../core/protocol.ts";
import type { CohortStep, TaskDefinition, TaskOptions } from "../core/task.ts";

/** One rule of a cohort: `keep` is an SQL condition over the candidates; null counts as "not kept". */
export interface CohortRule {
  readonly step: string;
  readonly keep: string;
}

/** The candidates of a task and who of them becomes a sample. */
export interface Cohort {
  /**
   * A comma-separated list of common table expressions. The last one is named `candidates` and holds
   * one row a visit (of any type), with at least subject_id, visit_id, prediction_time and value.
   */
  readonly candidates: string;
  /** Whether one of the expressions refers to itself. */
  readonly recursive?: boolean;
  /** Whether only the earliest sample of each subject is kept. */
  readonly firstOnly?: boolean;
  readonly rules: readonly CohortRule[];
}

/** Events that outcomes name, as codes or prefixes (see `Outcome` in core/task.ts). */
export const DEATH_IN_HOSPITAL = `${STRUCTURE_CODES.discharge}/DIED`;
export const ANY_DISCHARGE = `${STRUCTURE_CODES.discharge}/*`;
export const ANY_ADMISSION = `${STRUCTURE_CODES.admission}/*`;

/** What is counted before any rule. */
export const ALL_VISITS = "all visits";

/** Whole calendar years from birth to the visit, both by date; born on 29 February counts from 1 March. */
const AGE_AT_ADMISSION = `((
    year(v.start_time) * 10000 + month(v.start_time) * 100 + day(v.start_time)
    - year(s.birth_time) * 10000 - month(s.birth_time) * 100 - day(s.birth_time)
  ) // 10000)`;

const USABLE_VISITS = `coded_visits AS (
  SELECT e.subject_id, e.visit_id
  FROM events e
  JOIN codes c ON c.code = e.code
  WHERE e.visit_id IS NOT NULL AND c.kind IN ('diagnosis', 'procedure', 'drug')
  GROUP BY e.subject_id, e.visit_id
  HAVING count(DISTINCT c.kind) = 3
),
usable_visits AS (
  SELECT subject_id, visit_id FROM coded_visits
  SEMI JOIN icu_stays USING (subject_id, visit_id)
),
`;

/**
 * CTE `stays`: every visit with what the shared rules ask for. Columns: subject_id, visit_id,
 * start_time, end_time, died, death_time (of the subject), age (years, null when the birth is not
 * known), inpatient, timed. A condition that cannot be told (no end) is false, never null, because
 * `inpatient` and `timed` also say which visits may follow one another.
 */
export const STAYS = staysOf(NO_FLAWS);

/** The same with the flaws of protocol `paper` in it. */
export function staysOf(flaws: Flaws): string {
  const filtered = flaws.has("filtered-visits");
  return `${filtered ? USABLE_VISITS : ""}stays AS (
  SELECT
    v.subject_id, v.visit_id, v.start_time, v.end_time, v.died, s.death_time,
    ${AGE_AT_ADMISSION} AS age,
    coalesce(v.visit_type = 'inpatient', false) AS inpatient,
    coalesce(v.end_time > v.start_time, false) AS timed
  FROM visits v${filtered ? "\n  SEMI JOIN usable_visits u ON u.subject_id = v.subject_id AND u.visit_id = v.visit_id" : ""}
  LEFT JOIN subjects s ON s.subject_id = v.subject_id
)`;
}

/** Order of a subject's visits wherever one is said to follow another. */
export const VISIT_SEQUENCE = `PARTITION BY subject_id, inpatient AND timed
    ORDER BY start_time, visit_id`;

export const INPATIENT: CohortRule = { step: "inpatient visits", keep: "inpatient" };
export const TIMED: CohortRule = { step: "discharge after admission", keep: "timed" };
export const ADULT: CohortRule = { step: "aged 18 or over at admission", keep: "age >= 18" };
export const SURVIVED: CohortRule = { step: "discharged alive", keep: "NOT died" };

/** Death may be stamped before a discharge alive; the outcome would then be visible. */
export const ALIVE_AT_PREDICTION: CohortRule = {
  step: "no death recorded by then",
  keep: "death_time IS NULL OR death_time > prediction_time",
};

/** Rules every task starts with. */
export const ADULT_STAY: readonly CohortRule[] = [INPATIENT, TIMED, ADULT];

/** The same under flaws. */
export function adultStay(flaws: Flaws): readonly CohortRule[] {
  return flaws.has("no-exclusions") ? [INPATIENT, TIMED] : ADULT_STAY;
}
/** Rules that protocol `paper` leaves out. */
export function unlessLoose(flaws: Flaws, ...rules: readonly CohortRule[]): readonly CohortRule[] {
  return flaws.has("no-exclusions") ? [] : rules;
}
/** For candidates that have `next_visit_id`. */
export function onlyReturning(flaws: Flaws): readonly CohortRule[] {
  return flaws.has("returning-patients-only")
    ? [{ step: "not the last visit", keep: "next_visit_id IS NOT NULL" }]
    : [];
}
/** Column for it. */
export const NEXT_VISIT = `lead(visit_id) OVER (${VISIT_SEQUENCE}) AS next_visit_id`;

/** The sentences of `rules` that go with ADULT_STAY, worded once. */
export const ADULT_STAY_RULES: readonly string[] = [
  "Hospital admissions whose discharge is recorded and later than the admission.",
  "Age 18 or over on the day of admission, in completed calendar years; patients without a known birth are left out.",
];

const opening = ({ recursive, candidates }: Cohort) =>
  `WITH ${recursive === true ? "RECURSIVE " : ""}${candidates}`;

/** SELECT of a task's labels: subject_id, prediction_time, visit_id, value, one row a sample. */
export function labelsSql(cohort: Cohort): string {
  const keep = cohort.rules.map((rule) => `(${rule.keep})`).join("\n  AND ");
  return `${opening(cohort)}
SELECT subject_id, prediction_time, visit_id, value
FROM candidates
WHERE ${keep}${
    cohort.firstOnly === true
      ? "\nQUALIFY row_number() OVER (PARTITION BY subject_id ORDER BY start_time, visit_id) = 1"
      : ""
  }`;
}

/** Counts after each rule, from all visits to the samples, in one pass over the candidates. */
export async function cohortFlow(store: EventStore, cohort: Cohort): Promise<CohortStep[]> {
  const counts = cohort.rules.map((_, i) => {
    const keep = cohort.rules.slice(0, i + 1).map((rule) => `(${rule.keep})`);
    return `count(*) FILTER (WHERE ${keep.join(" AND ")}) AS step_${i + 1}`;
  });
  const all = cohort.rules.map((rule) => `(${rule.keep})`).join(" AND ");
  const columns = await store.query(`${opening(cohort)}
SELECT ${["count(*) AS step_0", ...counts].join(",\n  ")},
  count(DISTINCT subject_id) FILTER (WHERE ${all}) AS subjects
FROM candidates`);
  const samples = (step: number): number => columns.numbers(`step_${step}`)[0] ?? 0;
  return [
    { step: ALL_VISITS, samples: samples(0) },
    ...cohort.rules.map((rule, i) => ({ step: rule.step, samples: samples(i + 1) })),
    ...(cohort.firstOnly === true
      ? [{ step: "the first sample of each subject", samples: columns.numbers("subjects")[0] ?? 0 }]
      : []),
  ];
}

/**
 * What follows from a cohort, the same for every task over stays.
 * @param paperFlaws flaws of cohort, labels and history in the paper's code; none where it has no such task
 */
export function overStays(
  cohortOf: (options: TaskOptions, flaws: Flaws) => Cohort,
  paperFlaws?: readonly Flaw[],
): Pick<TaskDefinition, "mainMetric" | "overStays" | "labels" | "cohort" | "paper"> {
  const flawed = (options: TaskOptions, flaws: Flaws): Cohort => {
    const cohort = cohortOf(options, flaws);
    return flaws.has("first-sample-only") ? { ...cohort, firstOnly: true } : cohort;
  };
  return {
    mainMetric: "auprc",
    overStays: true,
    labels: (options) => labelsSql(cohortOf(options, NO_FLAWS)),
    cohort: (store, options) => cohortFlow(store, cohortOf(options, NO_FLAWS)),
    ...(paperFlaws && {
      paper: {
        flaws: paperFlaws,
        labels: (options, flaws) => labelsSql(flawed(options, flaws)),
        cohort: (store, options, flaws) => cohortFlow(store, flawed(options, flaws)),
      },
    }),
  };
}
