/**
 * Raw files of MIMIC-IV in which everything is another that nobody could know at a subject's cut: what happened
 * later is changed, taken away or made up, and so is what a task hides of the index stay. When a row is known
 * is said here from the rules in docs/contracts.md, not with the loader's code.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { CodeKind } from "../../core/event-store.ts";
import type { Random } from "../../core/random.ts";

type Row = Record<string, string>;
export type RawTables = Record<string, Row[]>;

/** What a sample is about: its prediction time in milliseconds and its stay. */
export interface Cut {
  readonly time: number;
  readonly visit: number;
}

const TABLES = [
  ...["hosp/patients", "hosp/admissions", "hosp/diagnoses_icd", "hosp/procedures_icd"],
  ...["hosp/prescriptions", "hosp/d_icd_diagnoses", "hosp/d_icd_procedures", "icu/icustays"],
];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const END_OF_DAY = DAY - 1000;

export function readTables(root: string): RawTables {
  const tables: RawTables = {};
  for (const name of TABLES) {
    const path = join(root, `${name}.csv.gz`);
    if (existsSync(path)) tables[name] = parse(gunzipSync(readFileSync(path)), { columns: true });
  }
  return tables;
}

const at = (text: string | undefined) =>
  text === undefined || text === "" ? Number.NaN : Date.parse(`${text.replace(" ", "T")}Z`);
const write = (time: number) => new Date(time).toISOString().slice(0, 19).replace("T", " ");
const writeDay = (time: number) => new Date(time).toISOString().slice(0, 10);

/** One stay as it was, and its rows of each table. */
interface Stay {
  readonly row: Row;
  readonly start: number;
  readonly end: number;
  /** When its billing codes are known. */
  readonly coded: number;
  readonly rows: Readonly<Record<string, readonly Row[]>>;
}

/** Rewrites one subject after another. */
class Rewriter {
  readonly #random: Random;
  readonly #old: RawTables;
  readonly #hidden: ReadonlySet<CodeKind>;
  readonly made: RawTables = {};
  #nextId = 90_000_000;

  constructor(old: RawTables, hidden: ReadonlySet<CodeKind>, random: Random) {
    this.#old = old;
    this.#hidden = hidden;
    this.#random = random;
    for (const name of TABLES) this.made[name] = [];
  }

  subject(person: Row, stays: readonly Stay[], cut: Cut | undefined): void {
    if (cut === undefined) {
      this.#add("hosp/patients", person);
      for (const stay of stays) this.#keep(stay);
      return;
    }
    const died = at(person["dod"]) + END_OF_DAY;
    const dod = this.#chance(2) ? "" : writeDay(this.#after(cut.time, 400 * DAY));
    this.#add("hosp/patients", died <= cut.time ? person : { ...person, dod });
    for (const stay of stays) {
      if (stay.start > cut.time) this.#future(stay, cut);
      else this.#present(stay, cut, Number(stay.row["hadm_id"]) === cut.visit);
    }
    const model = stays[0];
    if (model !== undefined && this.#chance(2)) this.#future(model, cut); // one stay more
  }

  #add(table: string, row: Row): void {
    this.made[table]?.push(row);
  }

