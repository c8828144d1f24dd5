/**
 * What every part may rely on about events: one MEDS dataset on disk, whatever the source was.
 *
 * Layout of a store folder:
 *   data/*.parquet                   events, sorted by subject then time, null times first
 *   metadata/codes.parquet           one row a code
 *   metadata/subject_splits.parquet  subject_id, split
 *   metadata/subjects.parquet        one row a subject
 *   metadata/visits.parquet          one row a visit
 *   metadata/icu_stays.parquet       one row an ICU stay
 *   metadata/true_risk.parquet       synthetic twins only: the true risk of each outcome
 *   metadata/true_orders.parquet     synthetic twins only, but not older ones: the true probability of each drug
 *   metadata/true_products.parquet   beside it: as what the drugs are ordered
 *   metadata/published_labels.parquet  labels that came with the source, where there are any
 *   metadata/dataset.json            MEDS fields, and StoreInfo under "medtok_bench"
 *
 * Views a query may use, with their columns:
 *   events     subject_id BIGINT, time TIMESTAMP (null = static), code VARCHAR, numeric_value FLOAT,
 *              text_value VARCHAR (the drug's name as written, or a value that is no number), visit_id BIGINT,
 *              drug_type VARCHAR (MAIN | BASE | ADDITIVE), route VARCHAR,
 *              unit VARCHAR (of numeric_value; null in sources without measurements)
 *   codes      code VARCHAR, description VARCHAR, parent_codes VARCHAR[], kind VARCHAR (a CodeKind)
 *   subjects   subject_id BIGINT, birth_time TIMESTAMP, death_time TIMESTAMP, sex VARCHAR ('F' | 'M' | null),
 *              race VARCHAR (as recorded at the first visit; null when unknown)
 *   visits     subject_id BIGINT, visit_id BIGINT (negative: the source gave none), visit_type VARCHAR ('inpatient' | 'outpatient' | 'emergency'),
 *              start_time TIMESTAMP, end_time TIMESTAMP, died BOOLEAN (during the visit), admission_type VARCHAR
 *   icu_stays  subject_id BIGINT, visit_id BIGINT (null: in no known visit), icu_stay_id BIGINT, unit VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP
 *   splits     subject_id BIGINT, split VARCHAR ('train' | 'tuning' | 'held_out')
 *   true_risk  subject_id BIGINT, visit_id BIGINT (index visit), and one DOUBLE column an outcome
 *   true_orders  subject_id BIGINT, visit_id BIGINT, any_order DOUBLE (probability of at least one drug order),
 *              first_product, second_product DOUBLE (where a drug of two products is ordered, the probability
 *              that some order is of the first, or the second), drug_0, drug_1, ... DOUBLE (that the drug is
 *              ordered); drugs of a visit are independent of each other given its row
 *   true_products  drug INTEGER (the number in the name of its column), product INTEGER (0 or 1),
 *              name VARCHAR and route VARCHAR (as orders have them), atc VARCHAR (null: none)
 *   published_labels  task VARCHAR (the source's own name), subject_id BIGINT, prediction_time TIMESTAMP,
 *              value INTEGER (1 and 0 for true and false, else the class); only where the source has labels
 *
 * A synthetic root is recognised by the file SYNTHETIC.json in it; its truth file is truth.csv.gz with
 * the columns subject_id, hadm_id (the index visit) and one column an outcome, empty where undefined.
 * truth_orders.csv.gz and truth_products.csv.gz, which older twins lack, become the two tables of drugs.
 */

/** Where data came from. Rows of different sources are never mixed or ranked together. */
export type Source = "real" | "demo" | "synthetic";

export const SPLITS = ["train", "tuning", "held_out"] as const;
export type SplitName = (typeof SPLITS)[number];

/** Name of the marker file in a synthetic root, and of the files with the true risks beside it. */
export const SYNTHETIC_MARKER = "SYNTHETIC.json";
export const TRUTH_FILE = "truth.csv.gz";
export const ORDER_TRUTH_FILES = {
  orders: "truth_orders.csv.gz",
  products: "truth_products.csv.gz",
} as const;

