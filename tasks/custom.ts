/**
 * A task from a small JSON definition: an outcome as codes, a moment of prediction in each hospital stay, a
 * horizon, and who is left out. What is not said has the value that leaks least.
 */
import { z } from "zod";
import { BenchError } from "../core/errors.ts";
import { CODE_KINDS, STRUCTURE_CODES } from "../core/event-store.ts";
import { shortHash } from "../core/hash.ts";
import type { TaskDefinition } from "../core/task.ts";
import { icdCode, isIcd, officialCode, vocabularyName } from "../core/vocabulary/codes.ts";
import {
  ALIVE_AT_PREDICTION,
  type Cohort,
  type CohortRule,
  INPATIENT,
  overStays,
  STAYS,
  SURVIVED,
  TIMED,
} from "./cohort.ts";
import { firstEvents } from "./first-events.ts";

const codeList = z
  .record(z.string(), z.array(z.string().trim().min(1)).min(1))
  .refine((lists) => Object.keys(lists).length > 0, "name at least one vocabulary")
  .describe("prefixes by vocabulary, dots or not; `event` for whole codes such as MEDS_DEATH");

export const customTaskSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "must be lower-case words joined by hyphens")
      .describe("what the task is called in records"),
    description: z.string().min(1).describe("one sentence: what is asked, and when"),
    reference: z.string().default("a task file").describe("where the definition comes from"),
    outcome: codeList,
    prediction: z
      .strictObject({
        at: z.enum(["admission", "discharge", "end-of-admission-day", "end-of-discharge-day"]),
        plusHours: z
          .number()
          .nonnegative()
          .max(24 * 365)
          .default(0),
      })
      .default({ at: "discharge", plusHours: 0 }),
    horizonDays: z.number().positive().max(36_500).describe("an outcome after it does not count"),
    firstOccurrence: z
      .boolean()
      .default(true)
      .describe("leave out whoever has had the outcome by the time of prediction"),
    minimumAge: z.number().int().min(0).max(120).default(18),
    exclude: z
      .strictObject({
        diedInStay: z.boolean().default(true),
        codes: codeList.optional().describe("leave out whoever has one of these by then"),
      })
      .default({ diedInStay: true }),
    hideIndexVisit: z.array(z.enum(CODE_KINDS)).default([]),
  })
  .describe("medtok-bench task definition");

export type CustomTask = z.infer<typeof customTaskSchema>;
type CodeList = z.infer<typeof codeList>;

function problem(file: string, path: string, what: string, fix: string): BenchError {
  return new BenchError({ what, where: path === "" ? file : `${file}, ${path}`, fix, exitCode: 2 });
}

/** One prefix as a pattern over official codes. @throws BenchError when it cannot begin a code. */
function pattern(file: string, path: string, name: string, prefix: string): string {
  if (name === "event") return prefix;
  const vocabulary = vocabularyName(name);
  if (vocabulary === null) {
    throw problem(
      file,
      path,
      `"${name}" is no vocabulary`,
      "use ICD9CM, ICD9Proc, ICD10CM, ICD10PCS, ATC, NDC, RxNorm, SNOMED, LOINC, CPT4, HCPCS, or event",
    );
  }
  if (vocabulary === "ICD10PCS" && /^[0-9A-HJ-NP-Z]{3,7}$/i.test(prefix)) {
    return `ICD10PCS/${prefix.toUpperCase()}*`;
  }
  if (isIcd(vocabulary) || vocabulary === "ATC") {
    // The category at least: a shorter prefix would take in unrelated codes, or has lost a zero.
    if (officialCode(vocabulary, prefix) === null) {
      throw problem(
        file,
        path,
        `"${prefix}" is not the beginning of a code of ${vocabulary}`,
        "write a category at least, with its leading zeros, e.g. 038 or I48",
      );
    }
    return `${isIcd(vocabulary) ? icdCode(vocabulary, prefix) : `ATC/${prefix.toUpperCase()}`}*`;
  }
  const code = officialCode(vocabulary, prefix);
  if (code === null)
    throw problem(file, path, `"${prefix}" is no code of ${vocabulary}`, "write whole codes");
  return code;
}

function patterns(file: string, path: string, lists: CodeList): string[] {
  return Object.entries(lists).flatMap(([name, prefixes]) =>
    prefixes.map((prefix, i) => pattern(file, `${path}.${name}[${i}]`, name, prefix)),
  );
}

/**
 * Reads the text of a definition.
 * @throws BenchError that names the file and the field.
 */
export function parseCustomTask(file: string, text: string): CustomTask {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw problem(
      file,
      "",
      `not JSON: ${cause instanceof Error ? cause.message : cause}`,
      "see docs/custom-tasks.md for an example",
    );
  }
  const parsed = customTaskSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw problem(
    file,
    issue?.path.map(String).join(".") ?? "",
    `not a task definition: ${issue?.message ?? "unknown"}`,
    "see docs/custom-tasks.md for every field",
  );
}

