/**
 * The timelines of a task's subjects in flat typed arrays. They hold the future of every sample, so
 * they never leave the harness: models read them through `SampleSet` in samples.ts, which cuts.
 */
import type { EventStore } from "../core/event-store.ts";
import { kindIndex, NUMBERED_CODES } from "./code-table.ts";

/** Subjects in ascending order of id; the events of subject s are rows offset[s] to offset[s + 1]. */
export interface Timelines {
  readonly subject: Float64Array; // [N] ascending ids
  readonly offset: Uint32Array; // [N + 1]
  readonly time: Float64Array; // [E] µs, ascending within a subject
  readonly code: Int32Array; // [E] row of the code table
  readonly kind: Uint8Array; // [E] index into CODE_KINDS
  readonly visit: Int32Array; // [E] row in the visit columns, -1 outside visits
  readonly visitId: Float64Array; // [W]
  readonly visitStart: Float64Array; // [W] µs
  readonly visitEnd: Float64Array; // [W] µs
  readonly birth: Float64Array; // [N] µs, NaN unknown
  readonly sex: (string | null)[]; // [N]
  readonly race: (string | null)[]; // [N]
}

/** Loads the timelines of the subjects that `labelsSql` names; static events are left out (they are columns). */
export async function loadTimelines(store: EventStore, labelsSql: string): Promise<Timelines> {
  const cohort = `SELECT DISTINCT subject_id FROM (${labelsSql})`;
  const people = await store.query(`
    SELECT subject_id, birth_time, sex, race FROM subjects SEMI JOIN (${cohort}) USING (subject_id)
    ORDER BY subject_id`);
  const visits = await store.query(`
    SELECT visit_id, start_time, end_time FROM visits SEMI JOIN (${cohort}) USING (subject_id)
    ORDER BY subject_id, start_time, visit_id`);
  const subject = Float64Array.from(people.numbers("subject_id"));
  return {
    subject,
    birth: Float64Array.from(people.numbers("birth_time")),
    sex: people.strings("sex"),
    race: people.strings("race"),
    visitId: Float64Array.from(visits.numbers("visit_id")),
    visitStart: Float64Array.from(visits.numbers("start_time")),
    visitEnd: Float64Array.from(visits.numbers("end_time")),
    ...(await loadEvents(store, cohort, subject)),
  };
}

type EventColumns = Pick<Timelines, "offset" | "time" | "code" | "kind" | "visit">;

/** Carrier fluids (drug_type BASE) are left out: they say how a drug was given, not what was given. */
async function loadEvents(
  store: EventStore,
  cohort: string,
  subject: Float64Array,
): Promise<EventColumns> {
  const from = `FROM events SEMI JOIN (${cohort}) USING (subject_id)
    WHERE time IS NOT NULL AND drug_type IS DISTINCT FROM 'BASE'`;
  const counted = await store.query(`SELECT count(*)::DOUBLE AS n ${from}`);
  const total = counted.numbers("n")[0] ?? 0;
  const columns = {
    offset: new Uint32Array(subject.length + 1),
    time: new Float64Array(total),
    code: new Int32Array(total),
    kind: new Uint8Array(total),
    visit: new Int32Array(total),
  };
  let row = 0;
  let s = 0;
  await store.stream(
    `WITH
      numbered AS (${NUMBERED_CODES}),
      placed AS (
        SELECT subject_id, visit_id, CAST(row_number() OVER (ORDER BY subject_id, start_time, visit_id) - 1 AS INTEGER) AS visit_row
        FROM visits SEMI JOIN (${cohort}) USING (subject_id)),
      kept AS (SELECT subject_id, time, code, visit_id ${from})
    SELECT kept.subject_id, kept.time, code_row, kind, coalesce(visit_row, -1)::INTEGER AS visit_row
    FROM kept
    JOIN numbered USING (code)
    LEFT JOIN placed ON placed.subject_id = kept.subject_id AND placed.visit_id = kept.visit_id
    ORDER BY kept.subject_id, kept.time, kind, code_row, visit_row`,
    (block) => {
      const ids = block.numbers("subject_id");
      const kinds = block.strings("kind");
      columns.time.set(block.numbers("time"), row);
      columns.code.set(block.numbers("code_row"), row);
      columns.visit.set(block.numbers("visit_row"), row);
      for (let i = 0; i < block.rowCount; i++) {
        columns.kind[row + i] = kindIndex(kinds[i] ?? null);
        while ((subject[s] as number) !== ids[i]) {
          s++;
          if (s >= subject.length)
            throw new Error("an event's subject is missing from the subjects table");
          columns.offset[s] = row + i;
        }
      }
      row += block.rowCount;
    },
  );
  if (row !== total)
    throw new Error(
      `${row} events came, ${total} were counted: a code is missing from the code table`,
    );
  columns.offset.fill(row, s + 1);
  return columns;
}
