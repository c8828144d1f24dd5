/**
 * Synthetic twins: made-up patients as raw files in a source's own layout, for trying the harness
 * without credentials, for measuring its speed, and for knowing how good a model could be at best.
 *
 * How a life comes about. A subject has an age, a sex, a hidden frailty and chronic conditions that
 * make each other likelier (diabetes, kidney disease, heart failure, ...). They stay; each visit's
 * record states each of them with a probability below one. Acute conditions are drawn per visit, more
 * often after an earlier episode and with the chronic conditions behind them. Drugs and procedures
 * follow from what the visit's record states and from the drugs of the visit before. Death in the next
 * admission and early readmission are drawn from risks that are functions of the record up to the
 * discharge (risk.ts) and are written to truth.csv.gz; the probability with which each drug of a visit was
 * drawn is written to truth_orders.csv.gz (order-truth.ts). Nothing else connects a record with its
 * outcome: codes of dying patients are added after the fact, orders for them in their last day only.
 *
 * What is realistic: files, columns, formats and identifiers; the codes and their names, and that a
 * handful of codes make up most rows; rows per admission and admissions per subject; age, length of
 * stay, share of intensive care; which conditions, drugs and procedures go together, roughly; the
 * quirks that loaders must survive (both ICD versions, late orders, NDC 0, carrier fluids, hidden
 * ages, donor accounts, rows without a code, codes without a name, ...); drugs of the five-drug task.
 *
 * What is not: NDCs have the right form but name no real package. Frequencies are rough. Times of day,
 * days of the week and seasons mean nothing. Sex, race, insurance and language have no effect on
 * outcomes. The catalogue has some 500 diagnoses where the sources have tens of thousands, so a code's
 * rarity is milder than in life. A death in hospital is independent of what happens in that admission
 * apart from the codes added for it. Transfers, laboratory values and notes are missing. About a
 * quarter of MIMIC-IV's twin has no admission (in the source it is more), and its early mortality is
 * higher than the source's, so that there is something to predict. No result on a twin says anything
 * about patients.
 */
export { generateTwin } from "./generate.ts";
export {
  GENERATOR_VERSION,
  type RiskStructure,
  riskStructures,
  type TwinLayout,
  type TwinOptions,
  type TwinSummary,
  twinLayouts,
} from "./options.ts";
