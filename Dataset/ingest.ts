/**
 * Raw files -> event store, once: a store lies in the cache under the fingerprint of what it was made
 * from. It is written in a private folder beside and renamed as a whole, so that a failed or interrupted
 * ingest leaves nothing that could be taken for a store, and two at the same time do no harm.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import type { StoreInfo } from "../core/event-store.ts";
import { verifyChecksums } from "./checksums.ts";
import { createDrugMapper, type DrugMapper } from "./drugs/index.ts";
import { Database, sqlName } from "./duckdb.ts";
import { translateError } from "./duckdb-errors.ts";
import { type Fingerprint, type FingerprintedFile, fingerprint } from "./fingerprint.ts";
import { chooseLayout } from "./layouts.ts";
import { stagePublishedLabels, stageSplits } from "./provided.ts";
import { findRawFiles, type RawFile, verifyGzip } from "./raw-files.ts";
import { loadRawTable, makeEmptyTable } from "./raw-tables.ts";
import { describeRelease, findSynthetic, type SyntheticFiles, writeTrueRisk } from "./release.ts";
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
import { INFO_FILE, STORE_VERSION } from "./store-layout.ts";
import { claimWorkFolder, removeStaleWork } from "./work-folder.ts";
import {
  hasUnits,
  makePrivate,
  planShards,
  writeInfo,
  writeMetadata,
  writeShard,
} from "./write-store.ts";

/** Raised when the code that all sources share would make other events of the same files. */
const LOADER_VERSION = 2;

export interface IngestOptions {
  /** Folder of the raw files. */
  readonly root: string;
  /** Private folder for stores. */
  readonly cacheDir: string;
  readonly threads?: number;
  /** Bound on DuckDB's buffers in MB, default 2048. */
  readonly memoryLimitMb?: number;
  /** The user's own drug map, and a map from NDC to ATC: csv files. */
  readonly drugMap?: string;
  readonly ndcMap?: string;
  /** What the codes of a MEDS dataset mean: a json file. */
  readonly mapping?: string;
  /** Another mapper in the place of the shipped one; its version is part of the fingerprint. */
  readonly drugMapper?: DrugMapper;
  /** Told the stage that begins, how many are done and how many there are. */
  readonly progress?: (stage: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What one ingest works with. */
interface Job {
  readonly definition: DatasetDefinition;
  readonly layout: string | undefined;
  readonly options: IngestOptions;
  readonly files: readonly RawFile[];
  readonly synthetic: SyntheticFiles | undefined;
  readonly drugs: DrugMapper;
  readonly fingerprint: Fingerprint;
}

/**
 * The folder of a source's event store, made when it is not in the cache.
 * @throws BenchError for anything wrong with the files, the maps or the disk; the signal's reason when aborted.
 */
export async function ingest(
  definition: DatasetDefinition,
  options: IngestOptions,
): Promise<{ folder: string; cached: boolean }> {
  try {
    const job = await planJob(definition, options);
    const folder = join(options.cacheDir, `${definition.name}-${job.fingerprint.cacheKey}`);
    if (existsSync(join(folder, INFO_FILE))) return { folder, cached: true };
    mkdirSync(options.cacheDir, { recursive: true, mode: 0o700 });
    removeStaleWork(options.cacheDir);
    const work = claimWorkFolder(options.cacheDir);
    try {
      const made = join(work, "store");
      await makeStore(job, work, made);
      options.signal?.throwIfAborted();
      moveIntoPlace(made, folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return { folder, cached: false };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw translateError(error);
  }
}

/** The definition by the user's mapping. @throws BenchError for a source that takes none. */
function configured(source: DatasetDefinition, mapping: string | undefined): DatasetDefinition {
  if (mapping === undefined) return source;
  if (source.configure !== undefined) return source.configure(mapping);
  throw new BenchError({
    what: `${source.name} takes no mapping: its rules are fixed`,
    where: "--mapping",
    fix: "leave the flag out, or read a MEDS dataset with --dataset meds",
    exitCode: 2,
  });
}

async function planJob(plain: DatasetDefinition, options: IngestOptions): Promise<Job> {
  const source = configured(plain, options.mapping);
  const { definition, layout } = chooseLayout(source, options.root);
  const files = findRawFiles(definition, options.root);
  const synthetic = findSynthetic(options.root);
  const drugs =
    options.drugMapper ??
    (await createDrugMapper({
      ...(options.drugMap === undefined ? {} : { mapFile: options.drugMap }),
      ...(options.ndcMap === undefined ? {} : { ndcMapFile: options.ndcMap }),
    }));
  const extra = synthetic === undefined ? [] : [synthetic.marker, synthetic.truth];
  const releaseFile = join(options.root, definition.releaseFile ?? "");
  if (definition.releaseFile !== undefined && existsSync(releaseFile)) extra.push(releaseFile);
  const all: FingerprintedFile[] = [
    // A table of several files needs the files' own names, or exchanging two of them would not be seen.
    ...files.map((f) => (/[*]/.test(f.table.file) ? { ...f, name: `${f.name} ${f.below}` } : f)),
    ...extra.map((path, i) => {
      const { size, mtimeMs } = statSync(path);
      return {
        name: synthetic === undefined ? "release" : `synthetic ${i}`,
        path,
        size,
        modifiedMs: mtimeMs,
      };
    }),
  ];
  const key = fingerprint(all, {
    definition,
    drugs: drugs.version,
    loader: LOADER_VERSION,
    store: STORE_VERSION,
  });
  return { definition, layout, options, files, synthetic, drugs, fingerprint: key };
}

/** A whole store takes its name at once. Where another process was faster, its equal store stays. */
function moveIntoPlace(made: string, folder: string): void {
  try {
    renameSync(made, folder);
  } catch (error) {
    if (existsSync(join(folder, INFO_FILE))) return;
    rmSync(folder, { recursive: true, force: true }); // remains of a store that was taken apart
    if (existsSync(folder)) throw error;
    renameSync(made, folder);
  }
}

async function makeStore(job: Job, work: string, folder: string): Promise<void> {
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
    await fillStore(job, db, folder);
    const problem = await verified;
    if (problem !== undefined) throw problem;
  } finally {
    stop.abort(new Error("the ingest is over"));
    await verified;
    db.close();
  }
}

/** Checks gzip files, and published sums where they lie there, while the tables are read; the problem, if there is one. */
async function verifyFiles(job: Job, signal: AbortSignal): Promise<unknown> {
  const paths = job.files.filter((file) => file.gzip).map((file) => file.path);
  if (job.synthetic !== undefined) paths.push(job.synthetic.truth);
  try {
    for (const path of paths) await verifyGzip(path, signal);
    await verifyChecksums(job.options.root, job.files, signal);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function fillStore(job: Job, db: Database, folder: string): Promise<void> {
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
  if (job.synthetic !== undefined) await writeTrueRisk(db, job.synthetic, folder);
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
    ...(job.layout === undefined ? {} : { layout: job.layout }),
    ...(provided ? { splits: "source" } : {}),
    ...(labels.tasks === undefined ? {} : { published_labels: labels.tasks }),
  };
  writeInfo(folder, definition, info);
  makePrivate(folder);
  stages.begin("done");
}

async function readTables(job: Job, db: Database, stages: Stages): Promise<Record<string, number>> {
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
  readonly #report: IngestOptions["progress"];
  #done = -1;
  #total: number;

  constructor(total: number, report: IngestOptions["progress"]) {
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
