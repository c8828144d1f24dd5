/**
 * The labels of every task once more, from the raw CSV files of a MIMIC demo with plain loops. It shares
 * no code and no code lists with tasks/, reads no event store, and exists only to disagree with them.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

type Row = Record<string, string>;

/** One label: `positive` lists the classes that are 1. Times in milliseconds, read as UTC. */
export interface SecondLabel {
  readonly subject: number;
  readonly time: number;
  readonly visit: number;
  readonly positive: readonly number[];
}

interface Admission {
  readonly subject: number;
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly dead: boolean;
  readonly deathAt: number; // NaN when not recorded
  readonly adult: boolean;
  /** Of the subject, wherever it was; NaN when not recorded. */
  readonly lifeEnds: number;
}

export interface Demo {
  /** By subject, each list in time order. */
  readonly patients: readonly (readonly Admission[])[];
  readonly icu: readonly Row[];
  readonly diagnoses: readonly Row[];
  readonly procedures: readonly Row[];
  readonly prescriptions: readonly Row[];
}

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;

function read(root: string, name: string): Row[] {
  const file = [`${name}.csv`, `${name}.csv.gz`].map((f) => join(root, f)).find(existsSync);
  if (file === undefined) throw new Error(`no ${name} in ${root}`);
  const bytes = readFileSync(file);
  return parse(file.endsWith(".gz") ? gunzipSync(bytes) : bytes, {
    columns: (header: string[]) => header.map((h) => h.toLowerCase()),
  });
}

function at(text: string | undefined): number {
  const found = /^(\d+)-(\d+)-(\d+)(?: (\d+):(\d+):(\d+))?$/.exec(text ?? "");
  if (found === null) return Number.NaN;
  const [y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0] = found.slice(1).map((v) => Number(v ?? 0));
  return Date.UTC(y, mo - 1, d, h, mi, s);
}

/** Age in MIMIC-III, by counting birthdays; in MIMIC-IV, by the anchor year. */
function ageOf(patient: Row, from: number): number {
  const year = new Date(from).getUTCFullYear();
  if (patient["dob"] === undefined) {
    return Number(patient["anchor_age"]) + year - Number(patient["anchor_year"]);
  }
  const birth = new Date(at(patient["dob"]));
  const birthday = Date.UTC(year, birth.getUTCMonth(), birth.getUTCDate());
  return year - birth.getUTCFullYear() - (from < birthday ? 1 : 0);
}

function admissionsBySubject(patients: readonly Row[], admissions: readonly Row[]): Admission[][] {
  const person = new Map(patients.map((p) => [p["subject_id"], p]));
  const lists = new Map<number, Admission[]>();
  for (const row of admissions) {
    const from = at(row["admittime"]);
    const to = at(row["dischtime"]);
    if (!(to > from) || /organ donor/i.test(row["diagnosis"] ?? "")) continue;
    const patient = person.get(row["subject_id"] ?? "");
    if (patient === undefined) throw new Error(`no patient ${row["subject_id"]}`);
    const subject = Number(row["subject_id"]);
    const list = lists.get(subject) ?? [];
    lists.set(subject, list);
    list.push({
      subject,
      id: Number(row["hadm_id"]),
      from,
      to,
      dead: row["hospital_expire_flag"] === "1",
      deathAt: at(row["deathtime"]),
      adult: ageOf(patient, from) >= 18,
      lifeEnds: lifeEnds(patient, admissions),
    });
  }
  return [...lists.keys()]
    .sort((a, b) => a - b)
    .map((s) => (lists.get(s) ?? []).sort((a, b) => a.from - b.from || a.id - b.id));
}

const deathsOf = new WeakMap<readonly Row[], Map<string | undefined, number>>();

