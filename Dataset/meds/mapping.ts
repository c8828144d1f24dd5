/**
 * What the codes of a MEDS dataset mean: a small JSON file. MEDS fixes the columns and two codes, birth and
 * death; where visits begin and end, which codes are diagnoses, and how they are written is the maker's choice.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BenchError } from "../../core/errors.ts";
import { SPLITS } from "../../core/event-store.ts";
import { packageRoot } from "../../core/package-root.ts";

/** A code, or the beginning of codes followed by `*`. */
const pattern = z
  .string()
  .min(1)
  .regex(/^[^*]+\*?$/, "a code, or the beginning of one followed by *");
const patterns = z.array(pattern);
/** A column's name; letters in any case. */
const column = z
  .string()
  .regex(/^\w+$/)
  .transform((name) => name.toLowerCase());

const mapping = z.strictObject({
  /** Columns that hold the id of a row's visit; the first that is not null counts. Without them, times decide. */
  visit_id_columns: z.array(column).default([]),
  icu_id_columns: z.array(column).default([]),
  /** Codes at which visits begin and end, and those of the ends that mean a death. */
  visits: z.array(
    z.strictObject({
      type: z.enum(["inpatient", "outpatient", "emergency"]),
      start: patterns.min(1),
      end: patterns.default([]),
      died: patterns.default([]),
    }),
  ),
  icu: z.strictObject({ start: patterns, end: patterns }).default({ start: [], end: [] }),
  birth: patterns.default(["MEDS_BIRTH", "MEDS_BIRTH//*"]),
  death: patterns.default(["MEDS_DEATH", "MEDS_DEATH//*"]),
  female: patterns.default([]),
  male: patterns.default([]),
  /** What follows the beginning is the race. */
  race: patterns.default([]),
  /** Beginning of a code -> the ICD vocabulary of what follows; it is given its dot. */
  icd: z.record(z.string(), z.enum(["ICD9CM", "ICD9Proc", "ICD10CM", "ICD10PCS"])).default({}),
  /** Beginning of a code -> what is written in its place, e.g. `"LAB//RESULT//": "LAB/"`. */
  rename: z.record(z.string(), z.string()).default({}),
  /** Columns that hold an order's route, and its type as MIMIC has it (MAIN, BASE, ADDITIVE); null: none does. */
  route_column: column.nullable().default(null),
  drug_type_column: column.nullable().default(null),
  /** Codes of drugs that are given by name after the beginning; they are mapped to ATC like MIMIC's. */
  drug_names: patterns.default([]),
  kinds: z
    .partialRecord(
      z.enum(["diagnosis", "procedure", "drug", "visit", "demographic", "other"]),
      patterns,
    )
    .default({}),
  /** The dataset's names of splits -> train, tuning, held_out. */
  splits: z
    .record(z.string(), z.enum(SPLITS))
    .default({ train: "train", tuning: "tuning", held_out: "held_out" }),
});

/** See the fields above. */
export type MedsMapping = z.infer<typeof mapping>;

/** The mapping that ships: the codes of the public MIMIC-IV extraction, and those of this program's own stores. */
export const DEFAULT_MAPPING_FILE = join(packageRoot, "Dataset", "meds", "default-mapping.json");

/** Reads a mapping. @throws BenchError when it is not JSON, or a field is unknown or wrong. */
export function readMapping(file: string): MedsMapping {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new BenchError({
      what: "the mapping of codes cannot be read as JSON",
      where: file,
      fix: `write it like ${DEFAULT_MAPPING_FILE}`,
      exitCode: 2,
      cause,
    });
  }
  const result = mapping.safeParse(content);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BenchError({
    what: `the mapping of codes is wrong: ${issue?.message ?? "unknown problem"}`,
    where: `${file}, ${issue?.path.join(".") || "top level"}`,
    fix: `write it like ${DEFAULT_MAPPING_FILE}`,
    exitCode: 2,
  });
}
