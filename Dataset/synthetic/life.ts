/**
 * One subject's life as the hospital sees it. Time is in real minutes since 2000-01-01; the tables
 * shift it. Whether a subject dies in an admission is drawn before anything else of that admission
 * and influences only codes assigned after it and orders of its last day, so what is seen early in a
 * stay says nothing about its end beyond the true risk.
 */
import type { Random } from "../../core/random.ts";
import { MINUTES_PER_DAY, yearOf } from "./calendar.ts";
import type { Catalogue, Family } from "./catalogue.ts";
import { Chart } from "./chart.ts";
import { Conditions, pickVariant, type Urgency } from "./conditions.ts";
import { between, chance, sigmoid } from "./draw.ts";
import { Orders } from "./orders.ts";
import type { Profile } from "./profile.ts";
import type { RiskModel } from "./risk.ts";

/** True risks that belong to a visit; undefined where the outcome is. */
export interface Truth {
  /** Death in the next admission, known at this discharge. */
  mortalityNext: number | undefined;
  readmission15: number | undefined;
  readmission30: number | undefined;
  /** Death in this admission after its first 48 hours, known when it begins. */
  mortality48h: number | undefined;
}

export interface Visit {
  readonly urgency: Urgency | "newborn";
  readonly admission: number;
  readonly discharge: number;
  readonly died: boolean;
  /** Indices of variants, in order of importance. */
  readonly diagnoses: readonly number[];
  readonly procedures: readonly number[];
  readonly drugs: readonly number[];
  /** Probability with which each drug of the catalogue was drawn. [drugs] */
  readonly chances: Float64Array;
  readonly icu: boolean;
  readonly truth: Truth;
}

export interface Life {
  readonly female: boolean;
  /** Days by which the record's dates are later than the real ones; whole weeks. */
  readonly shift: number;
  /** Calendar years of birth and of the first visit, shifted. */
  readonly birthYear: number;
  readonly firstYear: number;
  readonly newborn: boolean;
  readonly visits: readonly Visit[];
  /** Real day of a death after the last discharge. */
  readonly laterDeath: number | undefined;
}

const MAX_VISITS = 60;
const MAX_AGE = 102;
/** From 2008 to 2115 or 2190, say. */
const MIN_SHIFT_WEEKS = 5583;
const MAX_SHIFT_WEEKS = 9496;
const HOURS_48 = 2880;
/** Share of subjects who do not return and die within a year of discharge. */
const LATER_DEATH = 0.7;

export class LifeModel {
  readonly #catalogue: Catalogue;
  readonly #profile: Profile;
  readonly #risk: RiskModel;
  readonly #conditions: Conditions;
  readonly #orders: Orders;
  readonly #chart: Chart;

  constructor(catalogue: Catalogue, profile: Profile, risk: RiskModel) {
    this.#catalogue = catalogue;
    this.#profile = profile;
    this.#risk = risk;
    this.#conditions = new Conditions(catalogue, profile);
    this.#orders = new Orders(catalogue, profile);
    this.#chart = new Chart(catalogue);
  }

