/** Subjects written by hand from rows of the made-up code table. */
import type { History } from "../../core/samples.ts";
import { codeTable, LABELS, type MadeSample, sourceOf } from "./samples.ts";

const CODES = codeTable();
/** Rows of the code table with a drug of the first, second and third class of the multilabel label. */
export const [A01, A02, A03] = [20, 5, 8] as const;
export const DIAGNOSIS = 0;

/** A subject with the given codes in each visit, oldest first. */
export function subject(...visits: (readonly number[])[]): MadeSample {
  const rows = visits.flatMap((codes, visit) => codes.map((code) => ({ code, visit })));
  const history: History = {
    length: rows.length,
    code: Int32Array.from(rows, ({ code }) => code),
    kind: Uint8Array.from(rows, ({ code }) => CODES.kind[code] ?? 0),
    visit: Int32Array.from(rows, ({ visit }) => visit),
    daysBefore: Float32Array.from(rows, ({ visit }) => 10 * (visits.length - visit)),
    visitCount: visits.length,
    visitStart: Float32Array.from(visits, (_, v) => 10 * (visits.length - v) + 3),
    visitEnd: Float32Array.from(visits, (_, v) => 10 * (visits.length - v)),
  };
  return { history, label: Uint8Array.of(1, 0, 1), ageYears: 60, sex: 1, race: 1 };
}

/** A source over such subjects. */
export const sourceWith = (...samples: MadeSample[]) => sourceOf(samples, LABELS.multilabel);
