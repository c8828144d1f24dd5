/**
 * The true risks. Each is a function of the visible record at a discharge (`Visible`) and of nothing
 * else, so no model can rank better than these numbers, and a model that reads the record well can
 * come close:
 *
 *   log-odds = bias + age + history of visits + conditions ever recorded + conditions of the latest
 *              visit (older ones count less) + drugs of the latest visit + a few pairs
 *
 * Effects hang on codes. With structure `hierarchy` or `even` all codes of a family have the family's effect and
 * all drugs of an ATC level-4 class the class's; with `none` the effects of the rare ones are shuffled, with
 * `even-none` those of all codes and of the rare drugs.
 */
import type { Random } from "../../core/random.ts";
import type { Catalogue, Drug, Family } from "./catalogue.ts";
import type { Visible } from "./chart.ts";
import { sigmoid } from "./draw.ts";
import { isEven, isShuffled, type RiskStructure } from "./options.ts";
import type { Profile } from "./profile.ts";

/** Log-odds per drug of the latest visit, by ATC level-4 class. */
const DRUG_CLASSES: Readonly<Record<string, { death: number; readmit: number }>> = {
  C03CA: { death: 0.7, readmit: 0.25 }, // loop diuretics
  N02AA: { death: 0, readmit: 0.25 }, // opioids
  H02AB: { death: 0, readmit: 0.25 }, // glucocorticoids
};
const BETA_BLOCKERS = "C07A";

/** Weight of an acute condition that was recorded before the latest visit only. */
const OLD_ACUTE = 0.5;
const SHORT_GAP_DAYS = 30;
const LONG_STAY_DAYS = 7;

/** No history makes death in the next admission likelier than this. */
const MAX_DEATH = 0.6;
/** Log-odds of the pairs. */
const DEATH_PAIRS = { heartAndKidney: 0.6, sepsisInWeakened: 0.8, heartWithBetaBlocker: -0.7 };
const READMIT_PAIRS = { mindAndAlcohol: 0.7, heartWithoutDiuretic: 0.6 };
/** Log-odds by which readmission is likelier within 30 days than within 15. */
const SECOND_FORTNIGHT = 0.5;

interface Effects {
  readonly death: Float64Array;
  readonly readmit: Float64Array;
}

/** Hands the effects of some positions round among them. */
function permute(effects: Effects, positions: readonly number[], random: Random): void {
  const source = random.shuffle([...positions]);
  const { death, readmit } = effects;
  const old = { death: death.slice(), readmit: readmit.slice() };
  positions.forEach((to, i) => {
    death[to] = old.death[source[i] as number] as number;
    readmit[to] = old.readmit[source[i] as number] as number;
  });
}

function variantEffects(catalogue: Catalogue, structure: RiskStructure, random: Random): Effects {
  const of = (key: "death" | "readmit") =>
    Float64Array.from(catalogue.variants, (v) => (catalogue.families[v.family] as Family)[key]);
  const effects = { death: of("death"), readmit: of("readmit") };
  const all = isEven(structure);
  const moved = catalogue.variants.flatMap((v, i) =>
    v.unique && (all || v.rare) && catalogue.families[v.family]?.kind !== "special" ? [i] : [],
  );
  if (isShuffled(structure)) permute(effects, moved, random.derive("codes"));
  return effects;
}

function drugEffects(catalogue: Catalogue, structure: RiskStructure, random: Random): Effects {
  const classOf = (drug: Drug) => DRUG_CLASSES[drug.atc.slice(0, 5)];
  const of = (key: "death" | "readmit") =>
    Float64Array.from(catalogue.drugs, (drug) => classOf(drug)?.[key] ?? 0);
  const effects = { death: of("death"), readmit: of("readmit") };
  const seen = new Set<string>();
  const rare = catalogue.drugs.flatMap((drug, i) => {
    const first = !seen.has(drug.atc.slice(0, 5)); // the catalogue names the common one first
    seen.add(drug.atc.slice(0, 5));
    return first ? [] : [i];
  });
  if (isShuffled(structure)) permute(effects, rare, random.derive("drugs"));
  return effects;
}

/** Probabilities of another admission within so many days of a discharge. */
export interface Readmission {
  readonly within15: number;
  readonly within30: number;
}

