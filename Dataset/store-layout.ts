/** Files of an event store, their columns, and its version; shared by writing and opening. */
import { join } from "node:path";

/** Raised when a store of the version before can no longer be read. */
export const STORE_VERSION = 1;

/** Key of dataset.json under which a store says what it is. */
export const INFO_KEY = "medtok_bench";
export const INFO_FILE = join("metadata", "dataset.json");

/** One table of a store: where it lies, and which columns a query may use. */
export interface StoreTable {
  readonly view: string;
  /** Path below the store's folder; a pattern for the events. */
  readonly file: string;
  readonly columns: Readonly<Record<string, string>>;
  /** Columns that only some stores have; the view has them always, null where the file lacks them. */
  readonly optionalColumns?: Readonly<Record<string, string>>;
  /** Missing in stores of most sources; further columns are allowed. */
  readonly optional?: boolean;
}

export const STORE_TABLES: readonly StoreTable[] = [
  {
    view: "events",
    file: join("data", "*.parquet"),
    columns: {
      subject_id: "BIGINT",
      time: "TIMESTAMP",
      code: "VARCHAR",
      numeric_value: "FLOAT",
      text_value: "VARCHAR",
      visit_id: "BIGINT",
      drug_type: "VARCHAR",
      route: "VARCHAR",
    },
    optionalColumns: { unit: "VARCHAR" },
  },
  {
    view: "codes",
    file: join("metadata", "codes.parquet"),
    columns: {
      code: "VARCHAR",
      description: "VARCHAR",
      parent_codes: "VARCHAR[]",
      kind: "VARCHAR",
    },
  },
  {
    view: "subjects",
    file: join("metadata", "subjects.parquet"),
    columns: {
      subject_id: "BIGINT",
      birth_time: "TIMESTAMP",
      death_time: "TIMESTAMP",
      sex: "VARCHAR",
      race: "VARCHAR",
    },
  },
  {
    view: "visits",
    file: join("metadata", "visits.parquet"),
    columns: {
      subject_id: "BIGINT",
      visit_id: "BIGINT",
      visit_type: "VARCHAR",
      start_time: "TIMESTAMP",
      end_time: "TIMESTAMP",
      died: "BOOLEAN",
      admission_type: "VARCHAR",
    },
  },
  {
    view: "icu_stays",
    file: join("metadata", "icu_stays.parquet"),
    columns: {
      subject_id: "BIGINT",
      visit_id: "BIGINT",
      icu_stay_id: "BIGINT",
      unit: "VARCHAR",
      start_time: "TIMESTAMP",
      end_time: "TIMESTAMP",
    },
  },
  {
    view: "splits",
    file: join("metadata", "subject_splits.parquet"),
    columns: { subject_id: "BIGINT", split: "VARCHAR" },
  },
  {
    view: "true_risk",
    file: join("metadata", "true_risk.parquet"),
    columns: { subject_id: "BIGINT", visit_id: "BIGINT" },
    optional: true,
  },
  {
    view: "true_orders",
    file: join("metadata", "true_orders.parquet"),
    columns: {
      subject_id: "BIGINT",
      visit_id: "BIGINT",
      any_order: "DOUBLE",
      first_product: "DOUBLE",
      second_product: "DOUBLE",
    },
    optional: true,
  },
  {
    view: "true_products",
    file: join("metadata", "true_products.parquet"),
    columns: {
      drug: "INTEGER",
      product: "INTEGER",
      name: "VARCHAR",
      route: "VARCHAR",
      atc: "VARCHAR",
    },
    optional: true,
  },
  {
    view: "published_labels",
    file: join("metadata", "published_labels.parquet"),
    columns: {
      task: "VARCHAR",
      subject_id: "BIGINT",
      prediction_time: "TIMESTAMP",
      value: "INTEGER",
    },
    optional: true,
  },
];

/** The table of a view. @throws when there is none. */
export function storeTable(view: string): StoreTable {
  const table = STORE_TABLES.find((t) => t.view === view);
  if (table === undefined) throw new Error(`no store table "${view}"`);
  return table;
}
