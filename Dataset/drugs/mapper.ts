/** Prescriptions -> ATC codes: the user's map file first, then NDC, then the drug's name. */
import { shortHash } from "../../core/hash.ts";
import { type DrugMap, loadDrugMap, mapKey, mapName } from "./map-file.ts";
import { NameMatcher } from "./matcher.ts";
import { cleanName, normaliseNdc } from "./normalise.ts";
import type { Product } from "./product.ts";
import { BROADER_GROUP, placeOf, type RouteGroup, routeGroup } from "./route.ts";
import { loadIngredients } from "./table.ts";

/** Raised when a name could map to another code although the table is the same. */
const RULES_VERSION = 1;

/** A prescription as its source writes it. */
export interface DrugOrder {
  readonly name: string | null;
  readonly ndc: string | null;
  readonly route: string | null;
}

export interface MappedDrug {
  /** ATC code, level 5 (level 4 where ATC has no fifth or the user's file gives a fourth). */
  readonly atc: string;
  /** `file`: the user's map file; `ndc`: the NDC map; `name`: the shipped table of ingredients. */
  readonly how: "file" | "ndc" | "name";
}

export interface DrugMapper {
  /** The ATC code of one prescription, or null when the drug is unknown or has none. */
  map(drug: DrugOrder): MappedDrug | null;
  /** Readable name of a code of the shipped table, with the place where ATC tells places apart. */
  description(atc: string): string | null;
  /** Hash over the table, the maps and the rules; part of the store's fingerprint. */
  readonly version: string;
}

export interface DrugMapperOptions {
  /** CSV with `drug` and/or `ndc`, and `atc_code`; goes before everything else. */
  readonly mapFile?: string;
  /** CSV with `ndc` and `atc_code`. */
  readonly ndcMapFile?: string;
}

/** @throws BenchError when a map file cannot be read or breaks a rule of map-file.ts. */
export async function createDrugMapper(options: DrugMapperOptions): Promise<DrugMapper> {
  const table = loadIngredients();
  const file = options.mapFile === undefined ? null : loadDrugMap(options.mapFile, "any");
  const ndcs = options.ndcMapFile === undefined ? null : loadDrugMap(options.ndcMapFile, "ndc");
  const matcher = new NameMatcher(table);
  const byName = new Map<string, string | null>();

  function fromName(name: string | null, route: string | null): string | null {
    if (name === null) return null;
    const group = routeGroup(route);
    const key = `${mapName(name)}\t${group ?? ""}`;
    let code = byName.get(key);
    if (code === undefined) {
      const hit = matcher.match(name);
      code = hit && codeAt(hit.product, hit.place ?? placeOf(cleanName(name), group));
      byName.set(key, code);
    }
    return code;
  }

  return {
    map(drug) {
      const ndc = file === null && ndcs === null ? null : normaliseNdc(drug.ndc);
      const ruled = file === null ? null : fromFile(file, mapName(drug.name), ndc);
      if (ruled !== null) return { atc: ruled, how: "file" };
      const coded = ndcs === null || ndc === null ? undefined : ndcs.codes.get(mapKey("", ndc));
      if (coded !== undefined) return { atc: coded, how: "ndc" };
      const named = fromName(drug.name, drug.route);
      return named === null ? null : { atc: named, how: "name" };
    },
    description: (atc) => table.descriptions.get(atc) ?? null,
    version: shortHash([RULES_VERSION, table.hash, file?.hash ?? null, ndcs?.hash ?? null]),
  };
}

/** The most specific row: name and NDC, then NDC, then name. */
function fromFile(map: DrugMap, name: string, ndc: string | null): string | null {
  const keys = [mapKey(name, ndc)];
  if (ndc !== null) keys.push(mapKey("", ndc), mapKey(name, null));
  for (const key of keys) {
    const code = map.codes.get(key);
    if (code !== undefined) return code;
  }
  return null;
}

/** The product's code for a place: the place's own, then the broader place's, then the default. */
function codeAt(product: Product, place: RouteGroup | null): string | null {
  for (let group = place; group !== null; group = BROADER_GROUP[group] ?? null) {
    const code = product.codes.get(group);
    if (code !== undefined) return code;
  }
  return product.codes.get("*") ?? null;
}