export class RiskModel {
  readonly #profile: Profile;
  readonly #families: readonly Family[];
  readonly #codes: Effects;
  readonly #drugs: Effects;
  readonly #index: Readonly<Record<string, number>>;
  readonly #betaBlocker: readonly boolean[];
  readonly #loopDiuretic: readonly boolean[];

  constructor(catalogue: Catalogue, profile: Profile, structure: RiskStructure, random: Random) {
    this.#profile = profile;
    this.#families = catalogue.families.filter(
      (f) => f.kind !== "special" && f.variants.length > 0,
    );
    this.#codes = variantEffects(catalogue, structure, random);
    this.#drugs = drugEffects(catalogue, structure, random);
    this.#index = Object.fromEntries(catalogue.families.map((f) => [f.name, f.index]));
    this.#betaBlocker = catalogue.drugs.map((drug) => drug.atc.startsWith(BETA_BLOCKERS));
    this.#loopDiuretic = catalogue.drugs.map((drug) => drug.atc.startsWith("C03CA"));
  }

  /** Probability of dying in the first admission, known when it begins. */
  firstDeath(age: number, planned: boolean): number {
    return sigmoid(this.#profile.firstDeath + 0.045 * (age - 60) - (planned ? 1.2 : 0));
  }

  /** Probability of dying in the next admission, if there is one, known at this discharge. */
  nextDeath(v: Visible): number {
    const p = DEATH_PAIRS;
    const heart = this.#ever(v, "heart_failure") || this.#ever(v, "coronary_disease");
    const kidney = this.#ever(v, "kidney_disease") || this.#ever(v, "kidney_failure_end_stage");
    const weakened =
      this.#ever(v, "metastasis") || this.#ever(v, "blood_cancer") || this.#ever(v, "cirrhosis");
    const x =
      this.#profile.nextDeath +
      0.09 * (v.age - 65) +
      0.1 * Math.min(v.visits - 1, 4) +
      (v.gapDays < SHORT_GAP_DAYS ? 0.3 : 0) +
      (v.stayDays > LONG_STAY_DAYS ? 0.2 : 0) +
      this.#sum(v, this.#codes.death, this.#drugs.death) +
      (this.#ever(v, "heart_failure") && kidney ? p.heartAndKidney : 0) +
      (this.#last(v, "sepsis") && weakened ? p.sepsisInWeakened : 0) +
      (heart && v.drugs.some((d) => this.#betaBlocker[d]) ? p.heartWithBetaBlocker : 0);
    return MAX_DEATH * sigmoid(x);
  }

  /** Probability of another admission soon after this discharge, for a subject who left alive. */
  readmission(v: Visible): Readmission {
    const p = READMIT_PAIRS;
    const mind = this.#ever(v, "severe_mental_illness") || this.#ever(v, "depression");
    const x =
      this.#profile.readmission +
      0.15 * Math.min(v.visits - 1, 4) +
      (v.gapDays < SHORT_GAP_DAYS ? 0.8 : 0) +
      (v.stayDays > LONG_STAY_DAYS ? 0.4 : 0) +
      this.#sum(v, this.#codes.readmit, this.#drugs.readmit) +
      (mind && this.#ever(v, "alcohol_use") ? p.mindAndAlcohol : 0) +
      (this.#ever(v, "heart_failure") && !v.drugs.some((d) => this.#loopDiuretic[d])
        ? p.heartWithoutDiuretic
        : 0);
    return { within15: sigmoid(x), within30: sigmoid(x + SECOND_FORTNIGHT) };
  }

  #ever(v: Visible, family: string): boolean {
    return v.ever[this.#index[family] as number] === 1;
  }

  #last(v: Visible, family: string): boolean {
    return v.last[this.#index[family] as number] === 1;
  }

  #sum(v: Visible, codes: Float64Array, drugs: Float64Array): number {
    let x = 0;
    for (const family of this.#families) {
      const i = family.index;
      if (v.ever[i] === 0) continue;
      const effect = codes[v.variant[i] as number] as number;
      const old = family.kind !== "chronic" && v.last[i] === 0;
      x += old ? OLD_ACUTE * effect : effect;
    }
    for (const drug of v.drugs) x += drugs[drug] as number;
    return x;
  }
}