/** The earliest time of death of any admission, else the end of the day of death. */
function lifeEnds(patient: Row, admissions: readonly Row[]): number {
  let deaths = deathsOf.get(admissions);
  if (deaths === undefined) {
    deaths = new Map();
    for (const row of admissions) {
      const time = at(row["deathtime"]);
      const earlier = deaths.get(row["subject_id"]) ?? Number.POSITIVE_INFINITY;
      if (time < earlier) deaths.set(row["subject_id"], time);
    }
    deathsOf.set(admissions, deaths);
  }
  const day = at(patient["dod"]);
  return deaths.get(patient["subject_id"]) ?? day - (day % DAY) + DAY - 1000;
}

/** Reads either demo; which one is told by its files. */
export function readDemo(root: string): Demo {
  const three = !existsSync(join(root, "hosp"));
  const table = (name: string, module: string): Row[] =>
    read(root, three ? name.toUpperCase() : `${module}/${name}`);
  return {
    patients: admissionsBySubject(table("patients", "hosp"), table("admissions", "hosp")),
    icu: table("icustays", "icu"),
    diagnoses: table("diagnoses_icd", "hosp"),
    procedures: table("procedures_icd", "hosp"),
    prescriptions: table("prescriptions", "hosp"),
  };
}

type Judge = (visit: Admission, index: number, all: readonly Admission[]) => [number, number[]][];

/** Asks `judge` about each adult admission; it answers with the prediction time and the positive classes. */
function each(demo: Demo, judge: Judge): SecondLabel[] {
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

function vancomycinElsewhere(name: string, route: string): boolean {
  const words = /oral|enema|capsule|lock|ophth|ear drops|intrathecal|intraventricular/;
  return words.test(name) || ["PO", "PO/NG", "NG", "PR"].includes(route);
}

/** Position of the candidate drug that a prescription row orders; -1 for any other drug. */
function candidateOf(row: Row): number {
  if (row["drug_type"] === "BASE") return -1;
  const name = (row["drug"] ?? "").toLowerCase();
  const route = row["route"] ?? "";
  const eye = /EYE|^O[SDU]$/.test(route);
  if (name.startsWith("vancomycin")) return eye || vancomycinElsewhere(name, route) ? -1 : 0;
  if (name.startsWith("levofloxacin")) return eye ? -1 : 1;
  if (name.startsWith("heparin")) {
    return /flush|lock|dwell|priming|crrt|iabp|impella|hemodialysis/.test(name) ? -1 : 2;
  }
  if (/^(metoprolol|toprol)/.test(name)) return 3;
  return /^(atorvastatin|lipitor)/.test(name) ? 4 : -1;
}

export function drugrecLabels(demo: Demo): SecondLabel[] {
  const ordered = new Map<number, boolean[]>();
  for (const row of demo.prescriptions) {
    const visit = Number(row["hadm_id"]);
    const drugs = ordered.get(visit) ?? [false, false, false, false, false];
    ordered.set(visit, drugs);
    const candidate = candidateOf(row);
    if (candidate >= 0) drugs[candidate] = true;
  }
  return each(demo, (visit) => {
    const drugs = ordered.get(visit.id);
    if (drugs === undefined) return [];
    return [[visit.to, drugs.flatMap((yes, i) => (yes ? [i] : []))]];
  });
}

/**
 * Classes of the drugs of each admission with a prescription row. `atcOf` names a row's drug as the event
 * store does (it is the map that is taken as given here, not the labels); classes are the first characters.
 */
export function drugClassLabels(
  demo: Demo,
  classes: readonly string[],
  atcOf: (row: Row) => string | null,
): SecondLabel[] {
  const length = classes[0]?.length ?? 0;
  const given = new Map<number, Set<number>>();
  for (const row of demo.prescriptions) {
    const visit = Number(row["hadm_id"]);
    const found = given.get(visit) ?? new Set<number>();
    given.set(visit, found);
    const atc = row["drug_type"] === "BASE" ? null : atcOf(row);
    const number = classes.indexOf(atc?.slice(0, length) ?? "");
    if (number >= 0) found.add(number);
  }
  return each(demo, (visit) => {
    const found = given.get(visit.id);
    return found === undefined ? [] : [[visit.to, [...found].sort((a, b) => a - b)]];
  });
}
