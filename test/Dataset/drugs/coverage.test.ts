import t, { type Test } from "tap";
import { createDrugMapper, type DrugMapper } from "../../../Dataset/drugs/index.ts";
import { NameMatcher } from "../../../Dataset/drugs/matcher.ts";
import type { Product } from "../../../Dataset/drugs/product.ts";
import { loadIngredients } from "../../../Dataset/drugs/table.ts";
import { demoRoot } from "../../support/demo-data.ts";
import {
  bareName,
  gather,
  JUDGE_IS_WRONG,
  LATER_CODES,
  NAMED_OTHERWISE,
  readRows,
} from "./judged-maps.ts";

const demos = {
  "MIMIC-III": demoRoot("mimic-iii-demo-1.4/PRESCRIPTIONS.csv"),
  "MIMIC-IV": demoRoot("mimic-iv-demo-2.2/hosp/prescriptions.csv.gz"),
} as const;
const nameMap = demoRoot("maps/mimic_drug_to_atc.csv.gz");
const atcList = demoRoot("maps/atc_coding.csv.gz");
const table = loadIngredients();
const matcher = new NameMatcher(table);
const mapper: DrugMapper = await createDrugMapper({});

/** Rows of drugs that the judge's map knows, and what became of them. */
interface Judgement {
  judged: number;
  mapped: number;
  /** Share a code of the judge's to level 5, 4 and 3. */
  level5: number;
  level4: number;
  level3: number;
  /** Share level 3, or the judge's code is the same ingredient in another place or one part of it. */
  ingredient: number;
  readonly disagreements: Map<string, number>;
}

const products = new Map<string, Product | undefined>();

function productOf(name: string): Product | undefined {
  if (!products.has(name)) products.set(name, matcher.match(name)?.product);
  return products.get(name);
}

function skip(t: Test, why: string): void {
  t.pass(why, { skip: why });
}

function shares(product: Product | undefined, other: Product): boolean {
  return product?.components.some((component) => other.components.includes(component)) ?? false;
}

/** Whether one of the judge's codes names the product or a part of it, whatever the place. */
function namesIt(codes: readonly string[], names: ReadonlyMap<string, string[]>, product: Product) {
  const texts = codes.flatMap((code) => names.get(code) ?? []);
  return texts.some((text) =>
    [text, bareName(text)].some((name) => shares(productOf(name), product)),
  );
}

function judge(
  rows: readonly Record<string, string>[],
  codes: ReadonlyMap<string, string[]>,
  names: ReadonlyMap<string, string[]>,
): Judgement {
  const result = { judged: 0, mapped: 0, level5: 0, level4: 0, level3: 0, ingredient: 0 };
  const disagreements = new Map<string, number>();
  for (const row of rows) {
    const name = row["drug"] ?? "";
    const theirs = codes.get(name.toLowerCase());
    if (theirs === undefined) continue;
    result.judged++;
    const ours = mapper.map({ name, ndc: row["ndc"] ?? null, route: row["route"] ?? null })?.atc;
    if (ours === undefined) continue;
    result.mapped++;
    const same = (length: number) =>
      theirs.some((code) => code.slice(0, length) === ours.slice(0, length));
    result.level5 += Number(same(7));
    result.level4 += Number(same(5));
    result.level3 += Number(same(4));
    const product = productOf(name) as Product;
    const ingredient = same(4) || namesIt(theirs, names, product);
    result.ingredient += Number(ingredient);
    if (!ingredient) {
      const key = `${name.toLowerCase()} ${ours}, judge ${theirs.join(" ")}`;
      disagreements.set(key, (disagreements.get(key) ?? 0) + 1);
    }
  }
  return { ...result, disagreements };
}

