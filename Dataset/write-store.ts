/** Staging database -> the files of an event store, in a folder that nobody reads yet. */
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatasetDefinition } from "../core/dataset.ts";
import type { StoreInfo } from "../core/event-store.ts";
import { makeFolder } from "../core/make-folder.ts";
import { EVENTS_ARROW_SCHEMA, UNIT_EVENTS_ARROW_SCHEMA } from "./arrow-schema.ts";
import type { Database } from "./duckdb.ts";
import { INFO_FILE, INFO_KEY, STORE_VERSION, storeTable } from "./store-layout.ts";

/** Events of a shard: bounds the memory of its sort; a subject with more has a shard of its own. */
const SHARD_EVENTS = 4_000_000;

/** A block of subjects, both ends included. */
interface Shard {
  readonly first: number;
  readonly last: number;
}

function columnsOf(view: string): string {
  const columns = Object.entries(storeTable(view).columns);
  return columns.map(([name, type]) => `CAST(${name} AS ${type}) AS ${name}`).join(", ");
}

/** Blocks of subjects by id, with about SHARD_EVENTS events each. */
export async function planShards(db: Database, shardEvents = SHARD_EVENTS): Promise<Shard[]> {
  const found = await db.query(`
    SELECT min(subject_id) AS first, max(subject_id) AS last FROM (
      SELECT subject_id, (sum(n) OVER (ORDER BY subject_id) - n) // ${shardEvents} AS shard FROM (
        SELECT subject_id, count(*) AS n FROM staged_events WHERE drop_reason = 0 GROUP BY subject_id
      )
    ) GROUP BY shard ORDER BY first`);
  const first = found.numbers("first");
  const last = found.numbers("last");
  return Array.from(first, (id, i) => ({ first: id, last: last[i] ?? id }));
}

/** Whether any rule of a source gives units; the column is left out of the files where none does. */
export function hasUnits(definition: DatasetDefinition): boolean {
  return definition.events.some((rule) => rule.unit !== undefined);
}

/** Writes one shard. The order is total, so that the order of raw rows leaves no trace. */
export async function writeShard(
  db: Database,
  folder: string,
  shard: Shard,
  index: number,
  withUnits = false,
): Promise<void> {
  const columns = Object.keys(storeTable("events").columns);
  if (withUnits) columns.push("unit");
  await db.write(
    `SELECT ${columns.join(", ")} FROM staged_events
     WHERE drop_reason = 0 AND subject_id BETWEEN ${shard.first} AND ${shard.last}
     ORDER BY subject_id, time NULLS FIRST, kind, code, visit_id, text_value, drug_type, route, numeric_value, unit`,
    join(folder, "data", `${String(index).padStart(4, "0")}.parquet`),
    { "ARROW:schema": withUnits ? UNIT_EVENTS_ARROW_SCHEMA : EVENTS_ARROW_SCHEMA },
  );
}

/** Writes the tables beside the events. */
export async function writeMetadata(db: Database, folder: string): Promise<void> {
  const kept = "WHERE drop_reason IS NULL";
  const tables = {
    codes: `SELECT ${columnsOf("codes")} FROM codes ORDER BY code`,
    subjects: `SELECT ${columnsOf("subjects")} FROM subjects ORDER BY subject_id`,
    visits: `SELECT ${columnsOf("visits")} FROM visits ${kept} ORDER BY subject_id, start_time, visit_id`,
    icu_stays: `SELECT ${columnsOf("icu_stays")} FROM icu_stays ${kept} ORDER BY subject_id, start_time, icu_stay_id`,
    splits: `SELECT ${columnsOf("splits")} FROM splits ORDER BY subject_id`,
    published_labels: `SELECT ${columnsOf("published_labels")} FROM published_labels
      ORDER BY task, subject_id, prediction_time, value`,
  };
  const empty = await isEmpty(db, "published_labels");
  for (const [view, select] of Object.entries(tables)) {
    if (view === "published_labels" && empty) continue;
    await db.write(select, join(folder, storeTable(view).file));
  }
}

async function isEmpty(db: Database, table: string): Promise<boolean> {
  return (await db.query(`SELECT 1 AS one FROM ${table} LIMIT 1`)).rowCount === 0;
}

/** Writes dataset.json: the fields of MEDS, and what the store says about itself. */
export function writeInfo(folder: string, definition: DatasetDefinition, info: StoreInfo): void {
  const content = {
    dataset_name: definition.title,
    dataset_version: info.dataset_version,
    etl_name: "medtok-bench",
    etl_version: `${definition.name} ${definition.version}, store ${STORE_VERSION}`,
    meds_version: "0.4.1",
    created_at: new Date().toISOString(),
    license: definition.licence,
    location_uri: definition.homepage,
    description_uri: definition.homepage,
    raw_source_id_columns: ["visit_id"],
    code_modifier_columns: [],
    additional_value_modality_columns: [],
    site_id_columns: [],
    other_extension_columns: ["drug_type", "route", ...(hasUnits(definition) ? ["unit"] : [])],
    [INFO_KEY]: info,
  };
  writeFileSync(join(folder, INFO_FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/** Makes a folder and all below it readable by its owner only. */
export function makePrivate(folder: string): void {
  makeFolder(folder, { mode: 0o700 });
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makePrivate(path);
    else chmodSync(path, 0o600);
  }
}
