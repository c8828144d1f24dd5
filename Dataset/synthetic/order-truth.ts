/**
 * How probable each drug of a visit was, beside the twin's tables: one row a visit, and the products under
 * which the drugs are ordered. Drugs of a visit are independent of each other given its row.
 */
import type { Catalogue } from "./catalogue.ts";
import { csv } from "./layout.ts";
import type { TwinLayout } from "./options.ts";
import type { OrderChances } from "./schedule.ts";
import type { AddRows } from "./table-set.ts";

const ORDERS = "truth_orders";
const PRODUCTS = "truth_products";
const MILLION = 1e6;

/** Names of the tables without their ending -> header line. */
export function orderTruthHeaders(catalogue: Catalogue): Readonly<Record<string, string>> {
  const drugs = catalogue.drugs.map((_, drug) => `drug_${drug}`);
  return {
    [ORDERS]: `subject_id,hadm_id,any_order,first_product,second_product,${drugs.join(",")}`,
    [PRODUCTS]: "drug,product,name,ndc,route",
  };
}

/** Adds what the columns of the other table mean: name, NDC and route as the layout's orders have them. */
export function addProducts(add: AddRows, catalogue: Catalogue, layout: TwinLayout): void {
  for (const [number, drug] of catalogue.drugs.entries()) {
    const name = csv(layout === "mimic3" ? drug.mimic3Name : drug.name);
    drug.products.forEach((product, i) => {
      add(PRODUCTS, `${number},${i},${name},${product.ndc},${csv(product.route)}\n`, 1);
    });
  }
}

/** Adds the row of one visit; probabilities have six decimals. */
export function addOrderTruth(
  add: AddRows,
  subject: number,
  admission: number,
  { any, first, second, drugs }: OrderChances,
): void {
  let line = `${subject},${admission},${decimals(any)},${decimals(first)},${decimals(second)}`;
  for (const p of drugs) line += `,${decimals(p)}`;
  add(ORDERS, `${line}\n`, 1);
}

/** As `toFixed(6)` without trailing text for 0 and 1; several times as fast, which counts here. */
function decimals(p: number): string {
  const millionths = Math.round(p * MILLION);
  if (millionths === 0) return "0";
  return millionths === MILLION ? "1" : `0.${String(MILLION + millionths).slice(1)}`;
}
