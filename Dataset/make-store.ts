/** Raw files -> the files of one event store, in a folder of its own: what is staged, in which order. */
import { join } from "node:path";
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import type { StoreInfo } from "../core/event-store.ts";
import { verifyChecksums } from "./checksums.ts";
import type { DrugMapper } from "./drugs/index.ts";
import { Database, sqlName } from "./duckdb.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { stagePublishedLabels, stageSplits } from "./provided.ts";
import type { RawFile } from "./raw-files.ts";
import { loadRawTable, makeEmptyTable } from "./raw-tables.ts";
import { describeRelease, type SyntheticFiles, writeTrueRisk } from "./release.ts";
import { stageCodes } from "./stage-codes.ts";
import { stageDrugs } from "./stage-drugs.ts";
import {
  addStructure,
  countDroppedEvents,
  DropReasons,
  stageDictionaries,
  stageEvents,
} from "./stage-events.ts";
import { countDroppedStays, stageStays, stageStructure } from "./stage-stays.ts";
import { STORE_VERSION } from "./store-layout.ts";
import { writeTrueOrders } from "./true-orders.ts";
import { verifyCsv } from "./verify-file.ts";
import {
  hasUnits,
  makePrivate,
  planShards,
  writeInfo,
  writeMetadata,
  writeShard,
} from "./write-store.ts";

