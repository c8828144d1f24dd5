/**
 * The true probability of labels that say which drugs were ordered in a stay. Drugs of a visit are
 * independent given its row of `true_orders`, and a drug of two products is ordered as the first, the second
 * or both, so with `c_d` the probability that an ordered drug d is (also) of a product of the class,
 *
 *   P(class | some order) = (1 - Π_d (1 - p_d c_d)) / P(some order).
 *
 * The condition is the cohort's: stays without any order are no samples. It is a factor common to all classes
 * of a visit, but another one in each visit, so it moves ranks.
 */
import type { EventStore } from "../core/event-store.ts";

/** Which products of a drug make a class positive. */
type Part = "all" | "first" | "second";

export interface OrderTruth {
  /** Of each class the drugs that can make it positive; none where no drug can. [C] */
  readonly drugsOf: ReadonlyMap<number, readonly { readonly drug: number; readonly part: Part }[]>;
  /** Probability of each of these drugs per sample, [S]; NaN where the twin states none. */
  readonly chances: ReadonlyMap<number, Float32Array>;
  readonly anyOrder: Float64Array; // [S]
  readonly first: Float64Array; // [S]
  readonly second: Float64Array; // [S]
}

/**
 * Reads what one task needs of the truth.
 * @param products SQL of the task, see `TaskDefinition.trueOrders`
 * @param visits index visit of each sample, [S], no visit twice
 */
export async function readOrderTruth(
  store: EventStore,
  products: string,
  visits: Float64Array,
): Promise<OrderTruth> {
  const drugsOf = await classDrugs(store, products);
  const drugs = [...new Set([...drugsOf.values()].flat().map(({ drug }) => drug))];
  const unknown = () => new Float64Array(visits.length).fill(Number.NaN);
  const chances = new Map(
    drugs.map((drug) => [drug, new Float32Array(visits.length).fill(Number.NaN)]),
  );
  const truth = { drugsOf, chances, anyOrder: unknown(), first: unknown(), second: unknown() };
  const targets: [string, Float64Array | Float32Array][] = [
    ["any_order", truth.anyOrder],
    ["first_product", truth.first],
    ["second_product", truth.second],
    ...[...chances].map(([drug, out]): [string, Float32Array] => [`drug_${drug}`, out]),
  ];
  const sampleOf = new Map(Array.from(visits, (visit, sample) => [visit, sample]));
  const columns = targets.map(([name]) => name).join(", ");
  await store.stream(`SELECT visit_id, ${columns} FROM true_orders`, (block) => {
    const samples = Array.from(block.numbers("visit_id"), (visit) => sampleOf.get(visit) ?? -1);
    for (const [name, out] of targets) {
      const values = block.numbers(name);
      samples.forEach((sample, row) => {
        if (sample >= 0) out[sample] = values[row] as number;
      });
    }
  });
  return truth;
}

async function classDrugs(store: EventStore, products: string): Promise<OrderTruth["drugsOf"]> {
  const found = await store.query(`WITH of_class AS (${products})
    SELECT c.class, c.drug, count(DISTINCT c.product) AS products, min(c.product) AS first,
      any_value(d.products) AS made
    FROM of_class c
    JOIN (SELECT drug, count(*) AS products FROM true_products GROUP BY drug) d ON d.drug = c.drug
    GROUP BY c.class, c.drug ORDER BY c.class, c.drug`);
  const [classes, drugs, counts, firsts, made] = ["class", "drug", "products", "first", "made"].map(
    (name) => found.numbers(name),
  );
  const drugsOf = new Map<number, { drug: number; part: Part }[]>();
  for (let i = 0; i < found.rowCount; i++) {
    const one: Part = firsts?.[i] === 0 ? "first" : "second";
    const part = counts?.[i] === made?.[i] ? "all" : one;
    const index = classes?.[i] as number;
    const ofClass = drugsOf.get(index) ?? [];
    drugsOf.set(index, [...ofClass, { drug: drugs?.[i] as number, part }]);
  }
  return drugsOf;
}

/** True probability of a class given that something was ordered, [S]; NaN where the twin states none. */
export function riskOfClass(truth: OrderTruth, index: number): Float64Array {
  const { anyOrder, first, second, chances } = truth;
  const none = new Float64Array(anyOrder.length).fill(1);
  for (const { drug, part } of truth.drugsOf.get(index) ?? []) {
    const p = chances.get(drug) as Float32Array;
    for (let s = 0; s < none.length; s++) {
      let counts = 1;
      if (part !== "all") counts = (part === "first" ? first : second)[s] as number;
      none[s] = (none[s] as number) * (1 - (p[s] as number) * counts);
    }
  }
  // Stated with six decimals each, so that the ratio can exceed 1 by a millionth.
  return none.map((x, s) => Math.min(1, (1 - x) / (anyOrder[s] as number)));
}
