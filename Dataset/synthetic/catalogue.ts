/**
 * The catalogue of the generator: condition families with their codes, the drugs and procedures that
 * follow them, read from the CSV files in catalogue/. Codes and their names are those of ICD-9-CM,
 * ICD-10-CM, ICD-10-PCS and ATC; shares, probabilities and effects are made up.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { packageRoot } from "../../core/package-root.ts";

const FOLDER = join(packageRoot, "Dataset", "synthetic", "catalogue");

/** `elective`: a reason for a planned admission; `special`: drawn by rules of its own. */
export type FamilyKind = "chronic" | "elective" | "acute" | "special";

/** A use of a drug or procedure: its index and the probability that the family alone leads to it. */
export interface Use {
  readonly item: number;
  readonly probability: number;
}

export interface Family {
  readonly name: string;
  readonly index: number;
  readonly kind: FamilyKind;
  /** Log-odds of having it at age 60, sex male, average frailty and none of its causes. */
  readonly logit: number;
  /** Log-odds per ten years of age, for women, and per standard deviation of frailty. */
  readonly age: number;
  readonly female: number;
  readonly frailty: number;
  /** Probability that a visit's record states it. */
  readonly recorded: number;
  /** Log-odds of dying in the next admission and of an early readmission. */
  readonly death: number;
  readonly readmit: number;
  /** Log of the factor on the length of stay; log-odds of needing intensive care. */
  readonly stay: number;
  readonly icu: number;
  /** Indices into `Catalogue.variants`. */
  readonly variants: readonly number[];
  /** Cumulative shares of the variants, ending in 1. */
  readonly cumulative: readonly number[];
  /** Families that make this one likelier, always of lower index. */
  readonly causes: readonly { readonly family: number; readonly logOdds: number }[];
  /** Family that is coded instead when both are present, or -1. */
  readonly replacedBy: number;
  readonly drugs: readonly Use[];
  /** Share of a drug's other uses that this family rules out. */
  readonly avoids: readonly Use[];
  readonly procedures: readonly Use[];
}

/** One code of a family, in both versions of the classification. */
export interface Variant {
  readonly family: number;
  readonly icd9: string;
  readonly title9: string;
  readonly icd10: string;
  readonly title10: string;
  /** Under 6 % of its family. */
  readonly rare: boolean;
  /** Neither code is shared with another variant. */
  readonly unique: boolean;
}

export interface Procedure {
  readonly icd9: string;
  readonly title9: string;
  readonly icd10: string;
  readonly title10: string;
}

export interface Product {
  readonly formulary: string;
  readonly gsn: string;
  readonly ndc: string;
  readonly strength: string;
  readonly dose: string;
  readonly doseUnit: string;
  readonly formAmount: string;
  readonly formUnit: string;
  readonly route: string;
  readonly perDay: string;
}

export interface Drug {
  readonly name: string;
  /** Name as MIMIC-III writes it. */
  readonly mimic3Name: string;
  readonly atc: string;
  /** Probability that a drug of the last visit is ordered again for this reason alone. */
  readonly kept: number;
  /** Probability without any reason. */
  readonly always: number;
  readonly products: readonly Product[];
}

export interface Catalogue {
  readonly families: readonly Family[];
  readonly variants: readonly Variant[];
  readonly procedures: readonly Procedure[];
  readonly drugs: readonly Drug[];
  /** Index of a family. @throws when there is none of this name. */
  family(name: string): number;
}

type Row = Readonly<Record<string, string>>;

function read(file: string): Row[] {
  return parse(readFileSync(join(FOLDER, file)), { columns: true });
}

function field(row: Row, name: string): string {
  const value = row[name];
  if (value === undefined) throw new Error(`catalogue: a row lacks the column ${name}`);
  return value;
}

const number = (row: Row, name: string): number => Number(field(row, name));
const logit = (p: number): number => Math.log(p / (1 - p));