/** What a code is about; the order is the numeric id used in `History.kind`. Index 0 is padding. */
export const CODE_KINDS = [
  "padding",
  "diagnosis",
  "procedure",
  "drug",
  "visit",
  "demographic",
  "other",
] as const;
export type CodeKind = (typeof CODE_KINDS)[number];

/** Codes of events that every source emits under one name, so that no task needs to know the source. */
export const STRUCTURE_CODES = {
  birth: "MEDS_BIRTH",
  death: "MEDS_DEATH",
  /** Prefixes; followed by the admission type, discharge location or care unit, e.g. `HOSPITAL_ADMISSION/URGENT`. */
  admission: "HOSPITAL_ADMISSION",
  /** `HOSPITAL_DISCHARGE/DIED` exactly when the visit's `died` is true. */
  discharge: "HOSPITAL_DISCHARGE",
  icuAdmission: "ICU_ADMISSION",
  icuDischarge: "ICU_DISCHARGE",
} as const;

/** A row of raw input that was read but is not an event, counted by table and reason. */
export interface DroppedRows {
  readonly table: string;
  readonly reason: string;
  readonly rows: number;
}

/** What a synthetic root's marker says: with it anyone can make the same files again. */
export interface SyntheticOrigin {
  readonly generator_version: number;
  readonly subjects: number;
  readonly seed: number;
  readonly structure: string;
}

/** What a store says about itself; part of dataset.json and, in aggregate, of every result record. */
export interface StoreInfo {
  /** Version of the store layout; a store of another version is refused. */
  readonly store_version: number;
  readonly dataset: string;
  /** Release of the source, e.g. "2.2"; "unknown" when it cannot be told. */
  readonly dataset_version: string;
  readonly source: Source;
  /** Hash over the raw files' content (sampled), loader version and options; the same wherever the files lie. */
  readonly fingerprint: string;
  readonly subjects: number;
  readonly visits: number;
  readonly icu_stays: number;
  readonly events: number;
  /** Rows read per raw table, header excluded. */
  readonly rows_read: Readonly<Record<string, number>>;
  readonly rows_dropped: readonly DroppedRows[];
  /** Prescription rows by how their drug became an ATC code; absent for sources without prescriptions. */
  readonly drug_rows?: Readonly<Record<"file" | "ndc" | "name" | "unmapped", number>>;
  /** How the synthetic twin was made; null for other sources. */
  readonly synthetic: SyntheticOrigin | null;
  /** Whether the twin states how probable each drug of a visit was; absent where it does not. */
  readonly true_orders?: boolean;
  /** Which of the source's layouts was read; absent for sources that have one. */
  readonly layout?: string;
  /** Where the splits are from; absent: by a hash of the id. */
  readonly splits?: "source";
  /** Labels that came with the source, by its own names of tasks; absent where there are none. */
  readonly published_labels?: Readonly<Record<string, number>>;
}

/** A column as a query returns it. Integers up to 32 bits are Int32Array and booleans Uint8Array (a null
 * in them is an error: cast or coalesce); wider integers, DECIMAL, DOUBLE, FLOAT, TIMESTAMP and DATE (as
 * microseconds) are Float64Array with NaN for null; anything else, lists included, is a plain array with
 * null for null. */
export type Column = Float64Array | Int32Array | Uint8Array | unknown[];

/** The result of a query: columns by name, all of one length. */
export interface Columns {
  readonly rowCount: number;
  readonly names: readonly string[];
  /** @throws when there is no such column or it is not numeric. */
  numbers(name: string): Float64Array | Int32Array | Uint8Array;
  /** Text column. @throws when there is no such column or it is numeric. */
  strings(name: string): (string | null)[];
  /** Any column, lists as arrays. */
  values(name: string): unknown[];
}

/** Read access to one store. Only aggregate or columnar results cross into JavaScript. */
export interface EventStore {
  readonly folder: string;
  readonly info: StoreInfo;
  /** Runs one SELECT over the views and returns its whole result as columns. */
  query(sql: string): Promise<Columns>;
  /** Runs one SELECT and hands its result over in blocks, in order, without holding it whole. */
  stream(sql: string, block: (columns: Columns) => void): Promise<void>;
  /** Writes the result of one SELECT as a parquet or csv file (by extension), beside and renamed. */
  write(sql: string, file: string): Promise<void>;
  close(): void;
}
