/** Labels that come with a source: counted beside the published counts, and compared with our own computation. */
import { BenchError } from "../core/errors.ts";
import { type Columns, type EventStore, STRUCTURE_CODES } from "../core/event-store.ts";
import { type Count, maskCount } from "../core/privacy.ts";
import {
  EHRSHOT_CONCEPTS,
  EHRSHOT_RECOMPUTED,
  type EhrshotSubject,
  ehrshotLabels,
} from "../tasks/ehrshot-rules.ts";
import { firstEvents } from "../tasks/first-events.ts";
import { EHRSHOT_COUNTS, isPositive, type PublishedCounts } from "../tasks/published.ts";

export interface PublishedSplit {
  readonly split: string;
  /** Patients, patients with a positive, labels, positive labels. */
  readonly found: readonly Count[];
  /** The published counts of the real data; null where none were published. */
  readonly published: PublishedCounts | null;
}
export interface PublishedTaskCounts {
  readonly task: string;
  readonly splits: readonly PublishedSplit[];
}

function checkPublished(store: EventStore): readonly string[] {
  const names = Object.keys(store.info.published_labels ?? {}).sort();
  if (names.length > 0) return names;
  throw new BenchError({
    what: `no labels came with this ${store.info.dataset}`,
    fix: "use files of EHRSHOT with its label files (benchmark/ or labels/) beside the data",
    exitCode: 2,
  });
}

/** Counts per task and split, small counts of real data masked. @throws BenchError without labels. */
export async function countPublished(store: EventStore): Promise<PublishedTaskCounts[]> {
  const all: PublishedTaskCounts[] = [];
  for (const task of checkPublished(store)) {
    const positive = isPositive(task);
    const found = await store.query(`SELECT s.split,
        count(DISTINCT l.subject_id)::DOUBLE AS patients,
        count(DISTINCT l.subject_id) FILTER (${positive})::DOUBLE AS patients_positive,
        count(*)::DOUBLE AS labels, count(*) FILTER (${positive})::DOUBLE AS labels_positive
      FROM published_labels l JOIN splits s ON s.subject_id = l.subject_id
      WHERE l.task = '${task}' GROUP BY s.split`);
    const splits = found.strings("split");
    all.push({
      task,
      splits: ["train", "tuning", "held_out"].map((split, i) => ({
        split,
        found: ["patients", "patients_positive", "labels", "labels_positive"].map((column) =>
          maskCount(found.numbers(column)[splits.indexOf(split)] ?? 0, store.info.source),
        ),
        published: EHRSHOT_COUNTS[task]?.[i] ?? null,
      })),
    });
  }
  return all;
}

/** Labels of one task, ours against those that came with the source. */
export interface Comparison {
  readonly task: string;
  readonly published: Count;
  readonly computed: Count;
  readonly equal: Count;
  readonly only_published: Count;
  readonly only_computed: Count;
  readonly other_value: Count;
}

/** Rows of a query over subjects, gathered by subject. */
function gather<T>(columns: Columns, row: (i: number) => T): Map<number, T[]> {
  const subjects = columns.numbers("subject_id");
  const lists = new Map<number, T[]>();
  for (let i = 0; i < columns.rowCount; i++) {
    const subject = subjects[i] as number;
    const list = lists.get(subject);
    if (list === undefined) lists.set(subject, [row(i)]);
    else list.push(row(i));
  }
  return lists;
}

