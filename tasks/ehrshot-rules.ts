/**
 * The labels of EHRSHOT's benchmark by its published rules, oddities included, for comparison with the label
 * files that come with the data: Wornow et al. 2023, arXiv:2307.02028, and its labelers. The strict tasks
 * of this benchmark do not use them.
 */
import { MICROS_PER_DAY } from "../core/time.ts";
import { DISEASES } from "./diseases.ts";

/** What the rules read of one subject, in microseconds. */
export interface EhrshotSubject {
  /** Inpatient visits with start before end, by start. */
  readonly stays: readonly { readonly start: number; readonly end: number }[];
  /** Starts of ICU rows that do not end as they start, ascending. */
  readonly icuStarts: readonly number[];
  /** Times of each disease's codes, ascending, in the order of DISEASES. */
  readonly diagnoses: readonly (readonly number[])[];
  /** Start of the last event. */
  readonly lastEvent: number;
}
export interface EhrshotLabel {
  readonly time: number;
  readonly value: boolean;
}

/** Folders of the label files that are recomputed, in the order of `ehrshotLabels`; diseases as in DISEASES. */
export const EHRSHOT_DISEASE_TASKS = [
  "new_hypertension",
  "new_hyperlipidemia",
  "new_pancan",
  "new_acutemi",
  "new_celiac",
  "new_lupus",
] as const;
export const EHRSHOT_RECOMPUTED: readonly string[] = [
  "guo_los",
  "guo_readmission",
  "guo_icu",
  ...EHRSHOT_DISEASE_TASKS,
];

const MINUTE = 60e6;
const day = (time: number) => Math.floor(time / MICROS_PER_DAY);
/** 23:59:59 of the day. Rules compare with it; label files have it cut to the minute. */
const endOfDay = (time: number) => (day(time) + 1) * MICROS_PER_DAY - 1e6;
const cut = (time: number) => time - (time % MINUTE);

function longStays({ stays }: EhrshotSubject): EhrshotLabel[] {
  return stays
    .filter(({ start, end }) => day(start) !== day(end))
    .map(({ start, end }) => ({
      time: endOfDay(start),
      value: end - start >= 7 * MICROS_PER_DAY,
    }));
}

/** Meant to skip same-day readmissions; what it skips is a discharge on the day on which an earlier stay began. */
function readmissions({ stays, lastEvent }: EhrshotSubject): EhrshotLabel[] {
  const begun = new Set<number>();
  const asked = new Set<number>();
  for (const { start, end } of stays) {
    if (begun.has(day(end))) continue;
    asked.add(endOfDay(end));
    begun.add(day(start));
  }
  const horizon = 30 * MICROS_PER_DAY;
  return [...asked]
    .map((time) => ({
      time,
      value: stays.some(({ start }) => start >= time + MINUTE && start <= time + horizon),
    }))
    .filter(({ time, value }) => value || lastEvent >= time + horizon);
}

function icuTransfers({ stays, icuStarts }: EhrshotSubject): EhrshotLabel[] {
  const icuDays = new Set(icuStarts.map(day));
  return stays
    .filter(({ start, end }) => day(start) !== day(end) && !icuDays.has(day(start)))
    .map(({ start, end }) => {
      const time = endOfDay(start);
      return { time, value: icuStarts.some((icu) => icu >= time && icu <= end) };
    });
}

/** Unknown counts as negative; a first code less than a day after the discharge is passed over. */
function newDiagnoses({ stays }: EhrshotSubject, times: readonly number[]): EhrshotLabel[] {
  const asked = new Set(stays.map(({ end }) => endOfDay(end)));
  return [...asked]
    .filter((time) => times.every((t) => time <= t))
    .map((time) => ({
      time,
      value: times.some((t) => t >= time + MICROS_PER_DAY && t <= time + 365 * MICROS_PER_DAY),
    }));
}

/** Labels of one subject by the name of the label folder. */
export function ehrshotLabels(subject: EhrshotSubject): Readonly<Record<string, EhrshotLabel[]>> {
  const all: Record<string, EhrshotLabel[]> = {
    guo_los: longStays(subject),
    guo_readmission: readmissions(subject),
    guo_icu: icuTransfers(subject),
  };
  EHRSHOT_DISEASE_TASKS.forEach((name, i) => {
    all[name] = newDiagnoses(subject, subject.diagnoses[i] ?? []);
  });
  for (const list of Object.values(all)) {
    list.forEach((label, i) => {
      list[i] = { ...label, time: cut(label.time) };
    });
  }
  return all;
}

/** SNOMED concepts of the diseases, as patterns. */
export const EHRSHOT_CONCEPTS = DISEASES.map(({ snomed }) => [`SNOMED/${snomed}`]);