for (const [source, file] of Object.entries(demos)) {
  t.test(`drugs with an ATC code map in the ${source} demo`, async (t) => {
    if (file === undefined || nameMap === undefined || atcList === undefined) {
      return skip(t, "the open demo data and maps are not beside this checkout");
    }
    const codes = gather(readRows(nameMap), (row) => (row["drug"] ?? "").toLowerCase(), "atc_code");
    const names = gather(readRows(atcList), (row) => row["atc_code"] ?? "", "atc_name");
    const { judged, mapped, level5, level4, level3, ingredient, disagreements } = judge(
      readRows(file),
      codes,
      names,
    );
    const share = (n: number) => Number((n / mapped).toFixed(4));
    t.comment(
      `${mapped} of ${judged} rows map; the judge agrees to level 5 in ${share(level5)}, level 4 in ` +
        `${share(level4)}, level 3 in ${share(level3)}, on the ingredient in ${share(ingredient)}`,
    );
    const unexplained = [...disagreements].filter(
      ([what]) => !JUDGE_IS_WRONG.some(([name]) => name.test(what)),
    );
    const unexplainedRows = unexplained.reduce((sum, [, rows]) => sum + rows, 0);
    for (const [what, rows] of unexplained) t.comment(`${rows} rows: ${what}`);
    t.ok(judged > 9000, "the judge knows most rows");
    t.ok(mapped / judged >= 0.99, `${mapped} of ${judged} rows map`);
    t.ok(share(ingredient) >= 0.94, `ingredient ${share(ingredient)}`);
    t.ok(unexplainedRows / mapped <= 0.002, `${unexplainedRows} rows differ for no known reason`);
    // The judge knows no route and gives most drugs the first code of their ingredient, e.g. A12CA01
    // (oral salt tablets) to saline infusions and A07EA03 (gut) to prednisone; hence the low bound.
    t.ok(share(level3) >= 0.6, `level 3 ${share(level3)}`);
  });
}

function complaint(product: Product, code: string, names: ReadonlyMap<string, string[]>) {
  if (LATER_CODES.includes(code)) return null;
  const own = names.get(code);
  if (own === undefined) return `${product.name}: ${code} is no ATC code`;
  if (code.length < 7 || NAMED_OTHERWISE.has(`${code} ${product.name}`)) return null;
  return namesIt([code], names, product) ? null : `${product.name}: ${code} is ${own.join("; ")}`;
}

t.test("every code of the table is one of ATC's and carries the ingredient's name", async (t) => {
  if (atcList === undefined) {
    return skip(t, "the list of ATC codes is not beside this checkout");
  }
  const names = gather(readRows(atcList), (row) => row["atc_code"] ?? "", "atc_name");
  const complaints = [...table.products.values()].flatMap((product) =>
    [...new Set(product.codes.values())].map((code) =>
      code === null ? null : complaint(product, code, names),
    ),
  );
  t.same(
    complaints.filter((text) => text !== null),
    [],
  );
  for (const code of LATER_CODES) {
    t.ok(
      table.descriptions.has(code) && !names.has(code),
      `${code} is used and later than the list`,
    );
  }
});

const FIVE = [
  { atc: "J01XA01", name: /^vancomycin/, not: /oral|enema|capsule|lock|ophth|ear drops|intra/ },
  { atc: "J01MA12", name: /^levofloxacin/, not: null },
  { atc: "B01AB01", name: /^heparin/, not: null },
  { atc: "C07AB02", name: /^(metoprolol|toprol)/, not: null },
  { atc: "C10AA05", name: /^(atorvastatin|lipitor)/, not: null },
] as const;
const EYE = /^(ou|od|os|both eyes|left eye|right eye)$/i;
const GUT = /^(po|po\/ng|ng|og|oral|j tube|pr)$/i;

for (const [source, file] of Object.entries(demos)) {
  t.test(
    `the five drugs of drugrec are found by name and by code alike in ${source}`,
    async (t) => {
      if (file === undefined) return skip(t, "the open demo data are not beside this checkout");
      const rows = readRows(file);
      for (const { atc, name, not } of FIVE) {
        const differing = rows.filter((row) => {
          const text = (row["drug"] ?? "").toLowerCase();
          const route = row["route"] ?? "";
          const elsewhere = EYE.test(route) || (atc === "J01XA01" && GUT.test(route));
          const byName = name.test(text) && !not?.test(text) && !elsewhere;
          return byName !== (mapper.map({ name: text, ndc: null, route })?.atc === atc);
        });
        t.same(
          differing.map((row) => row["drug"]),
          [],
          atc,
        );
      }
    },
  );
}
