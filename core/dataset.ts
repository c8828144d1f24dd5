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
}

/** SQL over the raw tables (registered as views named by `RawTable` keys). */
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
  /** SELECT subject_id, visit_id, visit_type, start_time, end_time, died, admission_type, discharge_location, drop_reason
   * (null = keep; otherwise the visit and its rows are counted as dropped for this reason). */
  readonly visits: string;
  /** SELECT subject_id, visit_id, icu_stay_id, unit, start_time, end_time. */
  readonly icuStays: string;
  /** Each SELECT: subject_id, time, code, kind, numeric_value, text_value, visit_id, drug_type, route, drop_reason. */
  readonly events: readonly { readonly table: string; readonly select: string }[];
  /** SELECT code, description over the source's own dictionaries. */
  readonly descriptions: string;
  /** Sorted subject ids of the open demo, hashed with sha256 over their comma-joined decimal text. */
  readonly demoSubjectsHash?: string;
}
