/**
 * From bare strings to `VOCABULARY/CODE` in the official notation. Sources write ICD codes without dots;
 * where a dot belongs depends on vocabulary and kind, which is why the bare string is never a key: `E8809`
 * is a fall in ICD-9-CM and a protein disorder in ICD-10-CM.
 */

export type IcdVocabulary = "ICD9CM" | "ICD9Proc" | "ICD10CM" | "ICD10PCS";

/** Names under which vocabularies are known elsewhere, letters and digits only, lower case. */
const ALIASES: Readonly<Record<string, string>> = {
  icd9: "ICD9CM",
  icd9cm: "ICD9CM",
  icd9proc: "ICD9Proc",
  icd9pcs: "ICD9Proc",
  icd10: "ICD10CM",
  icd10cm: "ICD10CM",
  icd10pcs: "ICD10PCS",
  atc: "ATC",
  ndc: "NDC",
  drug: "DRUG",
  rxnorm: "RxNorm",
  snomed: "SNOMED",
  snomedct: "SNOMED",
  loinc: "LOINC",
  cpt4: "CPT4",
  cpt: "CPT4",
  hcpcs: "HCPCS",
};

/** What an official code looks like, dots taken out, where that can be told. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  ICD9CM: /^(\d{3}|V\d{2}|E\d{3})\d{0,2}$/,
  ICD9Proc: /^\d{2,4}$/,
  ICD10CM: /^[A-Z]\d[0-9A-Z][0-9A-Z]{0,4}$/,
  ICD10PCS: /^[0-9A-HJ-NP-Z]{7}$/,
  ATC: /^[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?$/,
  NDC: /^\d{11}$/,
};
const NDC_DIGITS = 11;

export function isIcd(vocabulary: string): vocabulary is IcdVocabulary {
  return vocabulary in { ICD9CM: 0, ICD9Proc: 0, ICD10CM: 0, ICD10PCS: 0 };
}

/** The two halves of `VOCABULARY/CODE`; the vocabulary is empty where there is no slash. */
export function splitCode(code: string): readonly [vocabulary: string, rest: string] {
  const slash = code.indexOf("/");
  return slash < 0 ? ["", code] : [code.slice(0, slash), code.slice(slash + 1)];
}

/** Characters before the dot, which is also the length of a category. */
export function categoryLength(vocabulary: IcdVocabulary, bare: string): number {
  switch (vocabulary) {
    case "ICD9CM":
      return bare.startsWith("E") ? 4 : 3; // external causes: E878.8; all others, V codes too: V58.67
    case "ICD9Proc":
      return 2;
    case "ICD10CM":
      return 3;
    case "ICD10PCS":
      return Number.POSITIVE_INFINITY; // seven characters, no dot
  }
}

/** Trimmed, upper-case, without dots. */
export function bareCode(code: string): string {
  return code.trim().replaceAll(".", "").toUpperCase();
}

/** A raw ICD code with its vocabulary and official dot: `("ICD9CM", "25000")` gives `ICD9CM/250.00`. */
export function icdCode(vocabulary: IcdVocabulary, code: string): string {
  const bare = bareCode(code);
  const cut = categoryLength(vocabulary, bare);
  const dotted = bare.length > cut ? `${bare.slice(0, cut)}.${bare.slice(cut)}` : bare;
  return `${vocabulary}/${dotted}`;
}

/**
 * An 11-digit NDC, or null when unknown. MIMIC writes `0` for unknown; zeros on the left that a
 * spreadsheet took away are put back, since every digit of an NDC counts.
 */
export function ndcCode(ndc: string | null): string | null {
  const digits = ndc?.trim() ?? "";
  if (!/^[0-9]{1,11}$/.test(digits) || /^0+$/.test(digits)) return null;
  return digits.padStart(NDC_DIGITS, "0");
}

/** The name this benchmark gives a vocabulary, whatever its spelling (`ICD-10-CM`, `icd10`); null when unknown. */
export function vocabularyName(name: string): string | null {
  return ALIASES[name.toLowerCase().replace(/[^a-z0-9]/g, "")] ?? null;
}

/**
 * A code in official notation: `("icd-9-cm", "25000")` gives `ICD9CM/250.00`. Null when the vocabulary is
 * unknown or the text cannot be one of its codes; nothing is guessed.
 */
export function officialCode(vocabulary: string, text: string): string | null {
  const name = vocabularyName(vocabulary);
  const trimmed = text.trim();
  if (name === null || trimmed === "") return null;
  if (name === "NDC") {
    const ndc = ndcCode(trimmed);
    return ndc === null ? null : `NDC/${ndc}`;
  }
  const shape = SHAPES[name];
  if (shape === undefined) return `${name}/${trimmed}`;
  const bare = bareCode(trimmed);
  if (!shape.test(bare)) return null;
  return isIcd(name) ? icdCode(name, bare) : `${name}/${bare}`;
}
