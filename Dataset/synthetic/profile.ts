/** What differs between the twins in clinical content; formats differ in mimic3.ts and mimic4.ts. */
import { dayOf } from "./calendar.ts";
import type { TwinLayout } from "./options.ts";

export interface Profile {
  /** Real days (before shifting) between which first admissions lie and after which later ones are not seen. */
  readonly firstDay: number;
  readonly lastDay: number;
  /** Share of subjects without an admission, and of newborns. */
  readonly withoutVisit: number;
  readonly newborn: number;
  readonly meanAge: number;
  readonly sdAge: number;
  readonly minAge: number;
  /** Shares of planned and of observation stays. */
  readonly elective: number;
  readonly observation: number;
  /** Added to the log of the length of stay, and to the log-odds of each outcome. */
  readonly stay: number;
  readonly icu: number;
  readonly firstDeath: number;
  readonly nextDeath: number;
  readonly readmission: number;
  readonly laterReturn: number;
  /** Factor on the number of repeated orders of a drug. */
  readonly orders: number;
  /** Factor on the odds of acute conditions, and on the probability of a procedure. */
  readonly acute: number;
  readonly procedures: number;
}

export const PROFILES: Readonly<Record<TwinLayout, Profile>> = {
  mimic4: {
    firstDay: dayOf(2008),
    lastDay: dayOf(2023) - 1,
    withoutVisit: 0.25,
    newborn: 0,
    meanAge: 58,
    sdAge: 18,
    minAge: 18,
    elective: 0.2,
    observation: 0.2,
    stay: 0,
    icu: -3.7,
    firstDeath: -4.6,
    nextDeath: -3.9,
    readmission: -3.6,
    laterReturn: 0.1,
    orders: 1.05,
    acute: 1.25,
    procedures: 1.3,
  },
  mimic3: {
    firstDay: dayOf(2001, 6),
    lastDay: dayOf(2012, 10, 10),
    withoutVisit: 0,
    newborn: 0.12,
    meanAge: 64,
    sdAge: 16,
    minAge: 15,
    elective: 0.16,
    observation: 0,
    stay: 0.5,
    icu: 3.2,
    firstDeath: -2.8,
    nextDeath: -4.8,
    readmission: -3.75,
    laterReturn: -2.0,
    orders: 1.75,
    acute: 1.5,
    procedures: 2.4,
  },
};
