/** Words that MIMIC-IV uses in its columns, with made-up shares near the published ones. */
import { choice } from "./draw.ts";

export const TYPES = {
  planned: choice([
    ["SURGICAL SAME DAY ADMISSION", 0.6],
    ["ELECTIVE", 0.4],
  ]),
  emergency: choice([
    ["EW EMER.", 0.55],
    ["OBSERVATION ADMIT", 0.17],
    ["URGENT", 0.16],
    ["DIRECT EMER.", 0.12],
  ]),
  observation: choice([
    ["EU OBSERVATION", 0.74],
    ["DIRECT OBSERVATION", 0.16],
    ["AMBULATORY OBSERVATION", 0.1],
  ]),
  newborn: choice([["URGENT", 1]]),
};
export const ORIGINS = choice([
  ["EMERGENCY ROOM", 0.62],
  ["TRANSFER FROM HOSPITAL", 0.16],
  ["WALK-IN/SELF REFERRAL", 0.1],
  ["CLINIC REFERRAL", 0.06],
  ["TRANSFER FROM SKILLED NURSING FACILITY", 0.03],
  ["INFORMATION NOT AVAILABLE", 0.03],
]);
export const DESTINATIONS = choice([
  ["HOME", 0.5],
  ["HOME HEALTH CARE", 0.25],
  ["SKILLED NURSING FACILITY", 0.14],
  ["REHAB", 0.05],
  ["CHRONIC/LONG TERM ACUTE CARE", 0.03],
  ["AGAINST ADVICE", 0.02],
  ["PSYCH FACILITY", 0.01],
]);
export const INSURANCE = choice([
  ["Medicare", 0.45],
  ["Private", 0.32],
  ["Medicaid", 0.18],
  ["Other", 0.03],
  ["", 0.02],
]);
export const LANGUAGES = choice([
  ["English", 0.88],
  ["Spanish", 0.05],
  ["Russian", 0.02],
  ["Chinese", 0.03],
  ["Kabuverdianu", 0.02],
]);
export const MARITAL = choice([
  ["MARRIED", 0.44],
  ["SINGLE", 0.36],
  ["WIDOWED", 0.1],
  ["DIVORCED", 0.07],
  ["", 0.03],
]);
export const RACES = choice([
  ["WHITE", 0.64],
  ["BLACK/AFRICAN AMERICAN", 0.14],
  ["OTHER", 0.04],
  ["ASIAN", 0.03],
  ["HISPANIC/LATINO - PUERTO RICAN", 0.03],
  ["WHITE - OTHER EUROPEAN", 0.03],
  ["ASIAN - CHINESE", 0.02],
  ["HISPANIC/LATINO - DOMINICAN", 0.02],
  ["UNKNOWN", 0.03],
  ["UNABLE TO OBTAIN", 0.02],
]);
export const UNITS = choice([
  ["Medical Intensive Care Unit (MICU)", 0.23],
  ["Cardiac Vascular Intensive Care Unit (CVICU)", 0.18],
  ["Medical/Surgical Intensive Care Unit (MICU/SICU)", 0.18],
  ["Surgical Intensive Care Unit (SICU)", 0.16],
  ["Trauma SICU (TSICU)", 0.13],
  ["Coronary Care Unit (CCU)", 0.1],
  ["Neuro Surgical Intensive Care Unit (Neuro SICU)", 0.02],
]);
export const SERVICES = choice([
  ["MED", 0.46],
  ["SURG", 0.12],
  ["CMED", 0.12],
  ["NMED", 0.06],
  ["OMED", 0.06],
  ["ORTHO", 0.08],
  ["CSURG", 0.05],
  ["TRAUM", 0.05],
]);
