/** When the drugs of a visit are ordered, and as which product. */
import type { Random } from "../../core/random.ts";
import type { Catalogue, Drug, Product } from "./catalogue.ts";
import { between, chance, geometric } from "./draw.ts";
import type { Visit } from "./life.ts";

const DAY = 1440;
/** Orders of the last day of the dying begin this long after the admission at the earliest. */
const NOT_BEFORE = 3 * DAY;
/** Share of a drug's orders that are of its second product, where it has one. */
const SECOND_PRODUCT = 0.3;
/** Most repeated orders of a drug in a visit. */
const MOST_REPEATS = 40;

/**
 * Takes one order: start and stop in minutes (stop undefined where the source has none), and the
 * columns of its product as one piece of CSV.
 */
export type TakeOrder = (start: number, stop: number | undefined, columns: string) => void;

/** CSV columns of a product (from the drug type on), prepared by the layout. */
export type ProductColumns = (
  drug: Drug,
  product: Product,
  amount: number,
  ndc: string,
  type: "MAIN" | "BASE",
) => string;

/** What is known of a visit's orders before they are drawn; given these, drugs do not depend on each other. */
export interface OrderChances {
  /** Probability that anything is ordered. */
  readonly any: number;
  /** Where a drug of two products is ordered, the probability that some order is of the first, or the second. */
  readonly first: number;
  readonly second: number;
  /** Probability that each drug is ordered. [drugs] */
  readonly drugs: Float64Array;
}

interface Prepared {
  /** Usual columns of each product, with other amounts, and without a known NDC. */
  readonly products: readonly { usual: string; others: readonly string[]; base: boolean }[];
}

const BASES: readonly { name: string; product: Product }[] = [
  ["0.9% Sodium Chloride", "NS250", "001210", "00338004802", "250mL Bag", "250", "mL", "IV"],
  ["5% Dextrose", "D5W250", "001972", "00338001702", "250mL Bag", "250", "mL", "IV"],
  ["Iso-Osmotic Dextrose", "FRBD50", "", "0", "50mL Bag", "50", "mL", "IV"],
  ["Bag", "BAG50", "", "0", "50 mL Bag", "1", "BAG", "IV"],
  [
    "0.9% Sodium Chloride (Mini Bag Plus)",
    "NS/MBP100I",
    "001210",
    "00338055318",
    "100mL Bag",
    "100",
    "mL",
    "IV",
  ],
].map(
  ([
    name = "",
    formulary = "",
    gsn = "",
    ndc = "",
    strength = "",
    dose = "",
    doseUnit = "",
    route = "",
  ]) => ({
    name,
    product: {
      formulary,
      gsn,
      ndc,
      strength,
      dose,
      doseUnit,
      formAmount: dose,
      formUnit: doseUnit,
      route,
      perDay: "",
    },
  }),
);

export class Schedule {
  readonly #drugs: readonly Prepared[];
  readonly #bases: readonly string[];
  readonly #terminal: readonly { item: number; probability: number }[];
  readonly #repeats: number;

