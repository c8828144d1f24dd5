/**
 * An event store from timelines written by hand: an in-memory DuckDB with the views of the contract,
 * for tests of tasks and labels that need no files.
 */
import type { CodeKind, EventStore, StoreInfo } from "../../core/event-store.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";

export interface HandSubject {
  readonly id: number;
  /** `YYYY-MM-DD`; null where the birth is not known. */
  readonly birth?: string | null;
  readonly death?: string | null;
  readonly split?: "train" | "tuning" | "held_out" | null;
}
export interface HandVisit {
  readonly subject: number;
  readonly id: number;
  readonly start: string;
  readonly end: string | null;
  readonly died?: boolean;
  readonly type?: string;
}
export interface HandIcuStay {
  readonly subject: number;
  readonly visit: number;
  readonly id: number;
  readonly start: string;
  readonly end: string | null;
}
export interface HandEvent {
  readonly subject: number;
  readonly time: string | null;
  readonly code: string;
  readonly kind: CodeKind;
  readonly visit?: number | null;
  readonly text?: string | null;
  readonly drugType?: string | null;
  readonly route?: string | null;
}
export interface HandTimelines {
  readonly subjects: readonly HandSubject[];
  readonly visits: readonly HandVisit[];
  readonly icuStays?: readonly HandIcuStay[];
  readonly events?: readonly HandEvent[];
  /** Code -> the codes above it; codes named here are in the code table even without events. */
  readonly parents?: Readonly<Record<string, readonly string[]>>;
  /** Code -> what it means; left out: not known. */
  readonly describe?: (code: string) => string | null;
}

type Literal = string | number | boolean | null | undefined | readonly string[];

function literal(value: Literal): string {
  if (Array.isArray(value)) return `[${value.map(sqlText).join(", ")}]`;
  if (value === null || value === undefined) return "NULL";
  return typeof value === "string" ? sqlText(value) : String(value);
}

/** CREATE TABLE from rows; the column list gives names and types. */
function table(name: string, columns: string, rows: readonly (readonly Literal[])[]): string {
  const values = rows.map((row) => `(${row.map(literal).join(", ")})`).join(",\n");
  return `CREATE TABLE ${name} (${columns});${values === "" ? "" : `INSERT INTO ${name} VALUES ${values};`}`;
}

function tables(timelines: HandTimelines): string[] {
  const { subjects, visits, icuStays = [], events = [], parents = {} } = timelines;
  const { describe = () => null } = timelines;
  const named = Object.keys(parents).map((code): [string, CodeKind] => [code, "diagnosis"]);
  const used = events.map((e): [string, CodeKind] => [e.code, e.kind]);
  const kinds = [...new Map([...named, ...used]).entries()].sort();
  return [
    table(
      "subjects",
      "subject_id BIGINT, birth_time TIMESTAMP, death_time TIMESTAMP, sex VARCHAR, race VARCHAR",
      subjects.map((s) => [
        ...[s.id, s.birth === undefined ? "2100-01-01" : s.birth, s.death],
        ...[null, null],
      ]),
    ),
    table(
      "splits",
      "subject_id BIGINT, split VARCHAR",
      subjects
        .filter((s) => s.split !== null)
        .map((s) => [s.id, s.split === undefined ? "train" : s.split]),
    ),
    table(
      "visits",
      "subject_id BIGINT, visit_id BIGINT, visit_type VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, died BOOLEAN, admission_type VARCHAR",
      visits.map((v) => [
        ...[v.subject, v.id, v.type ?? "inpatient", v.start, v.end],
        ...[v.died ?? false, "EMERGENCY"],
      ]),
    ),
    table(
      "icu_stays",
      "subject_id BIGINT, visit_id BIGINT, icu_stay_id BIGINT, unit VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP",
      icuStays.map((s) => [s.subject, s.visit, s.id, "MICU", s.start, s.end]),
    ),
    table(
      "events",
      "subject_id BIGINT, time TIMESTAMP, code VARCHAR, text_value VARCHAR, visit_id BIGINT, drug_type VARCHAR, route VARCHAR, numeric_value FLOAT",
      events.map((e) => [
        ...[e.subject, e.time, e.code, e.text, e.visit],
        ...[e.drugType, e.route, null],
      ]),
    ),
    table(
      "codes",
      "code VARCHAR, description VARCHAR, parent_codes VARCHAR[], kind VARCHAR",
      kinds.map(([code, kind]) => [code, describe(code), parents[code] ?? null, kind]),
    ),
  ];
}

function info(timelines: HandTimelines): StoreInfo {
  return {
    store_version: 1,
    dataset: "hand",
    dataset_version: "1",
    source: "synthetic",
    fingerprint: "hand",
    subjects: timelines.subjects.length,
    visits: timelines.visits.length,
    icu_stays: timelines.icuStays?.length ?? 0,
    events: timelines.events?.length ?? 0,
    rows_read: {},
    rows_dropped: [],
    synthetic: null,
  };
}

/** Opens the store; close it at the end of the test. */
export async function handStore(timelines: HandTimelines): Promise<EventStore> {
  const database = await Database.open({ threads: 1 });
  for (const sql of tables(timelines)) await database.run(sql);
  return {
    folder: "",
    info: info(timelines),
    query: (sql) => database.query(sql),
    stream: (sql, block) => database.stream(sql, block),
    write: (sql, file) => database.write(sql, file),
    close: () => database.close(),
  };
}
