/** Which of five drugs were ordered in a stay, asked at discharge from everything but its drugs. */
import type { TaskDefinition } from "../core/task.ts";
import {
  ADULT_STAY,
  ADULT_STAY_RULES,
  type Cohort,
  cohortFlow,
  labelsSql,
  STAYS,
} from "./cohort.ts";

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

/** SQL condition over `name` and `route` (lower case, never null) that an order is of this drug. */
function isOrderOf(drug: CandidateDrug): string {
  const begins = drug.begins.map((text) => `starts_with(name, '${text}')`).join(" OR ");
  const without = drug.without.map((text) => ` AND NOT contains(name, '${text}')`).join("");
  const routes = drug.notBy.map((route) => `'${route}'`).join(", ");
  return `(${begins})${without}${routes === "" ? "" : ` AND route NOT IN (${routes})`}`;
}

const COHORT: Cohort = {
  candidates: `${STAYS},
orders AS (
  SELECT
    subject_id, visit_id, drug_type,
    lower(trim(coalesce(text_value, ''))) AS name,
    lower(trim(coalesce(route, ''))) AS route
  FROM events
  WHERE visit_id IS NOT NULL
    AND code IN (SELECT code FROM codes WHERE kind = 'drug')
),
ordered AS (
  SELECT
    subject_id, visit_id,
    ${DRUGS.map((drug, i) => `bool_or(drug_type IS DISTINCT FROM 'BASE' AND ${isOrderOf(drug)}) AS drug_${i}`).join(",\n    ")}
  FROM orders
  GROUP BY subject_id, visit_id
),
candidates AS (
  SELECT
    stays.*,
    stays.end_time AS prediction_time,
    ordered.visit_id IS NOT NULL AS has_orders,
    list_filter(
      [${DRUGS.map((_, i) => `CASE WHEN drug_${i} THEN ${i} END`).join(", ")}],
      lambda drug: drug IS NOT NULL
    ) AS value
  FROM stays
  LEFT JOIN ordered USING (subject_id, visit_id)
)`,
  rules: [...ADULT_STAY, { step: "with any drug order", keep: "has_orders" }],
};

export const drugrec: TaskDefinition = {
  name: "drugrec",
  version: 1,
  description:
    "From the diagnoses and procedures of a stay and everything before it: which of five drugs were ordered in the stay?",
  reference: "Su et al. 2025, arXiv:2502.04397 (five candidate drugs); drugs by name and route",
  labelSpec: { kind: "multilabel", classes: DRUGS.map((drug) => drug.name) },
  mainMetric: "auprc",
  datasets: ["mimic3", "mimic4"],
  options: {},
  history: { hideIndexVisit: ["drug"] },
  rules: [
    ...ADULT_STAY_RULES,
    "At least one drug order belongs to the stay; stays with none of the five drugs stay in.",
    "An order belongs to the stay it was written for, also when it starts before admission or after discharge.",
    `Drugs (ATC): ${DRUGS.map((drug) => `${drug.name} (${drug.atc})`).join(", ")}; recognised by the name as written, trade names Toprol and Lipitor included. Carrier fluids (type BASE) do not count.`,
    "Vancomycin by mouth or tube (routes PO, PO/NG, NG), by rectum, in the eye, ear or spinal canal, and catheter locks do not count; nor do levofloxacin eye drops; nor heparin used to flush, lock or prime a line or machine.",
    "Prediction at discharge: the stay's diagnoses and procedures are visible, its own drugs are hidden, drugs of earlier stays are visible.",
  ],
  labels: () => labelsSql(COHORT),
  cohort: (store) => cohortFlow(store, COHORT),
};
