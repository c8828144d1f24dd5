/** The raw CSV files of a MIMIC demo, or of anything in its form, as the second computation reads them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

export type Row = Record<string, string>;

export interface Admission {
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

export const HOUR = 3600 * 1000;
export const DAY = 24 * HOUR;

function read(root: string, name: string): Row[] {
  const file = [`${name}.csv`, `${name}.csv.gz`].map((f) => join(root, f)).find(existsSync);
  if (file === undefined) throw new Error(`no ${name} in ${root}`);
  const bytes = readFileSync(file);
  return parse(file.endsWith(".gz") ? gunzipSync(bytes) : bytes, {
    columns: (header: string[]) => header.map((h) => h.toLowerCase()),
  });
}

export function at(text: string | undefined): number {
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
