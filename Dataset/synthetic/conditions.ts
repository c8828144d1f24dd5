/** Which conditions a subject has, gets and has recorded. */
import type { Random } from "../../core/random.ts";
import type { Catalogue, Family } from "./catalogue.ts";
import type { Chart } from "./chart.ts";
import { chance, geometric, pickCumulative, sigmoid } from "./draw.ts";
import type { Profile } from "./profile.ts";

/** Share of its prevalence at which a chronic condition appears anew per year. */
const INCIDENCE = 0.1;
/** Log-odds by which an acute condition is likelier in somebody who had it before. */
const RECURRENCE = 1.1;
/** Odds of acute conditions in planned and in observation stays, relative to emergencies. */
const ACUTE_ODDS = { planned: 0.45, emergency: 1.25, observation: 0.3 } as const;

export type Urgency = keyof typeof ACUTE_ODDS;

export class Conditions {
  readonly #chronic: readonly Family[];
  readonly #elective: readonly Family[];
  readonly #acute: readonly Family[];
  readonly #symptoms: Family;
  readonly #terminal: Family;
  readonly #profile: Profile;

  constructor(catalogue: Catalogue, profile: Profile) {
    const of = (kind: string) => catalogue.families.filter((f) => f.kind === kind);
    this.#chronic = of("chronic");
    this.#elective = of("elective");
    this.#acute = of("acute").filter((f) => f.name !== "symptoms");
    this.#symptoms = catalogue.families[catalogue.family("symptoms")] as Family;
    this.#terminal = catalogue.families[catalogue.family("terminal")] as Family;
    this.#profile = profile;
  }

  /** Chronic conditions at the first visit, or those that appeared in the years since the last one. */
  develop(chart: Chart, years: number, random: Random): void {
    const first = chart.visits === 0;
    for (const family of this.#chronic) {
      if ((chart.has[family.index] as number) >= 0) continue;
      const prevalence = sigmoid(this.#logOdds(family, chart));
      const p = first ? prevalence : 1 - Math.exp(-INCIDENCE * years * prevalence);
      if (chance(random, p)) chart.has[family.index] = pickVariant(family, random);
    }
  }

  /** Acute conditions and reasons of one visit; returns the families present that are not chronic. */
  fallIll(chart: Chart, urgency: Urgency, random: Random): Family[] {
    const present: Family[] = [];
    for (const family of this.#elective) chart.has[family.index] = -1;
    for (const family of this.#acute) chart.has[family.index] = -1;
    if (urgency === "planned") {
      const reason = this.#reason(chart, random);
      if (reason !== undefined) {
        chart.has[reason.index] = pickVariant(reason, random);
        present.push(reason);
      }
    }
    const odds = Math.log(ACUTE_ODDS[urgency] * this.#profile.acute);
    for (const family of this.#acute) {
      const again = chart.ever[family.index] === 1 ? RECURRENCE : 0;
      if (!chance(random, sigmoid(this.#logOdds(family, chart) + odds + again))) continue;
      chart.has[family.index] = pickVariant(family, random);
      present.push(family);
    }
    return present;
  }

  /** Variants coded for this visit, the reasons for it first; updates what is visible. */
  record(chart: Chart, present: readonly Family[], random: Random): number[] {
    chart.last.fill(0);
    const codes: number[] = [];
    for (const family of [...present].sort((a, b) => b.stay - a.stay)) {
      this.#code(chart, family, codes, random);
    }
    for (const family of this.#chronic) {
      if ((chart.has[family.index] as number) >= 0) this.#code(chart, family, codes, random);
    }
    const symptoms = geometric(random, 1 - this.#symptoms.recorded, 8);
    for (let i = 0; i < symptoms; i++) {
      const variant = pickVariant(this.#symptoms, random);
      if (!codes.includes(variant)) codes.push(variant);
    }
    if (codes.length === 0) codes.push(pickVariant(this.#symptoms, random));
    return codes;
  }

  /** Codes that only the record of a death carries. */
  recordDeath(codes: number[], random: Random): void {
    for (let i = geometric(random, 1 - this.#terminal.recorded, 3); i > 0; i--) {
      const variant = pickVariant(this.#terminal, random);
      if (!codes.includes(variant)) codes.push(variant);
    }
  }

  #code(chart: Chart, family: Family, codes: number[], random: Random): void {
    const said = chance(random, family.recorded);
    if (family.replacedBy >= 0 && (chart.has[family.replacedBy] as number) >= 0) return;
    if (!said || family.variants.length === 0) return;
    const variant = chart.has[family.index] as number;
    chart.record(family.index, variant);
    codes.push(variant);
  }

  #reason(chart: Chart, random: Random): Family | undefined {
    const weights = this.#elective.map((family) => Math.exp(this.#logOdds(family, chart)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let u = random.uniform() * Math.max(total, 1); // below a total of 1 some visits have no such reason
    for (const [i, family] of this.#elective.entries()) {
      u -= weights[i] as number;
      if (u < 0) return family;
    }
    return undefined;
  }

  #logOdds(family: Family, chart: Chart): number {
    let x =
      family.logit + family.age * ((chart.age - 60) / 10) + family.frailty * 0.8 * chart.frailty;
    if (chart.female) x += family.female;
    for (const cause of family.causes) {
      if ((chart.has[cause.family] as number) >= 0) x += cause.logOdds;
    }
    return x;
  }
}

/** A variant by its share; 0 for a family without codes of its own. */
export function pickVariant(family: Family, random: Random): number {
  return family.variants[pickCumulative(random, family.cumulative)] ?? 0;
}
