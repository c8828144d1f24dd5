/**
 * Name -> definition. One generic registry serves datasets, tasks, tokenizers and models: a second
 * owner of a name is refused, and an unknown name is answered with the nearest ones.
 */
import { distance } from "fastest-levenshtein";
import { BenchError } from "./errors.ts";

/** The least a registered definition has. */
export interface Named {
  readonly name: string;
}

/** The candidates nearest to `name` by edit distance, best first, at most three. */
export function nearest(name: string, candidates: readonly string[]): string[] {
  const limit = Math.max(2, Math.ceil(name.length / 2));
  return candidates
    .map((candidate) => ({ candidate, d: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ d }) => d <= limit)
    .sort((a, b) => a.d - b.d || a.candidate.localeCompare(b.candidate))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** An error for an unknown name of some kind, with suggestions and the whole list. */
export function unknownName(kind: string, name: string, known: readonly string[]): BenchError {
  const near = nearest(name, known);
  const hint = near.length > 0 ? `did you mean ${near.map((n) => `"${n}"`).join(" or ")}? ` : "";
  return new BenchError({
    what: `unknown ${kind} "${name}"`,
    fix: known.length === 0 ? "leave it out: there are none" : `${hint}known: ${known.join(", ")}`,
    exitCode: 2,
  });
}

/** An immutable list of definitions of one kind, in the order they were listed. */
export class Registry<T extends Named> {
  readonly #items: ReadonlyMap<string, T>;
  readonly kind: string;

  /** @throws when two definitions have the same name. */
  constructor(kind: string, items: readonly T[]) {
    this.kind = kind;
    const map = new Map<string, T>();
    for (const item of items) {
      if (map.has(item.name)) throw new Error(`two ${kind} definitions are named "${item.name}"`);
      map.set(item.name, item);
    }
    this.#items = map;
  }

  get names(): string[] {
    return [...this.#items.keys()];
  }

  get all(): T[] {
    return [...this.#items.values()];
  }

  /** @throws BenchError with suggestions when the name is unknown. */
  get(name: string): T {
    const item = this.#items.get(name);
    if (item === undefined) throw unknownName(this.kind, name, this.names);
    return item;
  }
}
