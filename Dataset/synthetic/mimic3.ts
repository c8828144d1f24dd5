/** MIMIC-III 1.4: files, columns and formats, as far as loaders read them; upper-case, quoted header. */
import type { Random } from "../../core/random.ts";
import { dayText, MINUTES_PER_DAY, timeText } from "./calendar.ts";
import type { Catalogue } from "./catalogue.ts";
import { between, chance, choose } from "./draw.ts";
import { mimic3Admission, mimic3Stay, mimic3Subject } from "./ids.ts";
import { type LayoutWriter, quoted, TRUTH_HEADER, times, truthLine } from "./layout.ts";
import type { Life, Visit } from "./life.ts";
import {
  COMPLAINTS,
  DESTINATIONS,
  EMERGENCY_TYPES,
  ETHNICITIES,
  INSURANCE,
  LANGUAGES,
  MARITAL,
  ORIGINS,
  RELIGIONS,
  UNITS,
  WARDS,
} from "./mimic3-values.ts";
import { addOrderTruth } from "./order-truth.ts";
import { type ProductColumns, Schedule } from "./schedule.ts";
import type { AddRows } from "./table-set.ts";

const header = (columns: string): string =>
  columns
    .split(" ")
    .map((name) => `"${name}"`)
    .join(",");

const HEADERS = {
  PATIENTS: header("ROW_ID SUBJECT_ID GENDER DOB DOD DOD_HOSP DOD_SSN EXPIRE_FLAG"),
  ADMISSIONS: header(
    "ROW_ID SUBJECT_ID HADM_ID ADMITTIME DISCHTIME DEATHTIME ADMISSION_TYPE ADMISSION_LOCATION DISCHARGE_LOCATION INSURANCE LANGUAGE RELIGION MARITAL_STATUS ETHNICITY EDREGTIME EDOUTTIME DIAGNOSIS HOSPITAL_EXPIRE_FLAG HAS_CHARTEVENTS_DATA",
  ),
  ICUSTAYS: header(
    "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID DBSOURCE FIRST_CAREUNIT LAST_CAREUNIT FIRST_WARDID LAST_WARDID INTIME OUTTIME LOS",
  ),
  DIAGNOSES_ICD: header("ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE"),
  PROCEDURES_ICD: header("ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE"),
  PRESCRIPTIONS: header(
    "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID STARTDATE ENDDATE DRUG_TYPE DRUG DRUG_NAME_POE DRUG_NAME_GENERIC FORMULARY_DRUG_CD GSN NDC PROD_STRENGTH DOSE_VAL_RX DOSE_UNIT_RX FORM_VAL_DISP FORM_UNIT_DISP ROUTE",
  ),
  D_ICD_DIAGNOSES: header("ROW_ID ICD9_CODE SHORT_TITLE LONG_TITLE"),
  D_ICD_PROCEDURES: header("ROW_ID ICD9_CODE SHORT_TITLE LONG_TITLE"),
  truth: TRUTH_HEADER,
};

/** A family whose codes the dictionary lacks. */
const UNDOCUMENTED = "undocumented";
const SHORT_TITLE_LENGTH = 24;
/** Years by which the birth of subjects over 89 is moved back. */
const HIDDEN_AGE_YEARS = 300;

const columns: ProductColumns = (drug, p, amount, ndc, type) =>
  [
    type,
    drug.mimic3Name,
    type === "MAIN" ? drug.mimic3Name : "",
    type === "MAIN" ? drug.name : "",
    p.formulary,
    p.gsn,
    ndc,
    p.strength,
    times(amount, p.dose),
    p.doseUnit,
    times(amount, p.formAmount),
    p.formUnit,
    p.route,
  ]
    .map(quoted)
    .join(",");

/** Minutes after the start of a visit that an ICU stay begins, and how long it lasts. */
interface IcuStay {
  readonly id: number;
  readonly from: number;
  readonly minutes: number;
}

export class Mimic3Writer implements LayoutWriter {
  readonly headers = HEADERS;
  readonly #catalogue: Catalogue;
  readonly #schedule: Schedule;
  readonly #rowIds = new Map<string, number>();
  #admissions = 0;
  #stays = 0;

  constructor(catalogue: Catalogue, orders: number) {
    this.#catalogue = catalogue;
    this.#schedule = new Schedule(catalogue, columns, orders);
  }

  dictionaries(add: AddRows): void {
    const undocumented = this.#catalogue.family(UNDOCUMENTED);
    const write = (table: string, rows: readonly { icd9: string; title9: string }[]) => {
      const titles = new Map(rows.map((row) => [row.icd9, row.title9]));
      const sorted = [...titles].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [code, title] of sorted) {
        const short = title.slice(0, SHORT_TITLE_LENGTH).trim();
        add(table, `${this.#rowId(table)},"${code}",${quoted(short)},${quoted(title)}\n`, 1);
      }
    };
    const documented = this.#catalogue.variants.filter((v) => v.family !== undocumented);
    write("D_ICD_DIAGNOSES", documented);
    write("D_ICD_PROCEDURES", this.#catalogue.procedures);
  }

