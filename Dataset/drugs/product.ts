/** What the table of ingredients says of a drug and of a name. */
import type { RouteGroup } from "./route.ts";

/** What an ingredient may be besides a drug. */
export const ROLES = ["", "salt", "carrier", "generic"] as const;
export type Role = (typeof ROLES)[number];

/** One ingredient or one fixed combination. */
export interface Product {
  readonly name: string;
  /** Names of single ingredients, sorted; one for an ingredient. */
  readonly components: readonly string[];
  readonly role: Role;
  /** Code by place, null where there is none; `*` is any other place. */
  readonly codes: ReadonlyMap<RouteGroup | "*", string | null>;
}

/** What one name stands for. */
export interface Alias {
  readonly product: Product;
  /** The place that the name itself settles, as `timoptic` does; null for most. */
  readonly place: RouteGroup | null;
}

export interface IngredientTable {
  /** By name of an ingredient, or by the sorted names of a combination's ingredients joined with ` + `. */
  readonly products: ReadonlyMap<string, Product>;
  /** Words of a name, joined by blanks. */
  readonly aliases: ReadonlyMap<string, Alias>;
  /** Words in the longest alias. */
  readonly longestAlias: number;
  /** Code -> readable name. */
  readonly descriptions: ReadonlyMap<string, string>;
  readonly hash: string;
}
