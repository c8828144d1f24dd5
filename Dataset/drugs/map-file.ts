/**
 * Map files a user brings: `drug` and/or `ndc`, and `atc_code`. A row with both applies to that name
 * under that NDC; with one, to every order with it. Names match whatever their case and blanks.
 */

import { type CsvFile, type CsvRow, readCsv, rowPlace } from "../../core/csv.ts";
import { BenchError } from "../../core/errors.ts";
import { sha256 } from "../../core/hash.ts";
import { normaliseNdc } from "./normalise.ts";
import { ATC_CODE } from "./table.ts";

export interface DrugMap {
  /** Key of `mapKey` -> ATC code. */
  readonly codes: ReadonlyMap<string, string>;
  readonly hash: string;
}

/** A drug's name as map files are compared: lower case, single blanks. */
export function mapName(name: string | null): string {
  return name?.trim().replace(/\s+/g, " ").toLowerCase() ?? "";
}

/** Key of a row with this name (from `mapName`, "" for none) and this NDC (null for none). */
export function mapKey(name: string, ndc: string | null): string {
  return `${name}\t${ndc ?? ""}`;
}

/**
 * Reads a map file; `required` are columns it must have besides `atc_code` (`any`: drug or ndc).
 * @throws BenchError naming file and line for a missing column, an empty key, a malformed NDC or ATC code,
 * and a key that is given twice.
 */
export function loadDrugMap(file: string, required: "any" | "ndc"): DrugMap {
  const csv = readCsv(file);
  checkColumns(csv, required);
  const codes = new Map<string, string>();
  const lines = new Map<string, number>();
  for (const row of csv.rows) {
    const key = keyOf(csv.file, row, required);
    const code = codeOf(csv.file, row);
    const earlier = codes.get(key);
    if (earlier !== undefined) {
      const same = earlier === code ? "again" : `as ${code} and as ${earlier}`;
      throw new BenchError({
        what: `"${key.trim().replace("\t", ", ")}" is mapped ${same}, see also line ${lines.get(key)}`,
        where: rowPlace(csv.file, row.line),
        fix: "keep one row for each drug",
      });
    }
    codes.set(key, code);
    lines.set(key, row.line);
  }
  return { codes, hash: sha256(csv.text) };
}

function checkColumns(csv: CsvFile, required: "any" | "ndc"): void {
  const has = (column: string) => csv.columns.includes(column);
  const keyed = required === "ndc" ? has("ndc") : has("drug") || has("ndc");
  if (keyed && has("atc_code")) return;
  throw new BenchError({
    what: `the columns are ${csv.columns.join(", ") || "none"}`,
    where: csv.file,
    fix: required === "ndc" ? "give ndc and atc_code" : "give drug or ndc or both, and atc_code",
  });
}

function keyOf(file: string, row: CsvRow, required: "any" | "ndc"): string {
  const name = required === "ndc" ? "" : mapName(row.fields["drug"] ?? null);
  const text = row.fields["ndc"] ?? "";
  const ndc = normaliseNdc(text);
  if (text !== "" && ndc === null) {
    throw new BenchError({
      what: `"${text}" is not an NDC`,
      where: rowPlace(file, row.line),
      fix: "use 11 digits, or segments with hyphens such as 0338-0049-04",
    });
  }
  if (name === "" && ndc === null) {
    throw new BenchError({
      what: "the row names no drug",
      where: rowPlace(file, row.line),
      fix: required === "ndc" ? "fill in ndc" : "fill in drug or ndc",
    });
  }
  return mapKey(name, ndc);
}

function codeOf(file: string, row: CsvRow): string {
  const code = row.fields["atc_code"]?.toUpperCase() ?? "";
  if (ATC_CODE.test(code)) return code;
  throw new BenchError({
    what: `"${code}" is not an ATC code of the fourth or fifth level`,
    where: rowPlace(file, row.line),
    fix: "use a code such as J01XA01",
  });
}