  /** The life that this stream of random numbers tells. */
  live(random: Random): Life {
    const p = this.#profile;
    const female = chance(random, 0.53);
    const age = Math.round(p.meanAge + p.sdAge * random.normal());
    const first = between(random, p.firstDay, p.lastDay);
    const shift = 7 * between(random, MIN_SHIFT_WEEKS, MAX_SHIFT_WEEKS);
    const newborn = chance(random, p.newborn);
    const firstYear = yearOf(first + shift);
    const birthYear = firstYear - (newborn ? 0 : Math.min(Math.max(age, p.minAge), MAX_AGE));
    const who = { female, shift, birthYear, firstYear, newborn };
    this.#chart.reset(female, random.normal());
    if (chance(random, p.withoutVisit)) return { ...who, visits: [], laterDeath: undefined };
    const start = first * MINUTES_PER_DAY + between(random, 0, MINUTES_PER_DAY - 1);
    if (newborn) return { ...who, visits: [this.#birth(start, random)], laterDeath: undefined };
    return { ...who, ...this.#visits(shift, birthYear, start, random) };
  }

  #visits(shift: number, birthYear: number, start: number, random: Random) {
    const chart = this.#chart;
    const visits: Visit[] = [];
    let admission: number | undefined = start;
    while (admission !== undefined && visits.length < MAX_VISITS) {
      const before = visits.at(-1);
      if (before !== undefined) before.truth.mortalityNext = this.#risk.nextDeath(chart);
      const year = yearOf(Math.floor(admission / MINUTES_PER_DAY) + shift);
      const risk = before?.truth.mortalityNext;
      chart.age = Math.min(90, year - birthYear);
      const visit = this.#visit(admission, before?.discharge, risk, random);
      visits.push(visit);
      admission = visit.died ? undefined : this.#next(visit, random);
    }
    const last = visits.at(-1) as Visit;
    const dies = !last.died && chance(random, LATER_DEATH * this.#risk.nextDeath(chart));
    const day = Math.floor(last.discharge / MINUTES_PER_DAY) + between(random, 1, 360);
    return { visits, laterDeath: dies ? day : undefined };
  }

  #visit(
    admission: number,
    before: number | undefined,
    knownRisk: number | undefined,
    random: Random,
  ): Visit {
    const chart = this.#chart;
    const gapDays =
      before === undefined ? Number.POSITIVE_INFINITY : (admission - before) / MINUTES_PER_DAY;
    const urgency = this.#urgency(random);
    const risk = knownRisk ?? this.#risk.firstDeath(chart.age, urgency === "planned");
    const died = chance(random, risk);
    this.#conditions.develop(chart, before === undefined ? 0 : gapDays / 365, random);
    const present = this.#conditions.fallIll(chart, urgency, random);
    const diagnoses = this.#conditions.record(chart, present, random);
    const families = this.#codedFamilies(present);
    const minutes = this.#stay(urgency, families, random);
    const icu = chance(random, this.#icuRisk(urgency, families));
    const chances = this.#orders.chances(chart, families, urgency === "observation");
    const drugs = this.#orders.drugs(chances, random);
    const procedures = this.#orders.procedures(families, random);
    if (died) this.#conditions.recordDeath(diagnoses, random);
    chart.gapDays = gapDays;
    chart.drugs = drugs;
    chart.visits++;
    chart.stayDays = minutes / MINUTES_PER_DAY;
    const soon = died ? undefined : this.#risk.readmission(chart);
    const truth: Truth = {
      mortalityNext: undefined,
      readmission15: soon?.within15,
      readmission30: soon?.within30,
      mortality48h: minutes >= HOURS_48 ? risk : undefined,
    };
    const discharge = admission + minutes;
    const orders = { procedures, drugs, chances };
    return { urgency, admission, discharge, died, diagnoses, ...orders, icu, truth };
  }

  #urgency(random: Random): Urgency {
    const u = random.uniform();
    if (u < this.#profile.elective) return "planned";
    return u < this.#profile.elective + this.#profile.observation ? "observation" : "emergency";
  }

  /** Families that the record of the visit states, and reasons without codes of their own. */
  #codedFamilies(present: readonly Family[]): Family[] {
    const chart = this.#chart;
    const coded = this.#catalogue.families.filter((family) => chart.last[family.index] === 1);
    return [...coded, ...present.filter((family) => family.variants.length === 0)];
  }

  /** Minutes in hospital: log-normal around a mean that conditions and the kind of admission set. */
  #stay(urgency: Urgency, families: readonly Family[], random: Random): number {
    const base = { planned: 0.55, emergency: 0.85, observation: -0.15 }[urgency];
    let x = base + this.#profile.stay + 0.06 * ((this.#chart.age - 60) / 10);
    if (urgency !== "observation") for (const family of families) x += family.stay;
    const days = Math.exp(Math.min(x, 3.2) + 0.62 * random.normal());
    return Math.round(Math.min(Math.max(days, 0.12), 180) * MINUTES_PER_DAY);
  }

  #icuRisk(urgency: Urgency, families: readonly Family[]): number {
    if (urgency === "observation") return 0.004;
    let x = this.#profile.icu - (urgency === "planned" ? 0.6 : 0);
    for (const family of families) x += family.icu;
    return sigmoid(x);
  }

  /** Minute of the next admission, or undefined when none is seen. */
  #next(visit: Visit, random: Random): number | undefined {
    const day = MINUTES_PER_DAY;
    const u = random.uniform();
    const { readmission15, readmission30 } = visit.truth;
    if (u < (readmission15 as number)) return visit.discharge + between(random, 360, 15 * day);
    if (u < (readmission30 as number)) {
      return visit.discharge + between(random, 15 * day + 1, 30 * day);
    }
    const chart = this.#chart;
    const logOdds =
      this.#profile.laterReturn + 0.25 * Math.min(chart.visits - 1, 6) + 0.35 * chart.frailty;
    const returns = chance(random, sigmoid(logOdds));
    const days = 30 - 420 * Math.log(1 - random.uniform());
    const next = visit.discharge + Math.ceil(days * day) + 1;
    return returns && next < (this.#profile.lastDay + 1) * day ? next : undefined;
  }

  #birth(start: number, random: Random): Visit {
    const names = ["newborn", "newborn_condition", "newborn_vaccine"] as const;
    const families = names
      .map((name) => this.#catalogue.families[this.#catalogue.family(name)] as Family)
      .filter((_, i) => i === 0 || chance(random, 0.6));
    const minutes = Math.round(Math.exp(1.1 + 0.8 * random.normal()) * MINUTES_PER_DAY);
    const chances = this.#orders.chances(this.#chart, families, false);
    return {
      urgency: "newborn",
      admission: start,
      discharge: start + Math.max(minutes, 600),
      died: chance(random, 0.008),
      diagnoses: families.map((family) => pickVariant(family, random)),
      procedures: this.#orders.procedures(families, random),
      drugs: this.#orders.drugs(chances, random),
      chances,
      icu: chance(random, 0.9),
      truth: {
        mortalityNext: undefined,
        readmission15: undefined,
        readmission30: undefined,
        mortality48h: undefined,
      },
    };
  }
}
