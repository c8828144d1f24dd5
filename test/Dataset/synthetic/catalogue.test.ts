import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import t from "tap";
import { readCatalogue } from "../../../Dataset/synthetic/catalogue.ts";
import { demoRoot } from "../../support/demo-data.ts";

const catalogue = readCatalogue();

/** Column of an open code list, or undefined where the lists are missing. */
function codeList(file: string, column: string): Set<string> | undefined {
  const path = demoRoot(file);
  if (path === undefined) return undefined;
  const bytes = readFileSync(path);
  const rows: Record<string, string>[] = parse(file.endsWith(".gz") ? gunzipSync(bytes) : bytes, {
    columns: true,
  });
  return new Set(rows.map((row) => row[column] ?? ""));
}

t.test("the catalogue has the promised size", async (t) => {
  const distinct = (codes: readonly string[]) => new Set(codes).size;
  t.ok(distinct(catalogue.variants.map((v) => v.icd9)) > 400, "ICD-9-CM");
  t.ok(distinct(catalogue.variants.map((v) => v.icd10)) > 400, "ICD-10-CM");
  t.ok(distinct(catalogue.procedures.map((p) => p.icd9)) > 80, "ICD-9 procedures");
  t.ok(distinct(catalogue.procedures.map((p) => p.icd10)) > 80, "ICD-10-PCS");
  t.ok(catalogue.drugs.length > 100, "drugs");
});

t.test("causes come before effects and shares add up", async (t) => {
  for (const family of catalogue.families) {
    t.ok(family.causes.every((cause) => cause.family < family.index));
    if (family.variants.length > 0) t.equal(family.cumulative.at(-1), 1, family.name);
  }
});

t.test("families with risk have rare siblings in the category of a common code", async (t) => {
  for (const name of ["heart_failure", "metastasis", "sepsis", "cirrhosis"]) {
    const family = catalogue.families[catalogue.family(name)];
    const codes = (family?.variants ?? []).flatMap((i) => catalogue.variants[i] ?? []);
    const common = new Set(
      codes.filter((v) => !v.rare || !v.unique).map((v) => v.icd10.slice(0, 2)),
    );
    const siblings = codes.filter((v) => v.rare && v.unique && common.has(v.icd10.slice(0, 2)));
    t.ok(siblings.length >= 2, `${name}: ${siblings.length} rare siblings`);
  }
});

t.test("procedure codes and NDCs have their form", async (t) => {
  for (const p of catalogue.procedures) {
    t.match(p.icd9, /^\d{3,4}$/);
    t.match(p.icd10, /^[0-9A-HJ-NP-Z]{7}$/, "no I and no O in ICD-10-PCS");
  }
  for (const product of catalogue.drugs.flatMap((drug) => drug.products)) {
    t.match(product.ndc, /^(0|\d{11})$/);
  }
});

const lists = {
  icd9: codeList("mimic-iii-demo-1.4/D_ICD_DIAGNOSES.csv", "icd9_code"),
  icd10: codeList("maps/icd10cm-order-Jan-2021.csv.gz", "code"),
  procedures9: codeList("mimic-iii-demo-1.4/D_ICD_PROCEDURES.csv", "icd9_code"),
  procedures10: codeList("maps/icd_pcs_9_to_10_mapping.csv.gz", "icd_10"),
  atc: codeList("maps/atc_coding.csv.gz", "atc_code"),
};
const skip = Object.values(lists).includes(undefined) ? "the open code lists are not here" : false;

t.test("all codes exist in the official lists", { skip }, async (t) => {
  const missing = (codes: readonly string[], list: Set<string> | undefined) =>
    [...new Set(codes)].filter((code) => list?.has(code) !== true).sort();
  const undocumented = catalogue.family("undocumented");
  const documented = catalogue.variants.filter((v) => v.family !== undocumented);
  t.same(
    missing(
      documented.map((v) => v.icd9),
      lists.icd9,
    ),
    [],
  );
  t.same(
    missing(
      catalogue.variants.map((v) => v.icd10),
      lists.icd10,
    ),
    [],
  );
  t.same(
    missing(
      catalogue.procedures.map((p) => p.icd9),
      lists.procedures9,
    ),
    [],
  );
  t.same(
    missing(
      catalogue.drugs.map((drug) => drug.atc),
      lists.atc,
    ),
    [],
  );
  // The procedure map is from ICD-9 and lacks codes without a counterpart there.
  const procedures = catalogue.procedures.map((p) => p.icd10);
  t.ok(missing(procedures, lists.procedures10).length < 0.12 * procedures.length);
});

t.test("codes that no dictionary knows are really unknown to it", { skip }, async (t) => {
  const family = catalogue.families[catalogue.family("undocumented")];
  for (const index of family?.variants ?? []) {
    t.notOk(lists.icd9?.has(catalogue.variants[index]?.icd9 ?? ""));
  }
});
