/** Drugs and procedures that follow from what a visit is about, and how probable each drug is. */
import type { Random } from "../../core/random.ts";
import type { Catalogue, Family } from "./catalogue.ts";
import type { Chart } from "./chart.ts";
import { chance } from "./draw.ts";
import type { Profile } from "./profile.ts";

export class Orders {
  readonly #catalogue: Catalogue;
  readonly #profile: Profile;
  readonly #without: Float64Array; // [drugs] probability that nothing leads to the drug
  readonly #always: Float64Array;

  constructor(catalogue: Catalogue, profile: Profile) {
    this.#catalogue = catalogue;
    this.#profile = profile;
    this.#always = Float64Array.from(catalogue.drugs, (drug) => 1 - drug.always);
    this.#without = new Float64Array(catalogue.drugs.length);
  }

  /**
   * Probability of each drug in a visit [drugs]: each coded family and the drugs of the last visit are
   * independent reasons, some families rule a drug out. Only what is coded counts, so a reader of the codes
   * knows as much.
   */
  chances(chart: Chart, families: readonly Family[], short: boolean): Float64Array {
    const without = this.#without;
    without.set(this.#always);
    for (const family of families) {
      for (const use of family.drugs) {
        without[use.item] = (without[use.item] as number) * (1 - use.probability);
      }
    }
    for (const drug of chart.drugs) {
      const kept = this.#catalogue.drugs[drug]?.kept ?? 0;
      without[drug] = (without[drug] as number) * (1 - kept);
    }
    for (const family of families) {
      for (const use of family.avoids) {
        without[use.item] = 1 - (1 - (without[use.item] as number)) * (1 - use.probability);
      }
    }
    const factor = short ? 0.6 : 1;
    return without.map((p) => factor * (1 - p));
  }

  /** Drugs of a visit, drawn independently of each other by their probabilities. */
  drugs(chances: Float64Array, random: Random): number[] {
    const chosen: number[] = [];
    chances.forEach((p, drug) => {
      if (chance(random, p)) chosen.push(drug);
    });
    return chosen;
  }

  /** Procedures of a visit, without repeats. */
  procedures(families: readonly Family[], random: Random): number[] {
    const chosen: number[] = [];
    for (const family of families) {
      for (const use of family.procedures) {
        const p = Math.min(0.95, use.probability * this.#profile.procedures);
        if (chance(random, p) && !chosen.includes(use.item)) chosen.push(use.item);
      }
    }
    return chosen;
  }
}
