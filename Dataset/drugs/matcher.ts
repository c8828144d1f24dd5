/**
 * A drug's name -> the one product of the ingredient table it can only be. Every word must be accounted
 * for; a word that is neither an alias nor noise makes the name unknown, because a wrong code is worse
 * than none.
 */
import { firstNotBefore } from "../../core/search.ts";
import { isNoise } from "./noise.ts";
import { cleanName, partsOf, wordsOf } from "./normalise.ts";
import type { Alias, IngredientTable, Product, Role } from "./product.ts";
import type { RouteGroup } from "./route.ts";

/** Shortest typing fragment that is completed, in characters. */
const SHORTEST_FRAGMENT = 5;

/** Names with more ingredients than this are lists, not products. */
const MOST_INGREDIENTS = 12;

/** How readily an ingredient is left out of a name's ingredients; infinite for the drug itself. */
const COST: Readonly<Record<Role, number>> = {
  salt: 1,
  carrier: 10,
  generic: 100,
  "": Number.POSITIVE_INFINITY,
};

interface Reading {
  /** Names of the single ingredients found. */
  readonly components: ReadonlySet<string>;
  /** The place that a brand settled, if any did. */
  readonly place: RouteGroup | null;
}

/** Looks names up in one table. */
export class NameMatcher {
  readonly #table: IngredientTable;
  readonly #sortedAliases: readonly string[];

  constructor(table: IngredientTable) {
    this.#table = table;
    this.#sortedAliases = [...table.aliases.keys()].sort();
  }

  /** The product a name means, with the place its words settle; null when unknown or ambiguous. */
  match(name: string): Alias | null {
    const cleaned = cleanName(name);
    const whole = wordsOf(cleaned).join(" ");
    const exact = this.#table.aliases.get(whole);
    if (exact !== undefined) return exact;
    const { outside, inside } = partsOf(cleaned);
    const outer = this.#read(outside);
    if (outer === null && this.#anyAlias(outside)) return this.#complete(whole);
    const readings = [outer, ...inside.map((words) => this.#read(words))].filter((r) => r !== null);
    const all = new Set(readings.flatMap((reading) => [...reading.components]));
    if (all.size === 0) return this.#complete(whole);
    const product = this.#product(all);
    const place = readings.find((reading) => reading.place !== null)?.place ?? null;
    return product === null ? null : { product, place };
  }

  /**
   * Splits words into aliases, longest first, and noise; null when some word is neither, whichever way
   * the words are split.
   */
  #read(words: readonly string[], from = 0): Reading | null {
    if (from === words.length) return { components: new Set(), place: null };
    const most = Math.min(this.#table.longestAlias, words.length - from);
    for (let length = most; length > 0; length--) {
      const alias = this.#table.aliases.get(words.slice(from, from + length).join(" "));
      const rest = alias === undefined ? null : this.#read(words, from + length);
      if (alias === undefined || rest === null) continue;
      return {
        components: new Set([...alias.product.components, ...rest.components]),
        place: alias.place ?? rest.place,
      };
    }
    return isNoise(words[from] as string) ? this.#read(words, from + 1) : null;
  }

  #anyAlias(words: readonly string[]): boolean {
    return words.some((word) => this.#table.aliases.has(word));
  }

  /** The product with exactly these ingredients; else the one that leaves out least of what may give way. */
  #product(components: ReadonlySet<string>): Product | null {
    if (components.size > MOST_INGREDIENTS) return null;
    const names = [...components].sort();
    const costs = names.map((name) => COST[this.#table.products.get(name)?.role ?? ""]);
    let best: Product | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (let left = 0; left < 2 ** names.length - 1; left++) {
      const out = (i: number) => (left & (1 << i)) !== 0;
      const cost = costs.reduce((sum, c, i) => (out(i) ? sum + c : sum), 0);
      if (cost >= least) continue;
      const product = this.#table.products.get(names.filter((_, i) => !out(i)).join(" + "));
      if (product === undefined) continue;
      best = product;
      least = cost;
    }
    return best;
  }

  /** Completes a fragment such as `sodium bicar` when every name that begins so means the same. */
  #complete(fragment: string): Alias | null {
    if (fragment.length < SHORTEST_FRAGMENT) return null;
    let found: Alias | null = null;
    const sorted = this.#sortedAliases;
    const first = firstNotBefore(0, sorted.length, (i) => (sorted[i] as string) < fragment);
    for (let i = first; i < sorted.length; i++) {
      const alias = sorted[i] as string;
      if (!alias.startsWith(fragment)) break;
      const hit = this.#table.aliases.get(alias) as Alias;
      if (found !== null && (hit.product !== found.product || hit.place !== found.place))
        return null;
      found = hit;
    }
    return found;
  }
}
