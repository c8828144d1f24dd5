/** A planted vocabulary with tokens by what they mean, and the rules of futures over it, for tests of ETHOS. */
import type { Outcome } from "../../core/task.ts";
import type { FutureRules } from "../../ehr-models/ethos/future.ts";
import { codeTree } from "../../ehr-models/ethos/outcome.ts";
import {
  PLANTED_CODES,
  plantedSubjects,
  plantedVocabulary,
  rowOf,
  whole,
} from "./planted-records.ts";

const COURSE = { again: [0.9, 0.9], soon: 0.5, dies: [0.5, 0.5] } as const;
/** Courses of planted subjects, and what a vocabulary makes of them. */
export const TIMELINES = whole(plantedSubjects(60, COURSE, 3));
export const vocabularyOf = (spelling: "unit" | "pieces") =>
  plantedVocabulary(TIMELINES, { spelling });
export const V = vocabularyOf("unit");

/** Rules of futures of an outcome, with whatever is asked to be otherwise. */
export function rulesOf(outcome: Outcome, more: Partial<FutureRules> = {}): FutureRules {
  const vocabulary = more.vocabulary ?? V;
  return {
    vocabulary,
    tree: codeTree(vocabulary, PLANTED_CODES, outcome),
    allClasses: 2 ** outcome.classes.length - 1,
    hasGiven: outcome.given !== undefined,
    withinDays: outcome.withinDays ?? Number.POSITIVE_INFINITY,
    topK: 0,
    newTokens: 20,
    redraws: 2,
    ...more,
  };
}

export const token = (code: string) => V.codeTokens[rowOf(code)]?.[0] ?? -1;
export const gap = (days: number) => V.firstInterval + (V.intervals.of(days)?.interval ?? 0);
export const [ADMISSION, HOME, DIES, DEATH, DRUG] = [
  "HOSPITAL_ADMISSION/URGENT",
  "HOSPITAL_DISCHARGE/HOME",
  "HOSPITAL_DISCHARGE/DIED",
  "MEDS_DEATH",
  "ATC/B01AB01",
].map(token) as [number, number, number, number, number];

/** All probability on one token. */
export function certain(which: number, size = V.size): Float32Array {
  return new Float32Array(size).fill(1, which, which + 1);
}
