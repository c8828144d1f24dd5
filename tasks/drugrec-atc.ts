/** Which ATC classes of drugs were ordered in a stay, asked at discharge from everything but its drugs. */
import type { LabelSpec } from "../core/label.ts";
import type { TaskDefinition, TaskOption, TaskOptions } from "../core/task.ts";
import { ATC_CLASS_LENGTH, type AtcLevel, atcClasses } from "./atc-classes.ts";
import { ADULT_STAY, ADULT_STAY_RULES, type Cohort, overStays, STAYS } from "./cohort.ts";
import { optionValue } from "./options.ts";

const LEVEL: TaskOption = {
  description: "level of the ATC classes: 3 (four characters, J01X) or 4 (five, J01XA)",
  default: 3,
  min: 3,
  max: 4,
};

function levelOf(options: TaskOptions): AtcLevel {
  return optionValue("drugrec-atc", "level", LEVEL, options) === 4 ? 4 : 3;
}

function labelSpecOf(options: TaskOptions): LabelSpec {
  const classes = atcClasses(levelOf(options));
  return { kind: "multilabel", classes, classCodes: classes.map((code) => [`ATC/${code}*`]) };
}

/** Common table expression: each class as ATC/J01X, and its number. */
function classesSql(level: AtcLevel): string {
  return `classes AS (
  SELECT 'ATC/' || class AS class, CAST(row_number() OVER (ORDER BY class) - 1 AS INTEGER) AS number
  FROM (SELECT unnest(string_split('${atcClasses(level).join(" ")}', ' ')) AS class)
)`;
}

const classOf = (code: string, level: AtcLevel) =>
  `${code}[:${"ATC/".length + ATC_CLASS_LENGTH[level]}]`;

/** Classes are matched once, on the code table; a drug above the asked level belongs to no class. */
function cohortOf(level: AtcLevel): Cohort {
  return {
    candidates: `${STAYS},
${classesSql(level)},
class_of_code AS (
  SELECT codes.code, classes.number
  FROM codes
  LEFT JOIN classes ON classes.class = ${classOf("codes.code", level)}
  WHERE codes.kind = 'drug'
),
ordered AS (
  SELECT
    e.subject_id, e.visit_id, true AS has_orders,
    list_sort(list(DISTINCT c.number) FILTER (
      WHERE c.number IS NOT NULL AND e.drug_type IS DISTINCT FROM 'BASE'
    )) AS drugs
  FROM events e
  JOIN class_of_code c ON c.code = e.code
  WHERE e.visit_id IS NOT NULL
  GROUP BY e.subject_id, e.visit_id
),
candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    ordered.has_orders,
    coalesce(ordered.drugs, CAST([] AS INTEGER[])) AS value
  FROM stays
  LEFT JOIN ordered USING (subject_id, visit_id)
)`,
    rules: [...ADULT_STAY, { step: "with any drug order", keep: "has_orders" }],
  };
}

export const drugrecAtc: TaskDefinition = {
  name: "drugrec-atc",
  version: 1,
  description:
    "From the diagnoses and procedures of a stay and everything before it: drugs of which ATC classes were ordered in the stay?",
  reference:
    "Shang et al., GAMENet, AAAI 2019 (third-level classes of a visit), from every order of the stay instead of its first day",
  labelSpec: labelSpecOf({}),
  labelSpecOf,
  datasets: ["mimic3", "mimic4", "meds"],
  options: { level: LEVEL },
  history: { hideIndexVisit: ["drug"] },
  rules: [
    ...ADULT_STAY_RULES,
    "At least one drug order belongs to the stay; stays whose drugs have no ATC code stay in.",
    "An order belongs to the stay it was written for, also when it starts before admission or after discharge.",
    "Classes: every third-level (or fourth-level) ATC class of the shipped table of ingredients; the list does not depend on the data, so many classes have no positives, and those are left out of averages over classes.",
    "An order counts for the class of its ATC code; orders without one, and codes above the level asked for, count for none. Carrier fluids (type BASE) do not count; flushes, diluents and additions do.",
    "Where a MEDS dataset has no types of orders, carrier fluids cannot be told from drugs and count.",
    "Prediction at discharge: the stay's diagnoses and procedures are visible, its own drugs are hidden, drugs of earlier stays are visible.",
  ],
  ...overStays((options) => cohortOf(levelOf(options))),
  trueOrders: (options) => {
    const level = levelOf(options);
    return `WITH ${classesSql(level)}
SELECT p.drug, p.product, classes.number AS class
FROM true_products p
JOIN classes ON classes.class = ${classOf("('ATC/' || p.atc)", level)}`;
  },
};
