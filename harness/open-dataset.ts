/**
 * From a dataset's name to an open event store: finds the raw files, or makes the synthetic twin and
 * says so, ingests what is not in the cache yet, and opens the store.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Options } from "yargs";
import { BenchError } from "../core/errors.ts";
import { type EventStore, SYNTHETIC_MARKER } from "../core/event-store.ts";
import { datasets } from "../Dataset/index.ts";
import { ingest } from "../Dataset/ingest.ts";
import { openStore } from "../Dataset/store.ts";
import { GENERATOR_VERSION, generateTwin, twinLayouts } from "../Dataset/synthetic/index.ts";
import { cacheFolder, privateFolder } from "./cache.ts";
import { interruptSignal } from "./interrupt.ts";
import { wholeNumber } from "./options.ts";
import type { Progress } from "./progress.ts";

/** Flags of every command that reads a dataset. */
export const datasetOptions = {
  dataset: {
    type: "string",
    demandOption: true,
    describe: `which source: ${datasets.names.join(", ")}`,
  },
  root: { type: "string", describe: "folder with the source's raw files" },
  "require-real": {
    type: "boolean",
    default: false,
    describe: "fail instead of using a synthetic twin",
  },
  "twin-subjects": {
    type: "number",
    default: 2000,
    describe: "size of the synthetic twin, where one is used",
  },
  mapping: {
    type: "string",
    describe: "json that says what the codes of a MEDS dataset mean (default: those of MIMIC-IV's)",
  },
  "drug-map": {
    type: "string",
    describe: "csv with drug and/or ndc, and atc_code: overrides the shipped drug names",
  },
  "ndc-map": { type: "string", describe: "csv with ndc and atc_code" },
  "cache-dir": {
    type: "string",
    describe: "private cache (default: MEDTOK_BENCH_CACHE, else the user's cache folder)",
  },
  threads: {
    type: "number",
    default: 1,
    describe: "threads of the tensor engine; results do not depend on it",
  },
  memory: {
    type: "number",
    default: 2048,
    describe: "memory for reading and sorting tables, in MB",
  },
} as const satisfies Record<string, Options>;

export interface DatasetFlags {
  readonly dataset: string;
  readonly root?: string | undefined;
  readonly "require-real": boolean;
  readonly "twin-subjects": number;
  readonly mapping?: string | undefined;
  readonly "drug-map"?: string | undefined;
  readonly "ndc-map"?: string | undefined;
  readonly "cache-dir"?: string | undefined;
  readonly threads: number;
  readonly memory: number;
}

/** Seed of the twin that `run` makes when a source's files are not configured; part of no other stream. */
const TWIN_SEED = 0;

/** Opens the store of a dataset, ingesting its raw files first where the cache has no store for them. */
export async function openDataset(flags: DatasetFlags, progress: Progress): Promise<EventStore> {
  const definition = datasets.get(flags.dataset);
  checkNumbers(flags);
  const cacheDir = cacheFolder(flags["cache-dir"]);
  const root =
    configuredRoot(flags.dataset, flags.root) ?? (await makeTwin(flags, cacheDir, progress));
  progress.start(`ingest ${definition.name}`, 0, "steps");
  const { folder, cached } = await ingest(definition, {
    root,
    cacheDir,
    memoryLimitMb: flags.memory,
    signal: interruptSignal,
    progress: (stage, done, total) => progress.update(done, stage, total),
    ...(flags.mapping === undefined ? {} : { mapping: flags.mapping }),
    ...(flags["drug-map"] === undefined ? {} : { drugMap: flags["drug-map"] }),
    ...(flags["ndc-map"] === undefined ? {} : { ndcMap: flags["ndc-map"] }),
  });
  progress.end(cached ? "taken from the cache" : "");
  return openStore(folder, { memoryLimitMb: flags.memory });
}

function checkNumbers(flags: DatasetFlags): void {
  wholeNumber("threads", flags.threads, 1);
  wholeNumber("memory", flags.memory, 200);
  wholeNumber("twin-subjects", flags["twin-subjects"], 100);
}

/** Where a source's raw files are: `--root`, else the variable MEDTOK_BENCH_<DATASET>, else Dataset/EHR/<dataset>
 * below the working folder; undefined when none of them is set. @throws when the named folder is missing. */
export function configuredRoot(dataset: string, flag?: string): string | undefined {
  const variable = `MEDTOK_BENCH_${dataset.toUpperCase().replaceAll("-", "_")}`;
  const configured = flag ?? process.env[variable];
  if (configured !== undefined && configured !== "") {
    const root = resolve(configured);
    if (existsSync(root)) return root;
    throw new BenchError({
      what: `the folder ${configured} does not exist`,
      where: flag === undefined ? `environment variable ${variable}` : "--root",
      fix: `give the folder that holds the raw files of ${dataset}`,
    });
  }
  const shelf = resolve("Dataset", "EHR");
  if (!existsSync(shelf)) return undefined;
  const name = readdirSync(shelf).find((entry) => entry.toLowerCase() === dataset);
  return name === undefined ? undefined : join(shelf, name);
}

/** The source's synthetic twin in the private cache, made when it is not there yet. */
async function makeTwin(
  flags: DatasetFlags,
  cacheDir: string,
  progress: Progress,
): Promise<string> {
  const subjects = flags["twin-subjects"];
  const layout = twinLayouts.find((name) => name === flags.dataset);
  if (layout === undefined) {
    throw new BenchError({
      what: `no files of ${flags.dataset} are configured, and there is no synthetic twin of it`,
      fix: `give --root DIR, or set MEDTOK_BENCH_${flags.dataset.toUpperCase()}; twins exist of ${twinLayouts.join(", ")}`,
      exitCode: 2,
    });
  }
  if (flags["require-real"]) {
    throw new BenchError({
      what: `no files of ${flags.dataset} are configured, and --require-real forbids the synthetic twin`,
      fix: `give --root DIR, or set MEDTOK_BENCH_${flags.dataset.toUpperCase()}`,
      exitCode: 2,
    });
  }
  progress.say(
    `NO ${flags.dataset.toUpperCase()} FILES ARE CONFIGURED: USING A SYNTHETIC TWIN OF ${subjects} MADE-UP SUBJECTS.\n` +
      "ITS RESULTS SAY NOTHING ABOUT REAL PATIENTS. Give --root DIR for the real files.",
  );
  const twins = privateFolder(join(cacheDir, "twins"));
  const out = join(twins, `${flags.dataset}-${subjects}-${TWIN_SEED}-v${GENERATOR_VERSION}`);
  if (existsSync(out)) return out;
  progress.start("synthetic twin", subjects, "subjects");
  try {
    await generateTwin({
      layout,
      subjects,
      seed: TWIN_SEED,
      out,
      progress: (done) => progress.update(done),
      signal: interruptSignal,
    });
  } catch (error) {
    interruptSignal.throwIfAborted();
    if (!existsSync(join(out, SYNTHETIC_MARKER))) throw error;
    // Another process was faster; its twin is the same, byte for byte.
  }
  progress.end();
  return out;
}
