/** What a caller may ask of the generator, and what it answers. */
import { BenchError } from "../../core/errors.ts";

/** Raised when any byte of the tables could change. */
export const GENERATOR_VERSION = 5;

/** Sources that have a twin. */
export const twinLayouts = ["mimic3", "mimic4"] as const;
export type TwinLayout = (typeof twinLayouts)[number];

/**
 * `hierarchy`: rare codes share the risk of the common codes of their family, so that a model that
 * knows the hierarchy can profit. `none`: the effects of rare codes are shuffled among all rare
 * codes; the hierarchy then says nothing about their risk.
 * `even`: as `hierarchy`, and all codes of a family are equally frequent, so that hardly any is common
 * enough to be learnt alone and the hierarchy pays off most. `even-none`: its null; the effects
 * of all codes are shuffled.
 */
export const riskStructures = ["hierarchy", "none", "even", "even-none"] as const;
export type RiskStructure = (typeof riskStructures)[number];

/** Whether the effects of codes are shuffled. */
export function isShuffled(structure: RiskStructure): boolean {
  return structure === "none" || structure === "even-none";
}

/** Whether all codes of a family are equally frequent. */
export function isEven(structure: RiskStructure): boolean {
  return structure === "even" || structure === "even-none";
}

export interface TwinOptions {
  readonly layout: TwinLayout;
  readonly subjects: number;
  readonly seed: number;
  /** Folder to create; it may exist when it is empty. */
  readonly out: string;
  readonly structure?: RiskStructure;
  /** Called after every block of subjects. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface TwinSummary {
  readonly layout: TwinLayout;
  readonly folder: string;
  readonly subjects: number;
  readonly admissions: number;
  /** Rows written per table, header excluded. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Release whose layout is imitated. */
export const RELEASES: Readonly<Record<TwinLayout, string>> = { mimic3: "1.4", mimic4: "3.1" };

/** Subject ids of MIMIC-IV have eight digits; one in ten is used. */
const MAX_SUBJECTS = 1_000_000;

/** @throws BenchError on a count, seed or layout that cannot be generated. */
export function checkOptions(options: TwinOptions): void {
  if (!twinLayouts.includes(options.layout)) {
    throw new BenchError({
      what: `there is no synthetic twin of "${options.layout}"`,
      where: "--layout",
      fix: "use mimic3 or mimic4",
      exitCode: 2,
    });
  }
  if (
    !Number.isInteger(options.subjects) ||
    options.subjects < 1 ||
    options.subjects > MAX_SUBJECTS
  ) {
    throw new BenchError({
      what: `cannot generate ${options.subjects} subjects`,
      where: "--subjects",
      fix: `give a whole number from 1 to ${MAX_SUBJECTS}`,
      exitCode: 2,
    });
  }
  if (!Number.isSafeInteger(options.seed)) {
    throw new BenchError({
      what: `the seed ${options.seed} is not a whole number`,
      where: "--seed",
      fix: "give a whole number, e.g. 0",
      exitCode: 2,
    });
  }
}