const DAY_END = "INTERVAL 86399 SECOND";

function predictionTime({ at, plusHours }: CustomTask["prediction"]): string {
  const from = at.includes("admission") ? "start_time" : "end_time";
  const base = at.startsWith("end-of") ? `date_trunc('day', ${from}) + ${DAY_END}` : from;
  return `${base} + to_microseconds(${Math.round(plusHours * 3.6e9)})`;
}

function rulesOf(task: CustomTask): CohortRule[] {
  const { prediction, firstOccurrence, exclude, minimumAge } = task;
  const inStay = prediction.at.includes("admission");
  const waits = prediction.at !== "admission" || prediction.plusHours > 0;
  return [
    INPATIENT,
    TIMED,
    { step: `aged ${minimumAge} or over at admission`, keep: `age >= ${minimumAge}` },
    ...(exclude.diedInStay && !inStay ? [SURVIVED] : []),
    ...(inStay && waits
      ? [
          {
            step: "still in hospital at the time of prediction",
            keep: "end_time > prediction_time",
          },
        ]
      : []),
    ALIVE_AT_PREDICTION,
    ...(firstOccurrence
      ? [
          {
            step: "no outcome on record by then",
            keep: "first_time IS NULL OR first_time > prediction_time",
          },
        ]
      : []),
    ...(exclude.codes === undefined
      ? []
      : [
          {
            step: "none of the excluded codes on record by then",
            keep: "excluded_time IS NULL OR excluded_time > prediction_time",
          },
        ]),
  ];
}

function cohortOf(
  task: CustomTask,
  outcome: readonly string[],
  excluded: readonly string[],
): Cohort {
  const horizon = `to_microseconds(${Math.round(task.horizonDays * 86_400e6)})`;
  return {
    recursive: true,
    candidates: `${STAYS},
${firstEvents([outcome, excluded])},
asked AS (
  SELECT *, ${predictionTime(task.prediction)} AS prediction_time FROM stays
),
outcomes AS (
  SELECT DISTINCT e.subject_id, e.time
  FROM events e
  JOIN (SELECT DISTINCT code FROM class_codes WHERE class = 0) c ON c.code = e.code
  WHERE e.time IS NOT NULL
),
candidates AS (
  SELECT
    asked.*,
    had.first_time,
    other.first_time AS excluded_time,
    coalesce(next.time <= asked.prediction_time + ${horizon}, false) AS value
  FROM asked
  ASOF LEFT JOIN outcomes next
    ON next.subject_id = asked.subject_id AND next.time > asked.prediction_time
  LEFT JOIN first_events had ON had.subject_id = asked.subject_id AND had.class = 0
  LEFT JOIN first_events other ON other.subject_id = asked.subject_id AND other.class = 1
)`,
    rules: rulesOf(task),
  };
}

function sentences({
  prediction,
  horizonDays,
  firstOccurrence,
  hideIndexVisit,
}: CustomTask): string[] {
  const later = prediction.plusHours === 0 ? "" : `, ${prediction.plusHours} hours later`;
  return [
    "Hospital admissions whose discharge is recorded and later than the admission.",
    `Prediction at: ${prediction.at.replaceAll("-", " ")}${later}; everything recorded up to then is visible.`,
    `Positive when one of the outcome's codes is recorded after that and at most ${horizonDays} times 24 hours later.`,
    firstOccurrence
      ? "Whoever has had the outcome by then is left out; a code without a time counts as always there."
      : "Whoever has had the outcome before stays in.",
    hideIndexVisit.length === 0
      ? "No kind of the stay's codes is hidden."
      : `Of the stay's own codes these kinds are hidden: ${hideIndexVisit.join(", ")}.`,
  ];
}

/**
 * The task that a definition describes.
 * @param file for messages
 * @param datasets names of the datasets it may be used on
 */
export function customTask(
  file: string,
  task: CustomTask,
  datasets: readonly string[],
): TaskDefinition {
  const outcome = patterns(file, "outcome", task.outcome);
  const excluded = patterns(file, "exclude.codes", task.exclude.codes ?? {});
  return {
    name: task.name,
    version: 1,
    definitionHash: shortHash(task),
    description: task.description,
    reference: task.reference,
    labelSpec: { kind: "binary", classes: ["outcome"] },
    datasets,
    options: {},
    history: { hideIndexVisit: task.hideIndexVisit },
    rules: sentences(task),
    ...overStays(() => cohortOf(task, outcome, excluded)),
    trueRisk: () => null,
    outcome: () => ({
      classes: [outcome],
      until: [STRUCTURE_CODES.death],
      withinDays: task.horizonDays,
    }),
  };
}
