/** MIMIC-IV 3.1: files, columns and formats of hosp/ and icu/, as far as loaders read them. */
import type { Random } from "../../core/random.ts";
import { dayOf, dayText, MINUTES_PER_DAY, timeText } from "./calendar.ts";
import type { Catalogue } from "./catalogue.ts";
import { between, chance, choose } from "./draw.ts";
import { mimic4Admission, mimic4Stay, mimic4Subject } from "./ids.ts";
import { csv, type LayoutWriter, TRUTH_HEADER, times, truthLine } from "./layout.ts";
import type { Life, Visit } from "./life.ts";
import {
  DESTINATIONS,
  INSURANCE,
  LANGUAGES,
  MARITAL,
  ORIGINS,
  RACES,
  SERVICES,
  TYPES,
  UNITS,
} from "./mimic4-values.ts";
import { addOrderTruth } from "./order-truth.ts";
import { type ProductColumns, Schedule } from "./schedule.ts";
import type { AddRows } from "./table-set.ts";

const HEADERS = {
  "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
  "hosp/admissions":
    "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,admission_location,discharge_location,insurance,language,marital_status,race,edregtime,edouttime,hospital_expire_flag",
  "hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
  "hosp/procedures_icd": "subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version",
  "hosp/prescriptions":
    "subject_id,hadm_id,pharmacy_id,poe_id,poe_seq,order_provider_id,starttime,stoptime,drug_type,drug,formulary_drug_cd,gsn,ndc,prod_strength,form_rx,dose_val_rx,dose_unit_rx,form_val_disp,form_unit_disp,doses_per_24_hrs,route",
  "hosp/services": "subject_id,hadm_id,transfertime,prev_service,curr_service",
  "hosp/d_icd_diagnoses": "icd_code,icd_version,long_title",
  "hosp/d_icd_procedures": "icd_code,icd_version,long_title",
  "icu/icustays": "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los",
  truth: TRUTH_HEADER,
};

/** Discharges from this day on are coded in ICD-10. */
const ICD10_FROM = dayOf(2015, 10) * MINUTES_PER_DAY;
/** A family whose codes the dictionary lacks. */
const UNDOCUMENTED = "undocumented";

const columns: ProductColumns = (drug, p, amount, ndc, type) =>
  [
    type,
    csv(drug.name),
    csv(p.formulary),
    p.gsn,
    ndc,
    csv(p.strength),
    "",
    times(amount, p.dose),
    p.doseUnit,
    times(amount, p.formAmount),
    p.formUnit,
    p.perDay === "0" ? "" : p.perDay,
    p.route,
  ].join(",");

/** `P` and five characters; a few thousand providers. */
const PROVIDERS = Array.from(
  { length: 4096 },
  (_, i) => `P${((i * 7_368_787) % 36 ** 5).toString(36).toUpperCase().padStart(5, "0")}`,
);

function provider(random: Random): string {
  return PROVIDERS[random.uint32() & 4095] as string;
}

export class Mimic4Writer implements LayoutWriter {
  readonly headers = HEADERS;
  readonly #catalogue: Catalogue;
  readonly #schedule: Schedule;
  #admissions = 0;
  #stays = 0;

  constructor(catalogue: Catalogue, orders: number) {
    this.#catalogue = catalogue;
    this.#schedule = new Schedule(catalogue, columns, orders);
  }