/** What the rules read, by subject. Discharges are not events of the source, so they do not prolong a record. */
async function readSubjects(store: EventStore): Promise<Map<number, EhrshotSubject>> {
  const stays = await store.query(`SELECT subject_id, start_time, end_time FROM visits
    WHERE visit_type = 'inpatient' AND admission_type = 'IP' AND end_time > start_time
    ORDER BY subject_id, start_time, end_time, visit_id`);
  const icu = await store.query(`SELECT subject_id, start_time FROM icu_stays
    WHERE end_time IS DISTINCT FROM start_time ORDER BY subject_id, start_time`);
  const codes = await store.query(`WITH RECURSIVE ${firstEvents(EHRSHOT_CONCEPTS)}
    SELECT e.subject_id, c.class, e.time FROM events e
    JOIN (SELECT DISTINCT class, code FROM class_codes) c ON c.code = e.code
    WHERE e.time IS NOT NULL ORDER BY e.subject_id, e.time`);
  const ends = [STRUCTURE_CODES.discharge, STRUCTURE_CODES.icuDischarge];
  const last = await store.query(`SELECT subject_id, max(time) AS time FROM events
    WHERE ${ends.map((code) => `NOT starts_with(code, '${code}')`).join(" AND ")} GROUP BY subject_id`);
  const stayList = gather(stays, (i) => ({
    start: stays.numbers("start_time")[i] as number,
    end: stays.numbers("end_time")[i] as number,
  }));
  const icuList = gather(icu, (i) => icu.numbers("start_time")[i] as number);
  const codeList = gather(codes, (i) => ({
    disease: codes.numbers("class")[i] as number,
    time: codes.numbers("time")[i] as number,
  }));
  const lastList = gather(last, (i) => last.numbers("time")[i] as number);
  return new Map(
    [...stayList].map(([subject, list]) => [
      subject,
      {
        stays: list,
        icuStarts: icuList.get(subject) ?? [],
        diagnoses: EHRSHOT_CONCEPTS.map((_, d) =>
          (codeList.get(subject) ?? []).filter((c) => c.disease === d).map((c) => c.time),
        ),
        lastEvent: lastList.get(subject)?.[0] ?? Number.NEGATIVE_INFINITY,
      },
    ]),
  );
}

const key = (subject: number, time: number) => `${subject}@${time}`;

/** Values of the labels at one subject and time, sorted; several stays can begin on one day. */
function bag(rows: readonly { at: string; value: number }[]): Map<string, number[]> {
  const values = new Map<string, number[]>();
  for (const { at, value } of rows) values.set(at, [...(values.get(at) ?? []), value].sort());
  return values;
}

function compareBags(theirs: Map<string, number[]>, ours: Map<string, number[]>) {
  const counts = { equal: 0, only_published: 0, only_computed: 0, other_value: 0 };
  for (const at of new Set([...theirs.keys(), ...ours.keys()])) {
    const left = [...(theirs.get(at) ?? [])];
    const right = [...(ours.get(at) ?? [])];
    for (const value of [...left]) {
      const found = right.indexOf(value);
      if (found < 0) continue;
      right.splice(found, 1);
      left.splice(left.indexOf(value), 1);
      counts.equal++;
    }
    const other = Math.min(left.length, right.length);
    counts.other_value += other;
    counts.only_published += left.length - other;
    counts.only_computed += right.length - other;
  }
  return counts;
}

/**
 * Our computation by EHRSHOT's published rules against the label files that came with it, row for row.
 * @throws BenchError without labels, or where the layout has no ends of visits to compute from.
 */
export async function comparePublished(store: EventStore): Promise<Comparison[]> {
  const names = checkPublished(store).filter((name) => EHRSHOT_RECOMPUTED.includes(name));
  const subjects = await readSubjects(store);
  if (subjects.size === 0) {
    throw new BenchError({
      what: "this layout has no ends of hospital stays, so no label can be computed from it",
      fix: "use the original layout of EHRSHOT (data/ehrshot.csv); published labels can still be used with --task published-NAME",
    });
  }
  const ours = new Map<string, { at: string; value: number }[]>();
  for (const [subject, facts] of subjects) {
    for (const [name, labels] of Object.entries(ehrshotLabels(facts))) {
      const list = ours.get(name) ?? [];
      ours.set(name, list);
      for (const { time, value } of labels)
        list.push({ at: key(subject, time), value: Number(value) });
    }
  }
  const mask = (count: number) => maskCount(count, store.info.source);
  const all: Comparison[] = [];
  for (const task of names) {
    const rows = await store.query(
      `SELECT subject_id, prediction_time, value FROM published_labels WHERE task = '${task}'`,
    );
    const [subject, time, value] = ["subject_id", "prediction_time", "value"].map((c) =>
      rows.numbers(c),
    );
    const theirs = Array.from({ length: rows.rowCount }, (_, i) => ({
      at: key(subject?.[i] as number, time?.[i] as number),
      value: value?.[i] as number,
    }));
    const own = ours.get(task) ?? [];
    const counts = compareBags(bag(theirs), bag(own));
    all.push({
      task,
      published: mask(theirs.length),
      computed: mask(own.length),
      equal: mask(counts.equal),
      only_published: mask(counts.only_published),
      only_computed: mask(counts.only_computed),
      other_value: mask(counts.other_value),
    });
  }
  return all;
}
