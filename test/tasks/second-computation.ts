/**
 * The labels of every task once more, from the raw CSV files of a MIMIC demo with plain loops. It shares
 * no code and no code lists with tasks/, reads no event store, and exists only to disagree with them.
 */
import { type Admission, at, DAY, type Demo, HOUR, type Row } from "./second-raw.ts";

/** One label: `positive` lists the classes that are 1. Times in milliseconds, read as UTC. */
export interface SecondLabel {
  readonly subject: number;
  readonly time: number;
  readonly visit: number;
  readonly positive: readonly number[];
}

type Judge = (visit: Admission, index: number, all: readonly Admission[]) => [number, number[]][];

/** Asks `judge` about each adult admission; it answers with the prediction time and the positive classes. */
export function each(demo: Demo, judge: Judge): SecondLabel[] {
  const labels: SecondLabel[] = [];
  for (const all of demo.patients) {
    all.forEach((visit, i) => {
      if (!visit.adult) return;
      for (const [time, positive] of judge(visit, i, all)) {
        labels.push({ subject: visit.subject, time, visit: visit.id, positive });
      }
    });
  }
  return labels.sort((a, b) => a.subject - b.subject || a.time - b.time || a.visit - b.visit);
}

export function mortalityLabels(demo: Demo): SecondLabel[] {
  return each(demo, (visit, i, all) => {
    const next = all[i + 1];
    return visit.dead || next === undefined ? [] : [[visit.to, next.dead ? [0] : []]];
  });
}

export function mortality48hLabels(demo: Demo): SecondLabel[] {
  return each(demo, (visit) => {
    const asked = visit.from + 48 * HOUR;
    if (visit.to - visit.from < 48 * HOUR || visit.deathAt <= asked) return [];
    return [[asked, visit.dead ? [0] : []]];
  });
}

export function readmissionLabels(demo: Demo, days: number): SecondLabel[] {
  return each(demo, (visit, _, all) => {
    if (visit.dead) return [];
    const back = all.some((v) => v.from > visit.to && v.from - visit.to <= days * DAY);
    return [[visit.to, back ? [0] : []]];
  });
}

export function losLabels(demo: Demo): SecondLabel[] {
  return each(demo, (visit) => {
    const days = (visit.to - visit.from) / DAY;
    let group = 0;
    for (const bound of [1, 2, 3, 4, 5, 6, 7, 8, 15]) if (days >= bound) group++;
    return [[visit.from, [group]]];
  });
}

export function longLosLabels(demo: Demo): SecondLabel[] {
  return each(demo, (visit) => {
    const lastSecond = visit.from - (visit.from % DAY) + DAY - 1000;
    if (visit.to <= lastSecond) return [];
    return [[lastSecond, visit.to - visit.from >= 7 * DAY ? [0] : []]];
  });
}

/** Undotted codes by version, written apart from those of the tasks. */
const DISEASES: readonly Readonly<Record<"9" | "10", RegExp>>[] = [
  { 9: /^401[019]?$/, 10: /^I10$/ },
  { 9: /^272[0-4]$/, 10: /^E78[0-5]/ },
  { 9: /^157/, 10: /^C25/ },
  { 9: /^410/, 10: /^I2[12]/ },
  { 9: /^5790$/, 10: /^K900$/ },
  { 9: /^7100$/, 10: /^M32/ },
];

/** For each disease, the times at which it was coded, by subject: the end of the stay, or the death before it. */
function diagnosisTimes(demo: Demo): Map<number, number[]>[] {
  const codedAt = new Map<number, Admission>();
  for (const visit of demo.patients.flat()) codedAt.set(visit.id, visit);
  return DISEASES.map((disease) => {
    const times = new Map<number, number[]>();
    for (const row of demo.diagnoses) {
      const version = row["icd_version"] === "10" ? "10" : "9";
      const code = (row["icd_code"] ?? row["icd9_code"] ?? "").trim();
      const visit = codedAt.get(Number(row["hadm_id"]));
      if (visit === undefined || !disease[version].test(code)) continue;
      const died = visit.deathAt > visit.from && visit.deathAt < visit.to;
      const time = died ? visit.deathAt : visit.to;
      times.set(visit.subject, [...(times.get(visit.subject) ?? []), time]);
    }
    return times;
  });
}

/** 1 for a first diagnosis within a year of `now`, 0 for none, -1 where the disease is known by then. */
function isNew(times: readonly number[], now: number): number {
  if (times.some((time) => time <= now)) return -1;
  return times.some((time) => time - now <= 365 * DAY) ? 1 : 0;
}

export function newDiagnosisLabels(demo: Demo, disease: number): SecondLabel[] {
  const times = diagnosisTimes(demo)[disease];
  return each(demo, (visit) => {
    if (visit.dead || visit.lifeEnds <= visit.to) return [];
    const answer = isNew(times?.get(visit.subject) ?? [], visit.to);
    return answer < 0 ? [] : [[visit.to, answer === 1 ? [0] : []]];
  });
}

export function riskLabels(demo: Demo): SecondLabel[] {
  const all = diagnosisTimes(demo);
  return each(demo, (visit) => {
    if (visit.dead || visit.lifeEnds <= visit.to) return [];
    const positive = all.flatMap((times, disease) =>
      isNew(times.get(visit.subject) ?? [], visit.to) === 1 ? [disease] : [],
    );
    return [[visit.to, positive]];
  });
}

/** `table`: rows of phenotypes.csv (phenotype, icd_version, code). Classes are sorted by name. */
export function phenotypeLabels(demo: Demo, table: readonly Row[]): SecondLabel[] {
  const names = [...new Set(table.map((r) => r["phenotype"] ?? ""))].sort();
  const groups = new Map<string, Set<number>>();
  for (const row of table) {
    const key = `${row["icd_version"]}:${row["code"]}`;
    groups.set(key, (groups.get(key) ?? new Set()).add(names.indexOf(row["phenotype"] ?? "")));
  }
  const found = new Map<number, Set<number>>();
  for (const row of demo.diagnoses) {
    const key = `${row["icd_version"] ?? 9}:${(row["icd_code"] ?? row["icd9_code"] ?? "").trim()}`;
    const visit = Number(row["hadm_id"]);
    for (const group of groups.get(key) ?? []) {
      found.set(visit, (found.get(visit) ?? new Set()).add(group));
    }
  }
  const icu = new Map<number, Row[]>();
  for (const stay of demo.icu) {
    const visit = Number(stay["hadm_id"]);
    icu.set(visit, [...(icu.get(visit) ?? []), stay]);
  }
  return each(demo, (visit) => {
    const stays = icu.get(visit.id) ?? [];
    if (stays.length !== 1) return [];
    return [[at(stays[0]?.["outtime"]), [...(found.get(visit.id) ?? [])].sort((a, b) => a - b)]];
  });
}
