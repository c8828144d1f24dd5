/** A history as the events of a timeline, before they become tokens: times, stay lengths, death at the end. */
import type { History } from "../../core/samples.ts";
import { DAYS_PER_YEAR } from "../../core/time.ts";
import { ROLES } from "./code-tokens.ts";

export interface TimelineEvents {
  /** Rows of the code table, oldest first; birth is left out, death is last. */
  readonly row: readonly number[];
  /** Days before the reference time. */
  readonly daysBefore: readonly number[];
  /** Length in days of the stay that the event ends, NaN for other events. */
  readonly stayDays: readonly number[];
  /** Ordinal of the event's visit, as in `History`. */
  readonly visit: readonly number[];
  /** Days before the reference time that visits begin and end, NaN where they have not. */
  readonly visitStart: Float64Array;
  readonly visitEnd: Float64Array;
  readonly isDead: boolean;
  /** Age in days at the reference time, NaN unknown. */
  readonly ageDays: number;
}

const lastOf = (list: readonly number[], otherwise: number) => list.at(-1) ?? otherwise;

/**
 * A discharge stands before the other events of its stay and moment, its diagnoses: how a stay ended is then
 * read off the stay and the history, not off codes that were written because of it, and a future that waits
 * for the discharge need not write them. Death is moved behind whatever is stamped after it (discharges and
 * their diagnoses may be, by hours), since nothing may follow it. The age is exact where the birth is in the
 * history, else the age in years.
 */
export function eventsOf(history: History, roles: Uint8Array, ageYears: number): TimelineEvents {
  const row: number[] = [];
  const daysBefore: number[] = [];
  const stayDays: number[] = [];
  const visits: number[] = [];
  let ageDays = ageYears * DAYS_PER_YEAR;
  let death: { row: number; daysBefore: number } | undefined;
  for (let i = 0; i < history.length; i++) {
    const code = history.code[i] as number;
    const days = history.daysBefore[i] as number;
    const role = roles[code];
    if (role === ROLES.birth) ageDays = days;
    else if (role === ROLES.death) death = { row: code, daysBefore: days };
    else {
      const visit = history.visit[i] as number;
      const isDischarge = role === ROLES.discharge;
      let at = row.length;
      while (isDischarge && at > 0 && daysBefore[at - 1] === days && visits[at - 1] === visit) at--;
      const stay = isDischarge ? (history.visitStart[visit] as number) - days : Number.NaN;
      row.splice(at, 0, code);
      daysBefore.splice(at, 0, days);
      stayDays.splice(at, 0, stay);
      visits.splice(at, 0, visit);
    }
  }
  if (death !== undefined) {
    row.push(death.row);
    daysBefore.push(Math.min(death.daysBefore, lastOf(daysBefore, Number.POSITIVE_INFINITY)));
    stayDays.push(Number.NaN);
    visits.push(lastOf(visits, -1));
  }
  const visitStart = Float64Array.from(history.visitStart.subarray(0, history.visitCount));
  const visitEnd = Float64Array.from(history.visitEnd.subarray(0, history.visitCount));
  const isDead = death !== undefined;
  return { row, daysBefore, stayDays, visit: visits, visitStart, visitEnd, isDead, ageDays };
}
