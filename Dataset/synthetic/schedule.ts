/** When the drugs of a visit are ordered, and as which product. */
import type { Random } from "../../core/random.ts";
import type { Catalogue, Drug, Product } from "./catalogue.ts";
import { between, chance, geometric } from "./draw.ts";
import type { Visit } from "./life.ts";

const DAY = 1440;
/** Orders of the last day of the dying begin this long after the admission at the earliest. */
const NOT_BEFORE = 3 * DAY;

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
    const days = (visit.discharge - visit.admission) / DAY;
    const more = this.#repeats * (0.25 + 0.11 * Math.min(days, 30));
    for (const drug of visit.drugs) {
      const first = firstStart(visit, random);
      this.#emit(drug, first, visit, random, order);
      for (let n = geometric(random, 1 / (1 + more), 40); n > 0; n--) {
        const start = first + Math.floor(random.uniform() * (visit.discharge - first));
        // A few orders are entered after the patient has left.
        const late = chance(random, 0.012) ? visit.discharge + between(random, 1, 360) : start;
        this.#emit(drug, late, visit, random, order);
      }
    }
    if (!visit.died || visit.discharge - visit.admission < NOT_BEFORE + DAY) return;
    for (const use of this.#terminal) {
      if (!chance(random, use.probability)) continue;
      this.#emit(use.item, visit.discharge - between(random, 60, 1200), visit, random, order);
    }
  }

  #emit(drug: number, start: number, visit: Visit, random: Random, order: TakeOrder): void {
    const { products } = this.#drugs[drug] as Prepared;
    const second = products.length > 1 && chance(random, 0.3);
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
