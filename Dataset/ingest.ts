/**
 * Raw files -> event store, once: a store lies in the cache under the fingerprint of what it was made
 * from. It is written in a private folder beside and renamed as a whole, so that a failed or interrupted
 * ingest leaves nothing that could be taken for a store, and two at the same time do no harm.
 */
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import { createDrugMapper, type DrugMapper } from "./drugs/index.ts";
import { translateError } from "./duckdb-errors.ts";
import { type FingerprintedFile, fingerprint } from "./fingerprint.ts";
import { chooseLayout } from "./layouts.ts";
import { makeStore, type StoreJob, type StoreOptions } from "./make-store.ts";
import { findRawFiles } from "./raw-files.ts";
import { findSynthetic } from "./release.ts";
import { INFO_FILE, STORE_VERSION } from "./store-layout.ts";
import { claimWorkFolder, removeStaleWork } from "./work-folder.ts";

/** Raised when the code that all sources share would make other events of the same files. */
const LOADER_VERSION = 2;

export interface IngestOptions extends StoreOptions {
  /** Private folder for stores. */
  readonly cacheDir: string;
  /** The user's own drug map, and a map from NDC to ATC: csv files. */
  readonly drugMap?: string;
  readonly ndcMap?: string;
  /** What the codes of a MEDS dataset mean: a json file. */
  readonly mapping?: string;
  /** Another mapper in the place of the shipped one; its version is part of the fingerprint. */
  readonly drugMapper?: DrugMapper;
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
    makeFolder(options.cacheDir, { mode: 0o700 });
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

async function planJob(plain: DatasetDefinition, options: IngestOptions): Promise<StoreJob> {
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
    ...extra.map((path, i) =>
      described(synthetic === undefined ? "release" : `synthetic ${i}`, path),
    ),
    // They change no event and no label, and older twins, which are the same otherwise, have none.
    ...Object.entries(synthetic?.orders ?? {}).map(([name, path]) => ({
      ...described(`true ${name}`, path),
      aside: true,
    })),
  ];
  const key = fingerprint(all, {
    definition,
    drugs: drugs.version,
    loader: LOADER_VERSION,
    store: STORE_VERSION,
  });
  return { definition, layout, options, files, synthetic, drugs, fingerprint: key };
}

function described(name: string, path: string): FingerprintedFile {
  const { size, mtimeMs } = statSync(path);
  return { name, path, size, modifiedMs: mtimeMs };
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