  constructor(catalogue: Catalogue, columns: ProductColumns, repeats: number) {
    this.#repeats = repeats;
    this.#terminal = catalogue.families[catalogue.family("terminal")]?.drugs ?? [];
    this.#bases = BASES.map(({ name, product }) => {
      const drug = { name, mimic3Name: name, atc: "", kept: 0, always: 0, products: [product] };
      return columns(drug, product, 1, product.ndc, "BASE");
    });
    this.#drugs = catalogue.drugs.map((drug) => ({
      products: drug.products.map((product) => ({
        usual: columns(drug, product, 1, product.ndc, "MAIN"),
        others: [
          columns(drug, product, 2, product.ndc, "MAIN"),
          columns(drug, product, 0.5, product.ndc, "MAIN"),
          columns(drug, product, 1, "0", "MAIN"),
        ],
        base: product.route.startsWith("IV") && /VIAL|BAG|AMP/.test(product.formUnit),
      })),
    }));
  }

  /** Hands over the orders of a visit, drug by drug. */
  plan(visit: Visit, random: Random, order: TakeOrder): void {
    const noMore = 1 / (1 + this.#meanRepeats(visit));
    for (const drug of visit.drugs) {
      const first = firstStart(visit, random);
      this.#emit(drug, first, visit, random, order);
      for (let n = geometric(random, noMore, MOST_REPEATS); n > 0; n--) {
        const start = first + Math.floor(random.uniform() * (visit.discharge - first));
        // A few orders are entered after the patient has left.
        const late = chance(random, 0.012) ? visit.discharge + between(random, 1, 360) : start;
        this.#emit(drug, late, visit, random, order);
      }
    }
    for (const use of this.#lastDay(visit)) {
      if (!chance(random, use.probability)) continue;
      this.#emit(use.item, visit.discharge - between(random, 60, 1200), visit, random, order);
    }
  }

  /** The probabilities behind what `plan` hands over of this visit. */
  chances(visit: Visit): OrderChances {
    const drugs = visit.chances.slice();
    for (const { item, probability } of this.#lastDay(visit)) {
      drugs[item] = 1 - (1 - (drugs[item] as number)) * (1 - probability);
    }
    const none = drugs.reduce((product, p) => product * (1 - p), 1);
    const more = this.#meanRepeats(visit);
    const repeat = more / (1 + more);
    return {
      any: 1 - none,
      first: 1 - allOrders(SECOND_PRODUCT, repeat),
      second: 1 - allOrders(1 - SECOND_PRODUCT, repeat),
      drugs,
    };
  }

  /** Repeated orders of each drug. */
  #meanRepeats(visit: Visit): number {
    const days = (visit.discharge - visit.admission) / DAY;
    return this.#repeats * (0.25 + 0.11 * Math.min(days, 30));
  }

  /** Drugs of the last day of the dying. */
  #lastDay(visit: Visit): readonly { item: number; probability: number }[] {
    const long = visit.discharge - visit.admission >= NOT_BEFORE + DAY;
    return visit.died && long ? this.#terminal : [];
  }

  #emit(drug: number, start: number, visit: Visit, random: Random, order: TakeOrder): void {
    const { products } = this.#drugs[drug] as Prepared;
    const second = products.length > 1 && chance(random, SECOND_PRODUCT);
    const product = products[second ? 1 : 0] as Prepared["products"][number];
    const u = random.uniform();
    const columns =
      u < 0.75 ? product.usual : (product.others[Math.floor((u - 0.75) * 12)] as string);
    const stop = stopOf(start, visit, random);
    order(start, stop, columns);
    if (product.base && chance(random, 0.95)) {
      const base = this.#bases[between(random, 0, this.#bases.length - 1)] as string;
      order(start, stop, base);
    }
  }
}

/** Probability that a drug's order and all its repeats have what each has with `share`; `repeat`: of one more. */
function allOrders(share: number, repeat: number): number {
  const both = share * repeat;
  const end = both ** MOST_REPEATS;
  return share * (((1 - repeat) * (1 - end)) / (1 - both) + end);
}

/** Most drugs are ordered in the first hours, some before the admission, the rest during the stay. */
function firstStart(visit: Visit, random: Random): number {
  const length = visit.discharge - visit.admission;
  const u = random.uniform();
  if (u < 0.03) return visit.admission - between(random, 10, 600);
  const within = u < 0.65 ? Math.min(360, length) : length;
  const start = visit.admission + Math.floor(random.uniform() * within);
  return start - (start % 60) < visit.admission ? start : start - (start % 60);
}

function stopOf(start: number, visit: Visit, random: Random): number | undefined {
  const u = random.uniform();
  if (u < 0.001) return undefined;
  if (u < 0.041) return start - between(random, 1, 12) * 60; // entered, then taken back
  const stop = start + between(random, 6, 96) * 60;
  return u < 0.96 ? Math.min(stop, Math.max(visit.discharge, start)) : stop;
}
