/** A dataset: how one source's raw files become subjects, visits, ICU stays and events. */

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
 * SQL over the raw tables, which are tables named by their key in `tables`, with typed columns. The
 * SELECTs of `events` may also join `visits` (the columns below; dropped visits included) and, where
 * `drugs` is given, `drug_map` (name, ndc, route as that SELECT gives them; atc, null when unmapped).
 * What holds for every source is added by the loader: structural events (birth, death, admission,
 * discharge, ICU, sex, race), and the counted removal of rows whose subject or visit is unknown or
 * dropped, or that have no time.
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
  /** SELECT name, ndc, route, count(*) AS rows, one row a distinct drug order: what is mapped to ATC codes. */
  readonly drugs?: string;
  /** Each SELECT, by the raw table it reads: subject_id, time, code, kind, numeric_value, text_value, visit_id,
   * drug_type, route, drop_reason (null = keep). Columns that are not given are null. */
  readonly events: readonly { readonly table: string; readonly select: string }[];
  /** SELECT code, description over the source's own dictionaries. */
  readonly descriptions: string;
  /** Sorted subject ids of the open demo, hashed with sha256 over their comma-joined decimal text. */
  readonly demoSubjectsHash?: string;
  readonly demoRelease?: string;
  /** Published sizes of the full releases. */
  readonly releaseSizes?: readonly ReleaseSize[];
}
