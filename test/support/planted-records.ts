/** Made-up whole records with a planted course, for tests of models that generate futures: no store, no files. */
import { CODE_KINDS, type CodeKind } from "../../core/event-store.ts";
import type { LabelSpec } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import type { History, SampleSource } from "../../core/samples.ts";
import type { Outcome } from "../../core/task.ts";
import type { CodeTable, Tokenizer } from "../../core/tokenizer.ts";
import { Vocabulary } from "../../ehr-models/ethos/vocabulary.ts";
import { type MadeSample, sourceOf } from "./samples.ts";

const CODES: readonly (readonly [string, CodeKind])[] = [
  ["ATC/B01AB01", "drug"],
  ["ATC/C07AB02", "drug"],
  ["HOSPITAL_ADMISSION/URGENT", "visit"],
  ["HOSPITAL_DISCHARGE/DIED", "visit"],
  ["HOSPITAL_DISCHARGE/HOME", "visit"],
  ["ICD10CM/A00", "diagnosis"],
  ["ICD10CM/A00.1", "diagnosis"],
  ["ICD10CM/I50.9", "diagnosis"],
  ["ICD10PCS/02HV33Z", "procedure"],
  ["MEDS_BIRTH", "demographic"],
  ["MEDS_DEATH", "demographic"],
];

export const PLANTED_CODES: CodeTable = {
  size: CODES.length,
  code: CODES.map(([code]) => code),
  description: CODES.map(() => null),
  kind: Uint8Array.from(CODES, ([, kind]) => CODE_KINDS.indexOf(kind)),
  parents: CODES.map(() => []),
};

/** Row of a code. @throws when there is none. */
export function rowOf(code: string): number {
  const row = PLANTED_CODES.code.indexOf(code);
  if (row < 0) throw new Error(`no code ${code}`);
  return row;
}

export function plantedTokenizer(): Tokenizer {
  return {
    name: "made-up",
    vocabularySize: CODES.length + 2,
    unit: Int32Array.from(CODES, (_, row) => row + 2),
    representation: { kind: "learned" },
    artefactHash: "made-up",
  };
}

/** Time in days since birth, which is day 0; visit -1 is outside any. */
export interface PlantedEvent {
  readonly day: number;
  readonly code: string;
  readonly visit: number;
}

export interface PlantedRecord {
  /** Ascending. */
  readonly events: readonly PlantedEvent[];
  /** Start and end of each visit. */
  readonly visits: readonly (readonly [number, number])[];
}

/** What is seen of a record at a day, as the harness would show it. */
export function historyAt({ events, visits }: PlantedRecord, now: number): History {
  const seen = events.filter(({ day }) => day <= now);
  const started = visits.filter(([start]) => start <= now);
  return {
    length: seen.length,
    code: Int32Array.from(seen, ({ code }) => rowOf(code)),
    kind: Uint8Array.from(seen, ({ code }) => PLANTED_CODES.kind[rowOf(code)] ?? 0),
    visit: Int32Array.from(seen, ({ visit }) => Math.max(0, visit)),
    daysBefore: Float32Array.from(seen, ({ day }) => now - day),
    visitCount: Math.max(started.length, seen.length > 0 ? 1 : 0),
    visitStart: Float32Array.from(started, ([start]) => now - start),
    visitEnd: Float32Array.from(started, ([, end]) => (end <= now ? now - end : Number.NaN)),
  };
}

export function sampleAt(record: PlantedRecord, now: number, label: number): MadeSample {
  const history = historyAt(record, now);
  return { history, label: Uint8Array.of(label), ageYears: now / 365.2425, sex: 1, race: 0 };
}

/** The whole record, at the last thing recorded. */
export function wholeRecord(record: PlantedRecord): MadeSample {
  return sampleAt(record, record.events.at(-1)?.day ?? 0, 0);
}

export const DIED: LabelSpec = { kind: "binary", classes: ["died"] };
export const DIES_NEXT: Outcome = {
  classes: [["HOSPITAL_DISCHARGE/DIED"]],
  given: ["HOSPITAL_ADMISSION/*"],
  until: ["HOSPITAL_DISCHARGE/*"],
  withinDays: null,
};
export const READMITTED: Outcome = {
  classes: [["HOSPITAL_ADMISSION/*"]],
  until: [],
  withinDays: 15,
};

export interface Course {
  /** Probability of another admission, of its being within 15 days, and of death in it, by heart failure or not. */
  readonly again: readonly [number, number];
  readonly soon: number;
  readonly dies: readonly [number, number];
}

export interface PlantedSubject {
  readonly record: PlantedRecord;
  readonly isIll: boolean;
  readonly firstDischarge: number;
  readonly isAgain: boolean;
  readonly isSoon: boolean;
  readonly isDead: boolean;
}

/**
 * One stay of two days that ends at home, with heart failure (I50.9) or not (A00.1); perhaps a second one, 3
 * or 25 days later, that ends at home or in death; the death is stamped six hours before the discharge.
 */
export function plantedSubject(course: Course, random: Random): PlantedSubject {
  const isIll = random.uniform() < 0.5;
  const which = isIll ? 0 : 1;
  const born = 20000 + random.below(4000);
  const out = born + 2;
  const events: PlantedEvent[] = [
    { day: 0, code: "MEDS_BIRTH", visit: -1 },
    { day: born, code: "HOSPITAL_ADMISSION/URGENT", visit: 0 },
    { day: born + 0.5, code: "ATC/B01AB01", visit: 0 },
    { day: out, code: isIll ? "ICD10CM/I50.9" : "ICD10CM/A00.1", visit: 0 },
    { day: out, code: "HOSPITAL_DISCHARGE/HOME", visit: 0 },
  ];
  const isAgain = random.uniform() < course.again[which];
  const isSoon = isAgain && random.uniform() < course.soon;
  const isDead = isAgain && random.uniform() < course.dies[which];
  const back = out + (isSoon ? 3 : 25);
  const visits: [number, number][] = [[born, out]];
  if (isAgain) {
    visits.push([back, back + 4]);
    events.push({ day: back, code: "HOSPITAL_ADMISSION/URGENT", visit: 1 });
    events.push({ day: back + 1, code: "ATC/C07AB02", visit: 1 });
    if (isDead) events.push({ day: back + 3.75, code: "MEDS_DEATH", visit: -1 });
    events.push({ day: back + 4, code: "ICD10CM/A00", visit: 1 });
    const how = isDead ? "DIED" : "HOME";
    events.push({ day: back + 4, code: `HOSPITAL_DISCHARGE/${how}`, visit: 1 });
  }
  return { record: { events, visits }, isIll, firstDischarge: out, isAgain, isSoon, isDead };
}

export function plantedSubjects(size: number, course: Course, seed: number): PlantedSubject[] {
  const root = Random.fromSeed(seed);
  return Array.from({ length: size }, (_, i) => plantedSubject(course, root.derive(i)));
}

/** Whole records as a source of timelines. */
export function whole(subjects: readonly PlantedSubject[]): SampleSource {
  return sourceOf(
    subjects.map(({ record }) => wholeRecord(record)),
    DIED,
  );
}

/** What ETHOS reads and writes of planted records: a token a code, unless `more` says otherwise. */
export function plantedVocabulary(
  timelines: SampleSource,
  more: Partial<ConstructorParameters<typeof Vocabulary>[1]> = {},
): Vocabulary {
  return new Vocabulary(timelines, {
    codes: PLANTED_CODES,
    tokenizer: plantedTokenizer(),
    spelling: "unit",
    intervals: "v2",
    leastSubjects: 1,
    ...more,
  });
}
