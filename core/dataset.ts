/** A dataset: how one source's raw files become subjects, visits, ICU stays and events. */
import type { CodeKind } from "./event-store.ts";

/** One raw table and the columns that are read from it; extra columns are allowed. */
export interface RawTable {
  /** Path below the root without extension, e.g. `hosp/patients`; matched in any letter case, `.csv` or `.csv.gz`. */
  readonly file: string;
  /** Column (lower case) -> how its text is read. `date` has no clock; `time` may have none either. */
  readonly columns: Readonly<
    Record<string, "id" | "integer" | "number" | "time" | "date" | "text">
  >;
  /** Columns that some release lacks: read as null when missing. */
  readonly optionalColumns?: readonly string[];
  /** A missing file is an error unless this is true. */
  readonly optional?: boolean;
  /** Columns that must not be null; a row that breaks this is an error that names the row, e.g. subject ids. */
  readonly notNull?: readonly string[];
  /** Column whose values may not repeat; a repetition is an error that names the value's column. */
  readonly unique?: string;
}

/** Row counts by which a full release is recognised. */
export interface ReleaseSize {
  readonly release: string;
  readonly subjects: number;
  readonly visits: number;
}

/**
 * How the rows of one raw table become events. Each field is an SQL expression over `r` (the raw row), `v`
 * (the row of `visits` the row belongs to, dropped visits included; nulls when there is none) and, in the
 * table of drug orders, `d` (`code`, `text` and `route` of the order). One raw row is one event; a row
 * without code or time, or whose subject or visit is unknown or dropped, is counted as dropped.
 */
export interface EventRule {
  /** Key in `tables`. */
  readonly table: string;
  readonly kind: CodeKind;
  readonly subject: string;
  /** Null or left out for events outside any visit. */
  readonly visit?: string;
  readonly time: string;
  readonly numeric?: string;
  /** The code and the fields below are text that repeats: each uses either `r` or `d`, nothing else. */
  readonly code: string;
  readonly text?: string;
  readonly drugType?: string;
  readonly route?: string;
  /** Reason -> condition over `r` under which a row is no event; the first that holds is counted. */
  readonly drop?: Readonly<Record<string, string>>;
}

/** The table of drug orders, and its columns by which a drug is mapped to an ATC code. */
export interface DrugOrders {
  readonly table: string;
  readonly name: string;
  readonly ndc: string;
  readonly route: string;
}

/**
 * A source in SQL over its raw tables, which are tables named by their key in `tables`, with typed columns.
 * What holds for every source is added by the loader: structural events (birth, death, admission,
 * discharge, ICU, sex, race), ATC codes, and the counted removal of rows that cannot be placed.
 */
export interface DatasetDefinition {
  /** What the user types after --dataset. */
  readonly name: string;
  readonly title: string;
  /** Raised when any event could change. */
  readonly version: number;
  /** Releases this file was checked against. */
  readonly releases: readonly string[];
  readonly licence: string;
  readonly homepage: string;
  readonly citation: string;
  /** Name of the raw table in SQL -> where it is and what is read. */
  readonly tables: Readonly<Record<string, RawTable>>;
  /** SELECT subject_id, birth_time, death_time, sex, race. */
  readonly subjects: string;
  /** SELECT subject_id, visit_id, visit_type, start_time, end_time, coded_time (when the visit's billing codes
   * are known), died, admission_type, discharge_location, drop_reason (null = keep; otherwise the visit and its
   * rows are counted as dropped for this reason). */
  readonly visits: string;
  /** SELECT subject_id, visit_id, icu_stay_id, unit (the first), last_unit, start_time, end_time. */
  readonly icuStays: string;
  readonly drugs?: DrugOrders;
  readonly events: readonly EventRule[];
  /** SELECT code, description over the source's own dictionaries. */
  readonly descriptions: string;
  /** Sorted subject ids of the open demo, hashed with sha256 over their comma-joined decimal text. */
  readonly demoSubjectsHash?: string;
  readonly demoRelease?: string;
  /** Published sizes of the full releases. */
  readonly releaseSizes?: readonly ReleaseSize[];
}
