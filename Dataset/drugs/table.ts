/**
 * The table of ingredients that ships with the project: ingredients.csv beside this file.
 *
 * Columns: `ingredient` (combinations as `a + b`), `atc_code` (empty: known, but without a code for these
 * routes), `routes` (route groups parted by blanks; `*` is every group without a row of its own),
 * `synonyms` (INN, brands, abbreviations, parted by `|`; `brand@group` is used in that place only) and `role`
 * (`carrier`: an infusion fluid, `salt`: what is mostly the salt of another, `generic`: a family's name such as insulin; all give way
 * to any other ingredient in the name).
 * A code has five or seven characters: where ATC has no fifth level (V07AB) the fourth stands.
 */
import { join } from "node:path";
import { type CsvRow, readCsv, rowPlace } from "../../core/csv.ts";
import { BenchError } from "../../core/errors.ts";
import { sha256 } from "../../core/hash.ts";
import { packageRoot } from "../../core/package-root.ts";
import { describeCodes } from "./description.ts";
import { cleanName, wordsOf } from "./normalise.ts";
import { type IngredientTable, type Product, ROLES, type Role } from "./product.ts";
import { ROUTE_GROUPS, type RouteGroup } from "./route.ts";

/** An ATC code of the fourth or fifth level. */
export const ATC_CODE = /^[A-Z]\d{2}[A-Z]{2}(\d{2})?$/;

export const INGREDIENTS_FILE: string = join(packageRoot, "Dataset", "drugs", "ingredients.csv");

const COLUMNS = ["ingredient", "atc_code", "routes", "synonyms", "role"] as const;

interface DraftAlias {
  product: Draft;
  place: RouteGroup | null;
}

interface Draft {
  name: string;
  components: string[];
  role: Role;
  codes: Map<RouteGroup | "*", string | null>;
}

/** Loads and checks the table. @throws BenchError naming file and line when a row breaks a rule above. */
export function loadIngredients(file: string = INGREDIENTS_FILE): IngredientTable {
  const csv = readCsv(file);
  for (const column of COLUMNS) {
    if (!csv.columns.includes(column)) {
      throw new BenchError({
        what: `column "${column}" not found`,
        where: file,
        fix: `give the columns ${COLUMNS.join(", ")}`,
      });
    }
  }
  const drafts = new Map<string, Draft>();
  const aliases = new Map<string, DraftAlias>();
  for (const row of csv.rows) addRow(file, row, drafts, aliases);
  const products = new Map<string, Product>();
  for (const draft of drafts.values()) addProduct(file, draft, aliases, products);
  return {
    products,
    aliases,
    longestAlias: Math.max(...[...aliases.keys()].map((key) => key.split(" ").length)),
    descriptions: describeCodes(products.values()),
    hash: sha256(csv.text),
  };
}

function field(row: CsvRow, name: (typeof COLUMNS)[number]): string {
  return row.fields[name] ?? "";
}

function refuse(file: string, line: number, what: string, fix: string): never {
  throw new BenchError({ what, where: rowPlace(file, line), fix });
}

function addRow(
  file: string,
  row: CsvRow,
  drafts: Map<string, Draft>,
  aliases: Map<string, DraftAlias>,
): void {
  const name = field(row, "ingredient");
  if (name === "") refuse(file, row.line, "a row has no ingredient", "name the ingredient");
  const role = ROLES.find((known) => known === field(row, "role"));
  if (role === undefined) {
    const fix = "use salt, carrier or generic, or leave it empty";
    refuse(file, row.line, `role "${field(row, "role")}" is unknown`, fix);
  }
  let draft = drafts.get(name);
  if (draft === undefined) {
    draft = { name, components: [name], role, codes: new Map() };
    drafts.set(name, draft);
    if (!name.includes(" + ")) addAlias(file, row.line, name, draft, aliases);
  }
  for (const synonym of field(row, "synonyms").split("|")) {
    if (synonym.trim() !== "") addAlias(file, row.line, synonym, draft, aliases);
  }
  addCodes(file, row, draft);
}

function addCodes(file: string, row: CsvRow, draft: Draft): void {
  const code = field(row, "atc_code");
  if (code !== "" && !ATC_CODE.test(code)) {
    refuse(file, row.line, `"${code}" is not an ATC code`, "use a code such as J01XA01");
  }
  for (const route of field(row, "routes").split(/\s+/)) {
    const group = route === "*" ? route : routeGroupNamed(file, row.line, route);
    if (draft.codes.has(group)) {
      const what = `"${draft.name}" has two rows for the route group ${group}`;
      refuse(file, row.line, what, "keep one of them");
    }
    draft.codes.set(group, code === "" ? null : code);
  }
}

function routeGroupNamed(file: string, line: number, name: string): RouteGroup {
  const group = ROUTE_GROUPS.find((known) => known === name);
  const known = `* ${ROUTE_GROUPS.join(" ")}`;
  return group ?? refuse(file, line, `route group "${name}" is unknown`, `use one of: ${known}`);
}

function addAlias(
  file: string,
  line: number,
  text: string,
  draft: Draft,
  aliases: Map<string, DraftAlias>,
): void {
  const [name = "", place] = text.split("@");
  const key = wordsOf(cleanName(name)).join(" ");
  const owner = aliases.get(key)?.product;
  if (key === "" || owner !== undefined) {
    const what = `"${name}" names both "${owner?.name}" and "${draft.name}"`;
    refuse(file, line, what, "give it once");
  }
  aliases.set(key, {
    product: draft,
    place: place === undefined ? null : routeGroupNamed(file, line, place),
  });
}

function addProduct(
  file: string,
  draft: Draft,
  aliases: ReadonlyMap<string, DraftAlias>,
  products: Map<string, Product>,
): void {
  if (draft.name.includes(" + ")) {
    draft.components = draft.name.split(" + ").map((part) => {
      const component = aliases.get(wordsOf(cleanName(part)).join(" "))?.product;
      if (component === undefined || component.name.includes(" + ")) {
        throw new BenchError({
          what: `"${part}" of the combination "${draft.name}" is no ingredient of the table`,
          where: file,
          fix: "add a row for it, with an empty atc_code if it has none",
        });
      }
      return component.name;
    });
    draft.components.sort();
  }
  const key = draft.components.join(" + ");
  const other = products.get(key);
  if (other !== undefined) {
    throw new BenchError({
      what: `"${draft.name}" and "${other.name}" are the same combination`,
      where: file,
      fix: "keep one of them",
    });
  }
  products.set(key, draft);
}