  dictionaries(add: AddRows): void {
    const undocumented = this.#catalogue.family(UNDOCUMENTED);
    const titles = (
      rows: readonly { icd9: string; title9: string; icd10: string; title10: string }[],
    ) =>
      new Map(
        rows.flatMap((row) => [
          [`${row.icd9.padEnd(7)},9`, `${row.icd9},9,${csv(row.title9)}\n`] as const,
          [`${row.icd10.padEnd(7)},10`, `${row.icd10},10,${csv(row.title10)}\n`] as const,
        ]),
      );
    const write = (table: string, lines: Map<string, string>) => {
      const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
      add(table, sorted.join(""), sorted.length);
    };
    const documented = this.#catalogue.variants.filter((v) => v.family !== undocumented);
    write("hosp/d_icd_diagnoses", titles(documented));
    write("hosp/d_icd_procedures", titles(this.#catalogue.procedures));
  }

  subject(index: number, life: Life, random: Random, add: AddRows): void {
    const subject = mimic4Subject(index);
    const race = choose(random, RACES);
    const last = life.visits.at(-1);
    const age = life.firstYear - life.birthYear;
    const group = anchorGroup(life);
    let died: number | undefined = life.laterDeath;
    if (last?.died) died = Math.floor(last.discharge / MINUTES_PER_DAY);
    const dod = died === undefined ? "" : dayText(died + life.shift);
    add(
      "hosp/patients",
      `${subject},${life.female ? "F" : "M"},${age > 89 ? 91 : age},${life.firstYear},${group},${dod}\n`,
      1,
    );
    let poe = 0;
    for (const visit of life.visits) {
      const admission = mimic4Admission(this.#admissions++);
      this.#admission(subject, admission, visit, life, race, random, add);
      this.#codes(subject, admission, visit, life.shift, random, add);
      poe = this.#orders(subject, admission, visit, life.shift, poe, random, add);
      if (visit.icu) this.#icu(subject, admission, visit, life.shift, random, add);
      add("truth", truthLine(subject, admission, visit.truth), 1);
      addOrderTruth(add, subject, admission, this.#schedule.chances(visit));
    }
  }

  #admission(
    subject: number,
    admission: number,
    visit: Visit,
    life: Life,
    usualRace: string,
    random: Random,
    add: AddRows,
  ): void {
    const shift = life.shift * MINUTES_PER_DAY;
    const start = visit.admission + shift;
    const end = visit.discharge + shift;
    const early = visit.died && visit.discharge - visit.admission > 6 * MINUTES_PER_DAY;
    // Some deaths carry a discharge stamped with the midnight before them.
    const stamped = early && chance(random, 0.15) ? end - (end % MINUTES_PER_DAY) : end;
    const ed = visit.urgency === "emergency" || visit.urgency === "observation";
    const throughEd = ed && chance(random, 0.75);
    const arrived = start - between(random, 20, 900);
    const origin = visit.urgency === "planned" ? "PHYSICIAN REFERRAL" : choose(random, ORIGINS);
    const left = visit.urgency === "observation" ? "" : choose(random, DESTINATIONS);
    const race = chance(random, 0.04) ? choose(random, RACES) : usualRace;
    add(
      "hosp/admissions",
      `${subject},${admission},${timeText(start)},${timeText(stamped)},${visit.died ? timeText(end) : ""},${choose(random, TYPES[visit.urgency])},${provider(random)},${throughEd ? "EMERGENCY ROOM" : origin},${visit.died ? "DIED" : left},${choose(random, INSURANCE)},${choose(random, LANGUAGES)},${choose(random, MARITAL)},${race},${throughEd ? timeText(arrived) : ""},${throughEd ? timeText(start + between(random, -15, 240)) : ""},${visit.died ? 1 : 0}\n`,
      1,
    );
    this.#services(subject, admission, visit, start, random, add);
  }

  #services(
    subject: number,
    admission: number,
    visit: Visit,
    start: number,
    random: Random,
    add: AddRows,
  ): void {
    const service = choose(random, SERVICES);
    const other = choose(random, SERVICES);
    const moved = chance(random, 0.09) && other !== service;
    const moveTime = start + Math.floor(random.uniform() * (visit.discharge - visit.admission));
    const lines = `${subject},${admission},${timeText(start, 41)},,${service}\n`;
    const move = `${subject},${admission},${timeText(moveTime, 7)},${service},${other}\n`;
    add("hosp/services", moved ? lines + move : lines, moved ? 2 : 1);
  }

  #codes(
    subject: number,
    admission: number,
    visit: Visit,
    shift: number,
    random: Random,
    add: AddRows,
  ): void {
    const nine = visit.discharge < ICD10_FROM;
    const version = nine ? 9 : 10;
    let lines = "";
    let n = 0;
    const seen: string[] = [];
    for (const index of visit.diagnoses) {
      const variant = this.#catalogue.variants[index];
      const code = (nine ? variant?.icd9 : variant?.icd10) ?? "";
      if (seen.includes(code)) continue;
      seen.push(code);
      n++;
      lines += `${subject},${admission},${n},${code},${version}\n`;
    }
    add("hosp/diagnoses_icd", lines, n);
    lines = "";
    n = 0;
    const firstDay = Math.floor(visit.admission / MINUTES_PER_DAY) + shift;
    const days = Math.floor((visit.discharge - visit.admission) / MINUTES_PER_DAY);
    for (const index of visit.procedures) {
      const procedure = this.#catalogue.procedures[index];
      const day = firstDay + Math.floor(random.uniform() * random.uniform() * (days + 1));
      n++;
      lines += `${subject},${admission},${n},${dayText(day)},${nine ? procedure?.icd9 : procedure?.icd10},${version}\n`;
    }
    add("hosp/procedures_icd", lines, n);
  }

  /** Returns the number of the subject's last order. */
  #orders(
    subject: number,
    admission: number,
    visit: Visit,
    shift: number,
    first: number,
    random: Random,
    add: AddRows,
  ): number {
    const minutes = shift * MINUTES_PER_DAY;
    let lines = "";
    let rows = 0;
    let poe = first;
    const prefix = `${subject},${admission},`;
    this.#schedule.plan(visit, random, (start, stop, columns) => {
      poe += 1 + (random.uint32() & 3);
      rows++;
      const pharmacy = 1_000_000 + (random.uint32() % 98_999_999);
      const from = timeText(start + minutes);
      const to = stop === undefined ? "" : timeText(stop + minutes);
      lines += `${prefix}${pharmacy},${subject}-${poe},${poe},${provider(random)},${from},${to},${columns}\n`;
    });
    add("hosp/prescriptions", lines, rows);
    return poe;
  }

  #icu(
    subject: number,
    admission: number,
    visit: Visit,
    shift: number,
    random: Random,
    add: AddRows,
  ): void {
    const length = visit.discharge - visit.admission;
    const u = random.uniform();
    const stays = length < 4 * MINUTES_PER_DAY || u < 0.91 ? 1 : u < 0.98 ? 2 : 3;
    let lines = "";
    for (let i = 0; i < stays; i++) {
      const from = visit.admission + Math.floor(((i + 0.4 * random.uniform()) / stays) * length);
      const left = visit.admission + Math.floor(((i + 1) / stays) * length) - from;
      const seconds = between(random, 1, 59);
      const minutes = Math.max(20, Math.floor(left * (0.25 + 0.7 * random.uniform())));
      const into = from + shift * MINUTES_PER_DAY;
      const unit = choose(random, UNITS);
      const lastUnit = chance(random, 0.06) ? choose(random, UNITS) : unit;
      lines += `${subject},${admission},${mimic4Stay(this.#stays++)},${unit},${lastUnit},${timeText(into, seconds)},${timeText(into + minutes, seconds)},${minutes / MINUTES_PER_DAY}\n`;
    }
    add("icu/icustays", lines, stays);
  }
}

/** Three real years around the first visit, as the release writes them. */
function anchorGroup(life: Life): string {
  const first = life.visits[0];
  const day = first === undefined ? 0 : Math.floor(first.admission / MINUTES_PER_DAY);
  const year =
    first === undefined ? 2008 + (life.firstYear % 15) : Number(dayText(day).slice(0, 4));
  const from = 2008 + 3 * Math.min(4, Math.max(0, Math.floor((year - 2008) / 3)));
  return `${from} - ${from + 2}`;
}