  subject(index: number, life: Life, random: Random, add: AddRows): void {
    const subject = mimic3Subject(index);
    this.#patient(subject, life, random, add);
    const person = {
      ethnicity: choose(random, ETHNICITIES),
      language: choose(random, LANGUAGES),
      religion: choose(random, RELIGIONS),
    };
    const source = chance(random, 0.58) ? "carevue" : "metavision";
    for (const visit of life.visits) {
      const admission = mimic3Admission(this.#admissions++);
      this.#admission(subject, admission, visit, life.shift, person, random, add);
      this.#codes(subject, admission, visit, random, add);
      const stays = visit.icu
        ? this.#icu(subject, admission, visit, life.shift, source, random, add)
        : [];
      this.#orders(subject, admission, visit, life.shift, stays, random, add);
      add("truth", truthLine(subject, admission, visit.truth), 1);
      addOrderTruth(add, subject, admission, this.#schedule.chances(visit));
    }
    const last = life.visits.at(-1);
    if (last?.died && !life.newborn && chance(random, 0.015)) {
      this.#donor(subject, last, life.shift, random, add);
    }
  }

  #rowId(table: string): number {
    const id = (this.#rowIds.get(table) ?? 0) + 1;
    this.#rowIds.set(table, id);
    return id;
  }

  #patient(subject: number, life: Life, random: Random, add: AddRows): void {
    const last = life.visits.at(-1) as Visit;
    const firstDay = Math.floor((life.visits[0] as Visit).admission / MINUTES_PER_DAY) + life.shift;
    const birthday = `-${String(between(random, 1, 12)).padStart(2, "0")}-${String(between(random, 1, 28)).padStart(2, "0")}`;
    let dob = `${life.birthYear}${birthday}`;
    if (life.newborn) dob = dayText(firstDay);
    if (life.firstYear - life.birthYear > 89) {
      dob = `${life.firstYear - HIDDEN_AGE_YEARS}${dayText(firstDay).slice(4)}`;
    }
    const inHospital = last.died ? Math.floor(last.discharge / MINUTES_PER_DAY) : undefined;
    const day = (d: number | undefined) =>
      d === undefined ? "" : `${dayText(d + life.shift)} 00:00:00`;
    const died = inHospital ?? life.laterDeath;
    const ssn = inHospital === undefined || chance(random, 0.6) ? day(died) : "";
    add(
      "PATIENTS",
      `${this.#rowId("PATIENTS")},${subject},"${life.female ? "F" : "M"}",${dob} 00:00:00,${day(died)},${day(inHospital)},${ssn},${died === undefined ? 0 : 1}\n`,
      1,
    );
  }

  #admission(
    subject: number,
    admission: number,
    visit: Visit,
    shiftDays: number,
    person: { ethnicity: string; language: string; religion: string },
    random: Random,
    add: AddRows,
  ): void {
    const shift = shiftDays * MINUTES_PER_DAY;
    const start = visit.admission + shift;
    const end = visit.discharge + shift;
    const long = visit.discharge - visit.admission > 6 * MINUTES_PER_DAY;
    const stamped =
      visit.died && long && chance(random, 0.05) ? end - (end % MINUTES_PER_DAY) : end;
    const kind = this.#kind(visit, random);
    const ed = kind.origin === "EMERGENCY ROOM ADMIT";
    const left = choose(random, DESTINATIONS);
    const values = [
      `${this.#rowId("ADMISSIONS")},${subject},${admission},${timeText(start)},${timeText(stamped)},${visit.died ? timeText(end) : ""}`,
      quoted(kind.type),
      quoted(kind.origin),
      quoted(visit.died ? "DEAD/EXPIRED" : left),
      quoted(choose(random, INSURANCE)),
      quoted(person.language),
      quoted(person.religion),
      quoted(choose(random, MARITAL)),
      quoted(chance(random, 0.03) ? choose(random, ETHNICITIES) : person.ethnicity),
      ed ? timeText(start - between(random, 20, 600)) : "",
      ed ? timeText(start + between(random, -10, 240)) : "",
      quoted(kind.complaint),
      visit.died ? 1 : 0,
      visit.icu ? 1 : 0,
    ];
    add("ADMISSIONS", `${values.join(",")}\n`, 1);
  }