export interface StoreOptions {
  /** Folder of the raw files. */
  readonly root: string;
  readonly threads?: number;
  /** Bound on DuckDB's buffers in MB, default 2048. */
  readonly memoryLimitMb?: number;
  /** Told the stage that begins, how many are done and how many there are. */
  readonly progress?: (stage: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What one store is made of. */
export interface StoreJob {
  readonly definition: DatasetDefinition;
  readonly layout: string | undefined;
  readonly options: StoreOptions;
  readonly files: readonly RawFile[];
  readonly synthetic: SyntheticFiles | undefined;
  readonly drugs: DrugMapper;
  readonly fingerprint: Fingerprint;
}

/**
 * Writes the store into `folder`; `work` is a private folder for what does not fit into memory.
 * @throws BenchError for anything wrong with the files or the disk; the signal's reason when aborted.
 */
export async function makeStore(job: StoreJob, work: string, folder: string): Promise<void> {
  const { options } = job;
  const stop = new AbortController();
  const signal =
    options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const verified = verifyFiles(job, signal);
  // Staging is held in memory, uncompressed, which is twice as fast as a file; what exceeds the limit is
  // spilled to the work folder.
  const db = await Database.open({
    spillFolder: join(work, "spill"),
    signal: options.signal,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.memoryLimitMb === undefined ? {} : { memoryLimitMb: options.memoryLimitMb }),
  });
  try {
    // Raw rows are in no order that means anything, and every file written is sorted by its own SELECT.
    await db.run("SET preserve_insertion_order = false");
    await fillStore(job, db, folder).catch(async (error: unknown) => {
      // What is wrong with a file says more than what it led to.
      if (error instanceof BenchError || options.signal?.aborted === true) throw error;
      throw (await verified) ?? error;
    });
    const problem = await verified;
    if (problem !== undefined) throw problem;
  } finally {
    stop.abort(new Error("the ingest is over"));
    await verified;
    db.close();
  }
}

/** Checks csv files, and published sums where they lie there, while the tables are read; the problem, if there is one. */
async function verifyFiles(job: StoreJob, signal: AbortSignal): Promise<unknown> {
  try {
    for (const { path, gzip, format } of job.files) {
      if (format === "csv") await verifyCsv(path, gzip, signal);
    }
    const { truth, orders } = job.synthetic ?? {};
    for (const file of [truth, orders?.products, orders?.orders]) {
      if (file !== undefined) await verifyCsv(file, true, signal);
    }
    await verifyChecksums(job.options.root, job.files, signal);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function fillStore(job: StoreJob, db: Database, folder: string): Promise<void> {
  const { definition, options } = job;
  const names = Object.keys(definition.tables);
  const stages = new Stages(names.length + definition.events.length + 3, options.progress);

  const rowsRead = await readTables(job, db, stages);
  stages.begin("subjects, visits and drugs");
  for (const [name, select] of Object.entries(definition.views ?? {})) {
    const kept = definition.keptViews?.includes(name) ? "TABLE" : "VIEW";
    await db.run(`CREATE ${kept} ${sqlName(name)} AS ${select}`);
  }
  const changed = await stageStays(db, definition);
  const provided = await stageSplits(db, definition);
  const release = await describeRelease(db, definition, job.synthetic, options.root);
  const drugRows = await stageDrugs(db, definition.drugs, job.drugs);

  stages.begin("codes and names");
  await stageStructure(db);
  const dictionaries = await stageDictionaries(db, definition);
  const reasons = new DropReasons();
  for (const [number, { table }] of definition.events.entries()) {
    stages.begin(`events of ${table}`);
    await stageEvents(db, definition, number, dictionaries, reasons);
    const neededAgain = definition.events.slice(number + 1).some((rule) => rule.table === table);
    // Frees its memory. Tables behind a view stay, since views and later rules may need them.
    if (!neededAgain && definition.views === undefined) await db.run(`DROP TABLE ${table}`);
  }
  await addStructure(db);

  const shards = await planShards(db);
  stages.more(shards.length);
  for (const [index, shard] of shards.entries()) {
    stages.begin(`sort and write part ${index + 1} of ${shards.length}`);
    await writeShard(db, folder, shard, index, hasUnits(definition));
  }
  stages.begin("code table and visits");
  await stageCodes(db, definition.descriptions);
  const labels = await stagePublishedLabels(db, definition);
  await writeMetadata(db, folder);
  const trueOrders = await writeTruth(job, db, folder);
  const info: StoreInfo = {
    store_version: STORE_VERSION,
    dataset: definition.name,
    dataset_version: release.release,
    source: release.source,
    synthetic: release.synthetic,
    fingerprint: job.fingerprint.content,
    ...(await countKept(db)),
    rows_read: rowsRead,
    rows_dropped: [
      ...changed,
      ...(await countDroppedStays(db)),
      ...(await countDroppedEvents(db, definition, reasons)),
      ...labels.dropped,
    ],
    ...(drugRows === undefined ? {} : { drug_rows: drugRows }),
    ...(trueOrders ? { true_orders: true } : {}),
    ...(job.layout === undefined ? {} : { layout: job.layout }),
    ...(provided ? { splits: "source" } : {}),
    ...(labels.tasks === undefined ? {} : { published_labels: labels.tasks }),
  };
  writeInfo(folder, definition, info);
  makePrivate(folder);
  stages.begin("done");
}

/** What only synthetic twins have; whether the probabilities of drug orders are among it. */
async function writeTruth(job: StoreJob, db: Database, folder: string): Promise<boolean> {
  const { synthetic, drugs } = job;
  if (synthetic === undefined) return false;
  await writeTrueRisk(db, synthetic, folder);
  const { orders } = synthetic;
  return orders !== undefined && (await writeTrueOrders(db, orders, drugs, folder));
}

async function readTables(
  job: StoreJob,
  db: Database,
  stages: Stages,
): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for (const [name, table] of Object.entries(job.definition.tables)) {
    stages.begin(`read ${name}`);
    const files = job.files.filter((f) => f.name === name);
    if (files.length === 0) await makeEmptyTable(db, name, table);
    else await loadRawTable(db, files, job.options.signal);
    if (files.length === 0) continue;
    const counted = await db.query(`SELECT count(*) AS n FROM ${sqlName(name)}`);
    rows[name] = counted.numbers("n")[0] ?? 0;
  }
  return rows;
}

async function countKept(
  db: Database,
): Promise<Pick<StoreInfo, "subjects" | "visits" | "icu_stays" | "events">> {
  const kept = "WHERE drop_reason IS NULL";
  const found = await db.query(`SELECT
    (SELECT count(*) FROM subjects) AS subjects,
    (SELECT count(*) FROM visits ${kept}) AS visits,
    (SELECT count(*) FROM icu_stays ${kept}) AS icu_stays,
    (SELECT count(*) FROM staged_events WHERE drop_reason = 0) AS events`);
  const value = (name: string) => found.numbers(name)[0] ?? 0;
  return {
    subjects: value("subjects"),
    visits: value("visits"),
    icu_stays: value("icu_stays"),
    events: value("events"),
  };
}

/** Counts stages for the progress display. */
class Stages {
  readonly #report: StoreOptions["progress"];
  #done = -1;
  #total: number;

  constructor(total: number, report: StoreOptions["progress"]) {
    this.#total = total;
    this.#report = report;
  }

  more(stages: number): void {
    this.#total += stages;
  }

  begin(stage: string): void {
    this.#done++;
    this.#report?.(stage, this.#done, this.#total);
  }
}
