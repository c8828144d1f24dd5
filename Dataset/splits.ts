/**
 * Which split a subject belongs to: a pure function of the subject's id, so that subjects that are added
 * later, a filter or another machine never move anyone from one split to another.
 */
import { createHash } from "node:crypto";
import type { SplitName } from "../core/event-store.ts";

const TRAIN = 0.7;
const TRAIN_AND_TUNING = 0.8; // the rest is held out
const PREFIX = "medtok-bench/split/";
const RANGE = 4294967296; // the first 32 bits of the hash

/** 70 % train, 10 % tuning, 20 % held_out, by the MD5 of the id. */
export function splitOf(subjectId: number): SplitName {
  const hash = createHash("md5").update(`${PREFIX}${subjectId}`).digest().readUInt32BE(0);
  if (hash < TRAIN * RANGE) return "train";
  return hash < TRAIN_AND_TUNING * RANGE ? "tuning" : "held_out";
}

/** The same as an SQL expression over a column of ids. */
export function splitSql(subjectId: string): string {
  const hash = `CAST('0x' || md5('${PREFIX}' || ${subjectId})[:8] AS UBIGINT)`;
  return `CASE
    WHEN ${hash} < ${TRAIN * RANGE} THEN 'train'
    WHEN ${hash} < ${TRAIN_AND_TUNING * RANGE} THEN 'tuning'
    ELSE 'held_out' END`;
}