/** Groups by a column, in order of first appearance. */
function groupBy(rows: readonly Row[], column: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = field(row, column);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

function readDrugs(): { drugs: Drug[]; uses: Map<string, Use[]> } {
  const uses = new Map<string, Use[]>();
  const drugs = [...groupBy(read("drugs.csv"), "drug").values()].map((rows, item): Drug => {
    const first = rows[0] as Row;
    let always = 0;
    for (const use of field(first, "given_for").split(" ")) {
      const [family = "", percent] = use.split(":");
      const probability = Number(percent) / 100;
      if (family === "always") always = probability;
      else uses.set(family, [...(uses.get(family) ?? []), { item, probability }]);
    }
    return {
      name: field(first, "drug"),
      mimic3Name: field(first, "mimic3_drug") || field(first, "drug"),
      atc: field(first, "atc"),
      kept: number(first, "kept_percent") / 100,
      always,
      products: rows.map((row) => ({
        formulary: field(row, "formulary"),
        gsn: field(row, "gsn"),
        ndc: field(row, "ndc"),
        strength: field(row, "strength"),
        dose: field(row, "dose"),
        doseUnit: field(row, "dose_unit"),
        formAmount: field(row, "form_amount"),
        formUnit: field(row, "form_unit"),
        route: field(row, "route"),
        perDay: field(row, "per_day"),
      })),
    };
  });
  return { drugs, uses };
}

function readProcedures(): { procedures: Procedure[]; uses: Map<string, Use[]> } {
  const uses = new Map<string, Use[]>();
  const procedures: Procedure[] = [];
  const known = new Map<string, number>();
  for (const row of read("procedures.csv")) {
    const key = `${field(row, "icd9")} ${field(row, "icd10")}`;
    let item = known.get(key);
    if (item === undefined) {
      item = procedures.length;
      known.set(key, item);
      procedures.push({
        icd9: field(row, "icd9"),
        title9: field(row, "title9"),
        icd10: field(row, "icd10"),
        title10: field(row, "title10"),
      });
    }
    const family = field(row, "family");
    const use = { item, probability: number(row, "percent") / 100 };
    uses.set(family, [...(uses.get(family) ?? []), use]);
  }
  return { procedures, uses };
}

const RARE_SHARE = 0.06;

/** Whether a code occurs in one row of the catalogue only, per version. */
function uniqueCodes(rows: readonly Row[]): (row: Row) => boolean {
  const counts = new Map<string, number>();
  const keys = (row: Row) => [`9 ${field(row, "icd9")}`, `10 ${field(row, "icd10")}`];
  for (const key of rows.flatMap(keys)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return (row) => keys(row).every((key) => counts.get(key) === 1);
}

function readVariants(familyIndex: ReadonlyMap<string, number>, even: boolean) {
  const variants: Variant[] = [];
  const byFamily = new Map<string, { indices: number[]; cumulative: number[] }>();
  const all = read("diagnoses.csv");
  const unique = uniqueCodes(all);
  for (const [family, rows] of groupBy(all, "family")) {
    const total = rows.reduce((sum, row) => sum + number(row, "share"), 0);
    const group = { indices: [] as number[], cumulative: [] as number[] };
    let sum = 0;
    for (const row of rows) {
      const share = number(row, "share") / total;
      sum += even ? 1 / rows.length : share;
      group.indices.push(variants.length);
      group.cumulative.push(sum);
      variants.push({
        family: familyIndex.get(family) ?? -1,
        icd9: field(row, "icd9"),
        title9: field(row, "title9"),
        icd10: field(row, "icd10"),
        title10: field(row, "title10"),
        rare: share < RARE_SHARE,
        unique: unique(row),
      });
    }
    group.cumulative[group.cumulative.length - 1] = 1;
    byFamily.set(family, group);
  }
  return { variants, byFamily };
}

/** Reads the catalogue; about 100 kB, a few milliseconds. `even`: as if all codes of a family were equally frequent. */
export function readCatalogue(even = false): Catalogue {
  const rows = read("families.csv");
  const index = new Map(rows.map((row, i) => [field(row, "family"), i] as const));
  const familyOf = (name: string): number => {
    const i = index.get(name);
    if (i === undefined) throw new Error(`catalogue: there is no family ${name}`);
    return i;
  };
  const { variants, byFamily } = readVariants(index, even);
  const drugs = readDrugs();
  const procedures = readProcedures();
  const links = groupBy(read("links.csv"), "effect");
  const families = rows.map((row, i): Family => {
    const name = field(row, "family");
    const codes = byFamily.get(name);
    const replacedBy = field(row, "replaced_by");
    const percent = number(row, "percent");
    const causes = (links.get(name) ?? []).map((link) => ({
      family: familyOf(field(link, "cause")),
      logOdds: number(link, "log_odds"),
    }));
    if (causes.some((cause) => cause.family >= i))
      throw new Error(`catalogue: a cause of ${name} comes after it`);
    return {
      name,
      index: i,
      kind: field(row, "kind") as FamilyKind,
      logit: percent > 0 && percent < 100 ? logit(percent / 100) : Number.NEGATIVE_INFINITY,
      age: number(row, "age"),
      female: number(row, "female"),
      frailty: number(row, "frailty"),
      recorded: number(row, "recorded"),
      death: number(row, "death"),
      readmit: number(row, "readmit"),
      stay: number(row, "stay"),
      icu: number(row, "icu"),
      variants: codes?.indices ?? [],
      cumulative: codes?.cumulative ?? [],
      causes,
      replacedBy: replacedBy === "" ? -1 : familyOf(replacedBy),
      drugs: drugs.uses.get(name) ?? [],
      avoids: drugs.uses.get(`-${name}`) ?? [],
      procedures: procedures.uses.get(name) ?? [],
    };
  });
  return {
    families,
    variants,
    procedures: procedures.procedures,
    drugs: drugs.drugs,
    family: familyOf,
  };
}
