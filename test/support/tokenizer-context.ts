/** A small code table, a context to fit tokenizers in, and settings that train in a moment. */
import { Random } from "../../core/random.ts";
import type { CodeTable, Tokenizer, TokenizerContext } from "../../core/tokenizer.ts";
import { denseVectors } from "../../ehr-models/token-rows.ts";
import { tokenizers } from "../../tokenizers/index.ts";

const TITLES: Readonly<Record<string, string>> = {
  "ICD10CM/E11": "Type 2 diabetes mellitus",
  "ICD10CM/E11.6": "Type 2 diabetes with other complications",
  "ICD10CM/E11.65": "Type 2 diabetes with hyperglycemia",
  "ICD10CM/E11.9": "Type 2 diabetes without complications",
  "ICD10CM/I10": "Essential hypertension",
  "ICD10CM/I11.9": "Hypertensive heart disease",
  "ICD9CM/250.00": "Diabetes mellitus type II",
  "ICD9CM/401.9": "Hypertension unspecified",
};

export function table(): CodeTable {
  const code = [...Object.keys(TITLES), "DRUG/insulin glargine", "NDC/00338004904"].sort();
  return {
    size: code.length,
    code,
    description: code.map((key) => TITLES[key] ?? null),
    kind: new Uint8Array(code.length).fill(1),
    parents: code.map(() => []),
  };
}

export const SMALL = {
  steps: 4,
  batch: 10,
  codebookSize: 18,
  perPart: 2,
  width: 8,
  graphWidth: 8,
  heads: 2,
  logEvery: 2,
};

export function context(cacheFolder: string, options = {}, more: Partial<TokenizerContext> = {}) {
  const codes = table();
  const base: TokenizerContext = {
    codes,
    trainSubjects: new Uint32Array(codes.size).fill(40),
    coOccurrence: () => ({
      a: Int32Array.of(1, 2),
      b: Int32Array.of(4, 7),
      subjects: Uint32Array.of(60, 4),
    }),
    options: { ...SMALL, ...options },
    directory: null,
    cacheFolder,
    threads: 1,
    random: Random.fromSeed(0),
    report: () => {},
    signal: new AbortController().signal,
  };
  return { ...base, ...more };
}

/** Fits the tokenizer of a name. */
export const fit = (name: string, given: TokenizerContext) => tokenizers.get(name).fit(given);

/** Vectors by unit. */
export function values(tokenizer: Tokenizer): Float32Array {
  const { representation } = tokenizer;
  if (representation.kind === "vectors") return representation.values;
  if (representation.kind === "tokens") return denseVectors(representation);
  throw new Error("no given vectors");
}