  #kind(visit: Visit, random: Random): { type: string; origin: string; complaint: string } {
    if (visit.urgency === "newborn") {
      return { type: "NEWBORN", origin: "PHYS REFERRAL/NORMAL DELI", complaint: "NEWBORN" };
    }
    const complaint = choose(random, COMPLAINTS);
    if (visit.urgency === "planned") {
      return { type: "ELECTIVE", origin: "PHYS REFERRAL/NORMAL DELI", complaint };
    }
    const origin = chance(random, 0.55) ? "EMERGENCY ROOM ADMIT" : choose(random, ORIGINS);
    return { type: choose(random, EMERGENCY_TYPES), origin, complaint };
  }

  #codes(subject: number, admission: number, visit: Visit, random: Random, add: AddRows): void {
    const write = (table: string, codes: readonly string[]) => {
      let lines = "";
      codes.forEach((code, i) => {
        lines += `${this.#rowId(table)},${subject},${admission},${i + 1},"${code}"\n`;
      });
      add(table, lines, codes.length);
    };
    const { variants, procedures } = this.#catalogue;
    const codes = visit.diagnoses.map((index) => variants[index]?.icd9 ?? "");
    write("DIAGNOSES_ICD", [...new Set(codes)]);
    if (chance(random, 0.001)) {
      // Some admissions have a row without a code and a number.
      add("DIAGNOSES_ICD", `${this.#rowId("DIAGNOSES_ICD")},${subject},${admission},,\n`, 1);
    }
    const done = visit.procedures.map((index) => procedures[index]?.icd9 ?? "");
    write("PROCEDURES_ICD", [...new Set(done)]);
  }

  #icu(
    subject: number,
    admission: number,
    visit: Visit,
    shift: number,
    source: string,
    random: Random,
    add: AddRows,
  ): IcuStay[] {
    const length = visit.discharge - visit.admission;
    const u = random.uniform();
    const count = length < 4 * MINUTES_PER_DAY || u < 0.9 ? 1 : u < 0.98 ? 2 : 3;
    const stays: IcuStay[] = [];
    let lines = "";
    for (let i = 0; i < count; i++) {
      const from = visit.admission + Math.floor(((i + 0.2 * random.uniform()) / count) * length);
      const left = visit.admission + Math.floor(((i + 1) / count) * length) - from;
      const minutes = Math.max(20, Math.floor(left * (0.2 + 0.75 * random.uniform())));
      const id = mimic3Stay(this.#stays++);
      const unit = visit.urgency === "newborn" ? "NICU" : choose(random, UNITS);
      const lastUnit = unit !== "NICU" && chance(random, 0.08) ? choose(random, UNITS) : unit;
      const ward = (name: string) => WARDS[name]?.[between(random, 0, 1)] ?? 52;
      const seconds = between(random, 1, 59);
      const into = from + shift * MINUTES_PER_DAY;
      lines += `${this.#rowId("ICUSTAYS")},${subject},${admission},${id},"${source}","${unit}","${lastUnit}",${ward(unit)},${ward(lastUnit)},${timeText(into, seconds)},${timeText(into + minutes, seconds)},${(minutes / MINUTES_PER_DAY).toFixed(4)}\n`;
      stays.push({ id, from, minutes });
    }
    add("ICUSTAYS", lines, count);
    return stays;
  }

  #orders(
    subject: number,
    admission: number,
    visit: Visit,
    shift: number,
    stays: readonly IcuStay[],
    random: Random,
    add: AddRows,
  ): void {
    let lines = "";
    let rows = 0;
    const day = (minutes: number) =>
      `${dayText(Math.floor(minutes / MINUTES_PER_DAY) + shift)} 00:00:00`;
    this.#schedule.plan(visit, random, (start, stop, columns) => {
      const stay = stays.find((s) => start >= s.from && start < s.from + s.minutes);
      const line = `,${subject},${admission},${stay?.id ?? ""},${day(start)},${stop === undefined ? "" : day(stop)},${columns}\n`;
      lines += this.#rowId("PRESCRIPTIONS") + line;
      rows++;
      if (random.uniform() < 0.06) {
        lines += this.#rowId("PRESCRIPTIONS") + line; // the same order twice
        rows++;
      }
    });
    add("PRESCRIPTIONS", lines, rows);
  }

  /** An account opened for organ donation after a death: discharge before admission. */
  #donor(subject: number, last: Visit, shift: number, random: Random, add: AddRows): void {
    const admission = mimic3Admission(this.#admissions++);
    const death = last.discharge + shift * MINUTES_PER_DAY;
    const opened = timeText(death + between(random, 30, 600));
    const midnight = timeText(death - (death % MINUTES_PER_DAY));
    add(
      "ADMISSIONS",
      `${this.#rowId("ADMISSIONS")},${subject},${admission},${opened},${midnight},${timeText(death)},"EMERGENCY","PHYS REFERRAL/NORMAL DELI","DEAD/EXPIRED","Private",,"NOT SPECIFIED",,"UNKNOWN/NOT SPECIFIED",,,"ORGAN DONOR ACCOUNT",1,1\n`,
      1,
    );
  }
}
