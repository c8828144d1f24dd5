/**
 * Readable names of the codes in the table of ingredients. ATC's own names are not used: they are US
 * names here, and say the place where one ingredient has a code for each place.
 */
import type { Product } from "./product.ts";

interface Use {
  readonly product: Product;
  /** The places this code stands for, empty when it is the product's default code. */
  readonly places: readonly string[];
}

/** Code -> name, for every code of these products. */
export function describeCodes(products: Iterable<Product>): Map<string, string> {
  const uses = new Map<string, Use[]>();
  for (const product of products) {
    for (const code of new Set(product.codes.values())) {
      if (code === null) continue;
      const groups = [...product.codes].filter(([, own]) => own === code).map(([group]) => group);
      const places = groups.includes("*") ? [] : groups;
      uses.set(code, [...(uses.get(code) ?? []), { product, places }]);
    }
  }
  return new Map([...uses].map(([code, shared]) => [code, describe(shared)]));
}

/** A code that several combinations share is named after what they have in common. */
function describe(uses: readonly Use[]): string {
  const single = uses.find((use) => use.product.components.length === 1);
  const first = single ?? (uses[0] as Use);
  const place = first.places.length === 0 ? "" : ` (${first.places.join(", ")})`;
  if (single !== undefined || uses.length === 1) return `${named(first.product)}${place}`;
  const common = first.product.components.filter((component) =>
    uses.every((use) => use.product.components.includes(component)),
  );
  if (common.length > 0) return `${listed(common)}, combinations${place}`;
  return uses.map((use) => named(use.product)).join("; or ") + place;
}

function named(product: Product): string {
  return listed(product.name.split(" + "));
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
