/** A dataset: how one source's raw files become subjects, visits, ICU stays and events. */
import type { CodeKind } from "./event-store.ts";

/**
 * How a column is read. `date` has no clock; `time` may have none either. `loose-id` is a whole number that
 * may be written as 12.0, as data frames do where a column has gaps. `label` is true, false or a whole number,
 * read as an integer. `texts` is a list of text, which only parquet has.
 */
export type ColumnType =
  | "id"
  | "loose-id"
  | "integer"
  | "number"
  | "boolean"
  | "label"
  | "time"
  | "date"
  | "text"
  | "texts";

/** One raw table and the columns that are read from it; extra columns are allowed. */
export interface RawTable {
  /**
   * Path below the root without extension, e.g. `hosp/patients`; matched in any letter case, `.csv` or `.csv.gz`
   * (`.parquet` when that is the format). A part `*` stands for any name, `**` for any folders, and all files
   * that match are read as one table.
   */
  readonly file: string;
  /** Other paths at which some release has the same file. */
  readonly otherFiles?: readonly string[];
  /** Default csv. */
  readonly format?: "csv" | "parquet";
  /** Name of a further column: the path below the root of the file that a row is from, with `/`, as written. */
  readonly pathColumn?: string;
  /** Column (lower case) -> how it is read. */
  readonly columns: Readonly<Record<string, ColumnType>>;
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
 * How the rows of one table become events. Each field is an SQL expression over `r` (the raw row), `v`
 * (the row of `visits` the row belongs to, dropped visits included; nulls when there is none) and, in the
 * table of drug orders, `d` (`code`, `text` and `route` of the order). One raw row is one event; a row
 * without code or time, or whose subject or visit is unknown or dropped, is counted as dropped.
 */
export interface EventRule {
  /** Key in `tables` or in `views`. */
  readonly table: string;
  readonly kind: CodeKind;
  /** Where the kind depends on the row: an expression over `r`; `kind` is taken where it is null. */
  readonly kindOf?: string;
  /** Condition over `r`: which rows of the table this rule is about; the others are not counted by it. */
  readonly where?: string;
  readonly subject: string;
  /** Null or left out for events outside any visit. */
  readonly visit?: string;
  /** What becomes of a row whose visit is unknown or dropped: it is dropped too (the default), or kept outside
   * any visit, for sources whose rows have a time of their own. */
  readonly withoutVisit?: "drop" | "keep";
  readonly time: string;
  /** Whether a row without time is a static fact; else it is counted as dropped. */
  readonly static?: boolean;
  readonly numeric?: string;
  /** The code and the fields below are text that repeats: each uses either `r` or `d`, nothing else. */
  readonly code: string;
  readonly text?: string;
  readonly drugType?: string;
  readonly route?: string;
  readonly unit?: string;
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
export interface DatasetLayout {
  /** Name of the raw table in SQL -> where it is and what is read. */
  readonly tables: Readonly<Record<string, RawTable>>;
  /** Name -> SELECT over raw tables and earlier views, for what the SELECTs below share. */
  readonly views?: Readonly<Record<string, string>>;
  /** Views that are kept as tables, because they cost more to make than to hold. */
  readonly keptViews?: readonly string[];
  /** SELECT subject_id, birth_time, death_time, sex, race. */
  readonly subjects: string;
  /** SELECT subject_id, visit_id, visit_type, start_time, end_time, coded_time (when the visit's billing codes
   * are known), died, admission_type, discharge_location, drop_reason (null = keep; otherwise the visit and its
   * rows are counted as dropped for this reason). Only inpatient visits become admissions and discharges. */
  readonly visits: string;
  /** SELECT subject_id, visit_id (null = outside any), icu_stay_id, unit (the first), last_unit, start_time,
   * end_time; may use the tables subjects and visits. */
  readonly icuStays: string;
  readonly drugs?: DrugOrders;
  readonly events: readonly EventRule[];
  /** SELECT code, description over the source's own dictionaries. */
  readonly descriptions: string;
  /** SELECT subject_id, split: splits that come with the source, which are used as they are. Left out, or
   * without rows: by a hash of the id. */
  readonly splits?: string;
  /** SELECT task, subject_id, prediction_time, value (an integer; 1 and 0 for true and false): labels that come
   * with the source. */
  readonly publishedLabels?: string;
}

/** One of several layouts in which a source is passed on. */
export interface AlternativeLayout extends DatasetLayout {
  readonly layout: string;
  /** What its root looks like, for messages: "the folder that holds ...". */
  readonly root: string;
  /** Keys in `tables` whose files, and these columns of them, tell it from the others. */
  readonly recognisedBy: readonly string[];
}

/** A source: what it is called, where it is from, and how it is read. */
export interface DatasetDefinition extends DatasetLayout {
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
  /** Layouts of which exactly one must be found in the root; it takes the place of the definition's own. */
  readonly layouts?: readonly AlternativeLayout[];
  /** A file below the root that names the release in MEDS's fields dataset_name and dataset_version. */
  readonly releaseFile?: string;
  /** The same source read by the rules of a file that the user gives (--mapping). */
  readonly configure?: (file: string) => DatasetDefinition;
  /** Sorted subject ids of the open demo, hashed with sha256 over their comma-joined decimal text. */
  readonly demoSubjectsHash?: string;
  readonly demoRelease?: string;
  /** Published sizes of the full releases. */
  readonly releaseSizes?: readonly ReleaseSize[];
}