  #chance(one: number): boolean {
    return this.#random.below(one) === 0;
  }

  #after(time: number, within: number): number {
    return time + 1000 * (1 + this.#random.below(within / 1000));
  }

  #any(table: string): Row {
    const rows = this.#old[table] ?? [];
    return rows[this.#random.below(rows.length)] ?? {};
  }

  #keep({ row, rows }: Stay): void {
    this.#add("hosp/admissions", row);
    for (const [table, list] of Object.entries(rows)) for (const r of list) this.#add(table, r);
  }

  /** A stay that has not begun: gone, or at another time with other everything. */
  #future({ row, rows }: Stay, cut: Cut): void {
    if (this.#chance(3)) return;
    const start = this.#after(cut.time, 500 * DAY);
    const end = this.#after(start, 20 * DAY);
    const hadm_id = String(this.#nextId++);
    this.#add("hosp/admissions", {
      ...{ ...row, hadm_id, admittime: write(start), dischtime: write(end) },
      ...{ deathtime: this.#chance(4) ? write(end) : "", race: "OTHER", admission_type: "URGENT" },
      ...{ discharge_location: "HOSPICE", hospital_expire_flag: String(this.#random.below(2)) },
    });
    for (const [table, list] of Object.entries(rows)) {
      for (const old of list) if (!this.#chance(3)) this.#another(table, old, hadm_id, start, end);
    }
    // Orders may be written before the admission; that would tell that it is coming.
    const order = { ...this.#any("hosp/prescriptions"), subject_id: row["subject_id"] ?? "" };
    this.#add("hosp/prescriptions", { ...order, hadm_id, starttime: write(cut.time - HOUR) });
  }

  /** A made-up row in the place of `old`, known after `from`. */
  #another(table: string, old: Row, hadm_id: string, from: number, to: number): void {
    const time = this.#after(from, Math.max(to - from, HOUR));
    const ids = { subject_id: old["subject_id"] ?? "", hadm_id };
    if (table === "icu/icustays") {
      const stay_id = String(this.#nextId++);
      const outtime = write(this.#after(time, 9 * DAY));
      const units = { first_careunit: "Other ICU", last_careunit: "Other ICU" };
      this.#add(table, { ...old, ...ids, stay_id, ...units, intime: write(time), outtime });
    } else if (table === "hosp/prescriptions") {
      this.#add(table, { ...this.#any(table), ...ids, starttime: write(time), stoptime: "" });
    } else {
      this.#add(table, { ...this.#any(table), ...ids, chartdate: writeDay(time) });
    }
  }

  /** A stay that has begun by the cut, over or not. */
  #present(stay: Stay, cut: Cut, isIndex: boolean): void {
    const { row, start, end } = stay;
    const open = end > cut.time;
    const leaves = open ? this.#after(cut.time, 30 * DAY) : end;
    this.#admission(stay, cut, open, leaves);
    for (const [table, list] of Object.entries(stay.rows)) {
      for (const old of list) this.#ofStay(table, old, stay, cut, leaves, isIndex);
      if (!open && !(isIndex && this.#isHidden(table))) continue;
      const from = (open ? cut.time : start) + DAY;
      const copy = { ...this.#any(table), subject_id: row["subject_id"] ?? "" };
      for (let i = 0; i < 3; i++) {
        this.#another(table, copy, row["hadm_id"] ?? "", from, Math.max(leaves, from));
      }
    }
  }

  /** The admission's own row: a death after the cut is another, and so is the end of a stay that is not over. */
  #admission({ row }: Stay, cut: Cut, open: boolean, leaves: number): void {
    const isDeathKnown = at(row["deathtime"]) <= cut.time;
    const late = this.#after(Math.max(leaves, cut.time), DAY);
    const deathtime = this.#chance(4) ? write(late) : "";
    const other = { discharge_location: "OTHER", hospital_expire_flag: `${this.#random.below(2)}` };
    this.#add("hosp/admissions", {
      ...{ ...row, dischtime: write(leaves) },
      ...(isDeathKnown ? {} : { deathtime }),
      ...(open ? other : {}),
    });
  }

  #isHidden(table: string): boolean {
    const kind = { "hosp/diagnoses_icd": "diagnosis", "hosp/procedures_icd": "procedure" } as const;
    if (table === "hosp/prescriptions") return this.#hidden.has("drug");
    return table in kind && this.#hidden.has(kind[table as keyof typeof kind]);
  }

  /** A row of a stay that has begun: as it was where it is known at the cut and visible. */
  #ofStay(table: string, old: Row, stay: Stay, cut: Cut, leaves: number, isIndex: boolean): void {
    const known = knownAt(table, old, stay) <= cut.time;
    const hadm_id = old["hadm_id"] ?? "";
    if (known && !(isIndex && this.#isHidden(table))) {
      const over = at(old["outtime"]) <= cut.time;
      if (table !== "icu/icustays" || over) this.#add(table, old);
      else {
        const outtime = write(this.#after(cut.time, 9 * DAY));
        this.#add(table, { ...old, outtime, last_careunit: "Other ICU" });
      }
    } else if (!this.#chance(3)) {
      // Dates without a clock count at the end of their day, so that a day later is after the cut for sure.
      this.#another(table, old, hadm_id, cut.time + DAY, Math.max(leaves, cut.time + DAY));
    }
  }
}

function knownAt(table: string, row: Row, { coded, end }: Stay): number {
  const day = at(row["chartdate"]) + END_OF_DAY;
  switch (table) {
    case "hosp/diagnoses_icd":
      return coded;
    case "hosp/procedures_icd":
      return Number.isNaN(day) ? coded : Math.min(day, end);
    case "hosp/prescriptions":
      return Number.isNaN(at(row["starttime"])) ? end : at(row["starttime"]);
    default:
      return at(row["intime"]);
  }
}

function stayOf(row: Row, rows: Stay["rows"]): Stay {
  const [start, end, died] = [row["admittime"], row["dischtime"], row["deathtime"]].map(at);
  if (start === undefined || end === undefined || died === undefined) throw new Error("a stay");
  return { row, start, end, coded: died > start && died < end ? died : end, rows };
}

/** The tables with another future of each subject that has a cut. */
export function rewriteFuture(
  old: RawTables,
  cuts: ReadonlyMap<number, Cut>,
  hidden: readonly CodeKind[],
  random: Random,
): RawTables {
  const rewriter = new Rewriter(old, new Set(hidden), random);
  const rows = ["diagnoses_icd", "procedures_icd", "prescriptions"].map((name) => `hosp/${name}`);
  const byStay = new Map<string, Record<string, Row[]>>();
  for (const table of [...rows, "icu/icustays"]) {
    for (const row of old[table] ?? []) {
      const id = row["hadm_id"] ?? "";
      const lists = byStay.get(id) ?? {};
      byStay.set(id, { ...lists, [table]: [...(lists[table] ?? []), row] });
    }
  }
  for (const person of old["hosp/patients"] ?? []) {
    const own = (old["hosp/admissions"] ?? []).filter(
      (row) => row["subject_id"] === person["subject_id"],
    );
    const stays = own.map((row) => stayOf(row, byStay.get(row["hadm_id"] ?? "") ?? {}));
    rewriter.subject(person, stays, cuts.get(Number(person["subject_id"])));
  }
  for (const name of ["hosp/d_icd_diagnoses", "hosp/d_icd_procedures"]) {
    rewriter.made[name] = old[name] ?? [];
  }
  return rewriter.made;
}
