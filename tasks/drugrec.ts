/** Which of five drugs were ordered in a stay, asked at discharge from everything but its drugs. */
import type { Flaws } from "../core/protocol.ts";
import type { TaskDefinition } from "../core/task.ts";
import { ADULT_STAY_RULES, adultStay, type Cohort, overStays, staysOf } from "./cohort.ts";

/** A candidate drug and how an order of it is recognised; all texts lower case, compared as such. */
interface CandidateDrug {
  readonly name: string;
  readonly atc: string;
  /** The written name begins with one of these ... */
  readonly begins: readonly string[];
  /** ... contains none of these ... */
  readonly without: readonly string[];
  /** ... and the route is none of these. */
  readonly notBy: readonly string[];
}

const EYE = ["left eye", "right eye", "both eyes", "os", "od", "ou"];
/** By mouth or tube. Only these three spellings: the published counts take the rare ORAL as systemic. */
const MOUTH_OR_TUBE = ["po", "po/ng", "ng"];

/** "Up to six months" after the prediction time (Su et al. 2025, appendix, of ETHOS). */
const DAYS_TO_ORDER = 183;

/** Vancomycin by mouth or rectum acts in the gut only and has another ATC code, as have eye drops. */
const DRUGS: readonly CandidateDrug[] = [
  {
    name: "vancomycin",
    atc: "J01XA01",
    begins: ["vancomycin"],
    without: [
      ...["oral", "enema", "capsule", "lock", "ophth", "ear drops"],
      ...["intrathecal", "intraventricular"],
    ],
    notBy: [...MOUTH_OR_TUBE, "pr", ...EYE],
  },
  { name: "levofloxacin", atc: "J01MA12", begins: ["levofloxacin"], without: [], notBy: EYE },
  {
    name: "heparin",
    atc: "B01AB01",
    begins: ["heparin"],
    without: ["flush", "lock", "dwell", "priming", "crrt", "iabp", "impella", "hemodialysis"],
    notBy: [],
  },
  { name: "metoprolol", atc: "C07AB02", begins: ["metoprolol", "toprol"], without: [], notBy: [] },
  {
    name: "atorvastatin",
    atc: "C10AA05",
    begins: ["atorvastatin", "lipitor"],
    without: [],
    notBy: [],
  },
];

const quoted = (texts: readonly string[]): string => texts.map((text) => `'${text}'`).join(", ");

/** SQL condition over `name` (lower case) that it names this drug. */
function names(drug: CandidateDrug): string {
  const begins = drug.begins.map((text) => `starts_with(name, '${text}')`).join(" OR ");
  return [`(${begins})`, ...drug.without.map((text) => `NOT contains(name, '${text}')`)].join(
    " AND ",
  );
}

/** Number of the drug that `name` names, null for any other; no name begins like two of them. */
const DRUG_OF_NAME = `CASE ${DRUGS.map((drug, i) => `WHEN ${names(drug)} THEN ${i}`).join("\n      ")} END`;

/** Whether the route (lower case, empty when unknown) is one by which drug number `drug` does not count. */
const OTHER_USE = `CASE drug ${DRUGS.map((drug, i) =>
  drug.notBy.length === 0 ? "" : `WHEN ${i} THEN route IN (${quoted(drug.notBy)}) `,
).join("")}ELSE false END`;

/** Columns of text_value and route: name and route as they are compared, and drug. */
const NAMED = `lower(trim(text_value)) AS name,
    lower(trim(coalesce(route, ''))) AS route,
    ${DRUG_OF_NAME} AS drug`;

