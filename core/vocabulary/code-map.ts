/**
 * Maps between vocabularies, read from files: the equivalence maps of ICD-9 and ICD-10 (columns icd_9,
 * icd_10, flags) and drug maps (ndc, rxcui; drug or ndc, atc_code). Codes are keyed with their vocabulary.
 */
import { readCsv, rowPlace } from "../csv.ts";
import { BenchError } from "../errors.ts";
import { icdCode, officialCode } from "./codes.ts";

export interface MapTarget {
  readonly code: string;
  /** False where the map itself calls the two the same; true where it does not say. */
  readonly approximate: boolean;
}

export interface CodeMap {
  /** Targets by source code, in the file's order. */
  readonly targets: ReadonlyMap<string, readonly MapTarget[]>;
  /** Source codes that the file says have no counterpart. */
  readonly without: ReadonlySet<string>;
}

/** How a pair of columns is read. */
interface Layout {
  readonly from: string;
  readonly to: string;
  source(text: string): string | null;
  target(text: string): string | null;
}

const drugName = (text: string) =>
  text.trim() === "" ? null : `DRUG/${text.trim().replace(/\s+/g, " ").toLowerCase()}`;

const LAYOUTS: readonly Layout[] = [
  {
    from: "ndc",
    to: "rxcui",
    source: (t) => officialCode("NDC", t),
    target: (t) => officialCode("RxNorm", t),
  },
  { from: "drug", to: "atc_code", source: drugName, target: (t) => officialCode("ATC", t) },
  {
    from: "ndc",
    to: "atc_code",
    source: (t) => officialCode("NDC", t),
    target: (t) => officialCode("ATC", t),
  },
];

/** Equivalence maps of diagnoses and of procedures have the same columns: the ICD-10 code tells which it is. */
const EQUIVALENCE: Readonly<Record<"diagnosis" | "procedure", Layout>> = {
  diagnosis: {
    from: "icd_9",
    to: "icd_10",
    source: (t) => icdCode("ICD9CM", t),
    target: (t) => officialCode("ICD10CM", t),
  },
  procedure: {
    from: "icd_9",
    to: "icd_10",
    source: (t) => icdCode("ICD9Proc", t),
    target: (t) => officialCode("ICD10PCS", t),
  },
};

/** What the equivalence maps write where a code has no counterpart. */
const NO_TARGET: readonly string[] = ["NoDx", "NoPCS"];

function layoutOf(
  columns: readonly string[],
  kind: "diagnosis" | "procedure",
  file: string,
): Layout {
  const found = [EQUIVALENCE[kind], ...LAYOUTS].find(
    ({ from, to }) => columns.includes(from) && columns.includes(to),
  );
  if (found !== undefined) return found;
  throw new BenchError({
    what: `the columns are ${columns.join(", ") || "none"}`,
    where: file,
    fix: "give icd_9, icd_10 and flags; ndc and rxcui; or drug or ndc, and atc_code",
  });
}

/**
 * Reads a map file, `.csv` or `.csv.gz`; which map it is follows from its columns.
 * @param kind what the codes of an ICD map are about
 * @throws BenchError naming file and line for unknown columns or a target that is no code.
 */
export function readCodeMap(file: string, kind: "diagnosis" | "procedure" = "diagnosis"): CodeMap {
  const csv = readCsv(file);
  const layout = layoutOf(csv.columns, kind, file);
  const targets = new Map<string, MapTarget[]>();
  const without = new Set<string>();
  for (const { line, fields } of csv.rows) {
    const source = layout.source(fields[layout.from] ?? "");
    const text = fields[layout.to] ?? "";
    if (source === null) continue; // an unknown NDC, say
    if (text === "" || NO_TARGET.includes(text)) {
      without.add(source);
      continue;
    }
    const code = layout.target(text);
    if (code === null) {
      throw new BenchError({
        what: `"${text}" in column ${layout.to} is no code of its vocabulary`,
        where: rowPlace(file, line),
        fix: "correct the row, or leave the column empty where there is no counterpart",
      });
    }
    const list = targets.get(source) ?? [];
    targets.set(source, list);
    if (!list.some((t) => t.code === code))
      list.push({ code, approximate: fields["flags"]?.[0] !== "0" });
  }
  return { targets, without };
}
