/** Words that MIMIC-III uses in its columns, with made-up shares near the published ones. */
import { choice } from "./draw.ts";

export const EMERGENCY_TYPES = choice([
  ["EMERGENCY", 0.97],
  ["URGENT", 0.03],
]);
export const ORIGINS = choice([
  ["CLINIC REFERRAL/PREMATURE", 0.4],
  ["TRANSFER FROM HOSP/EXTRAM", 0.35],
  ["PHYS REFERRAL/NORMAL DELI", 0.23],
  ["TRANSFER FROM SKILLED NUR", 0.02],
]);
export const DESTINATIONS = choice([
  ["HOME", 0.35],
  ["HOME HEALTH CARE", 0.26],
  ["SNF", 0.18],
  ["REHAB/DISTINCT PART HOSP", 0.14],
  ["LONG TERM CARE HOSPITAL", 0.04],
  ["LEFT AGAINST MEDICAL ADVI", 0.01],
  ["HOSPICE-HOME", 0.01],
  ["DISC-TRAN CANCER/CHLDRN H", 0.01],
]);
export const INSURANCE = choice([
  ["Medicare", 0.48],
  ["Private", 0.38],
  ["Medicaid", 0.1],
  ["Government", 0.03],
  ["Self Pay", 0.01],
]);
export const LANGUAGES = choice([
  ["ENGL", 0.5],
  ["", 0.43],
  ["SPAN", 0.02],
  ["RUSS", 0.02],
  ["PTUN", 0.02],
  ["CANT", 0.01],
]);
export const RELIGIONS = choice([
  ["CATHOLIC", 0.35],
  ["NOT SPECIFIED", 0.2],
  ["UNOBTAINABLE", 0.14],
  ["PROTESTANT QUAKER", 0.12],
  ["JEWISH", 0.09],
  ["OTHER", 0.09],
  ["", 0.01],
]);
export const MARITAL = choice([
  ["MARRIED", 0.41],
  ["SINGLE", 0.23],
  ["", 0.17],
  ["WIDOWED", 0.12],
  ["DIVORCED", 0.06],
  ["SEPARATED", 0.01],
]);
export const ETHNICITIES = choice([
  ["WHITE", 0.7],
  ["BLACK/AFRICAN AMERICAN", 0.09],
  ["UNKNOWN/NOT SPECIFIED", 0.09],
  ["HISPANIC OR LATINO", 0.04],
  ["OTHER", 0.03],
  ["ASIAN", 0.03],
  ["UNABLE TO OBTAIN", 0.02],
]);
export const UNITS = choice([
  ["MICU", 0.39],
  ["SICU", 0.17],
  ["CSRU", 0.17],
  ["CCU", 0.14],
  ["TSICU", 0.13],
]);
export const WARDS: Readonly<Record<string, readonly number[]>> = {
  MICU: [50, 52, 12],
  SICU: [33, 23],
  CSRU: [14, 15],
  CCU: [7, 57],
  TSICU: [14, 57],
  NICU: [56, 26],
};
export const COMPLAINTS = choice([
  ["SEPSIS", 0.14],
  ["PNEUMONIA", 0.14],
  ["CONGESTIVE HEART FAILURE", 0.1],
  ["CORONARY ARTERY DISEASE", 0.1],
  ["CHEST PAIN", 0.1],
  ["ALTERED MENTAL STATUS", 0.08],
  ["GASTROINTESTINAL BLEED", 0.08],
  ["ABDOMINAL PAIN", 0.06],
  ["S/P FALL", 0.06],
  ["STROKE;TELEMETRY;TRANSIENT ISCHEMIC ATTACK", 0.05],
  ["CORONARY ARTERY DISEASE\\CORONARY ARTERY BYPASS GRAFT /SDA", 0.05],
  ["FEVER, UNKNOWN ORIGIN", 0.04],
]);