// One pass over the events; every stay with an order has a row here, if only one that names no candidate.
const cohortOf = (flaws: Flaws): Cohort => ({
  candidates: `${staysOf(flaws)},
orders AS (
  SELECT
    subject_id, visit_id, drug_type,
    ${NAMED}
  FROM events
  WHERE visit_id IS NOT NULL
    AND code IN (SELECT code FROM codes WHERE kind = 'drug')
),
drugs_of_stays AS (
  SELECT DISTINCT
    subject_id, visit_id,
    CASE WHEN drug_type IS DISTINCT FROM 'BASE' AND NOT ${OTHER_USE} THEN drug END AS drug
  FROM orders
),
ordered AS (
  SELECT
    subject_id, visit_id, true AS has_orders,
    list_sort(list(drug) FILTER (WHERE drug IS NOT NULL)) AS drugs
  FROM drugs_of_stays
  GROUP BY subject_id, visit_id
),
icu AS (
  SELECT subject_id, visit_id, count(*) AS icu_count FROM icu_stays GROUP BY subject_id, visit_id
),
candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    icu.icu_count,
    ordered.has_orders,
    coalesce(ordered.drugs, CAST([] AS INTEGER[])) AS value
  FROM stays
  LEFT JOIN ordered USING (subject_id, visit_id)
  LEFT JOIN icu USING (subject_id, visit_id)
)`,
  rules: [
    ...adultStay(flaws),
    { step: "with any drug order", keep: "has_orders" },
    ...(flaws.has("filtered-visits")
      ? [{ step: "exactly one ICU stay", keep: "icu_count = 1" }]
      : []),
    ...(flaws.has("cohort-by-label")
      ? [{ step: "with one of the five drugs", keep: "len(value) > 0" }]
      : []),
  ],
});

export const drugrec: TaskDefinition = {
  name: "drugrec",
  version: 1,
  description:
    "From the diagnoses and procedures of a stay and everything before it: which of five drugs were ordered in the stay?",
  reference: "Su et al. 2025, arXiv:2502.04397 (five candidate drugs); drugs by name and route",
  labelSpec: {
    kind: "multilabel",
    classes: DRUGS.map((drug) => drug.name),
    classCodes: DRUGS.map((drug) => [`ATC/${drug.atc}`]),
  },
  datasets: ["mimic3", "mimic4", "meds"],
  options: {},
  history: { hideIndexVisit: ["drug"] },
  rules: [
    ...ADULT_STAY_RULES,
    "At least one drug order belongs to the stay; stays with none of the five drugs stay in.",
    "An order belongs to the stay it was written for, also when it starts before admission or after discharge.",
    `Drugs (ATC): ${DRUGS.map((drug) => `${drug.name} (${drug.atc})`).join(", ")}; recognised by the name as written, trade names Toprol and Lipitor included. Carrier fluids (type BASE) do not count.`,
    "Vancomycin by mouth or tube (routes PO, PO/NG, NG), by rectum, in the eye, ear or spinal canal, and catheter locks do not count; nor do levofloxacin eye drops; nor heparin used to flush, lock or prime a line or machine.",
    "Where a MEDS dataset has neither routes nor types of orders, the name alone decides: vancomycin by mouth under its plain name then counts.",
    "Prediction at discharge: the stay's diagnoses and procedures are visible, its own drugs are hidden, drugs of earlier stays are visible.",
  ],
  ...overStays(
    (_, flaws) => cohortOf(flaws),
    ["filtered-visits", "no-exclusions", "first-sample-only", "cohort-by-label"],
  ),
  trueOrders: () => `WITH products AS (
  SELECT drug AS number, product, name AS text_value, route FROM true_products
),
orders AS (
  SELECT
    number, product,
    ${NAMED}
  FROM products
)
SELECT number AS drug, product, drug AS class
FROM orders
WHERE drug IS NOT NULL AND NOT ${OTHER_USE}`,
  // Another question than the label's: the next order of the drug, which is what the paper asks of models
  // that generate futures. The stay's own orders lie before the prediction time and cannot be generated.
  outcome: () => ({
    classes: DRUGS.map((drug) => [`ATC/${drug.atc}`]),
    until: [],
    withinDays: DAYS_TO_ORDER,
  }),
};
