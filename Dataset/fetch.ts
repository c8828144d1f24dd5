/**
 * The open demos from PhysioNet: the files that a dataset reads, each checked against the published sums. A
 * download is written beside (`.part`) and renamed when its sum is right; one that broke off goes on where it
 * ended, within a call and in the next one.
 */
import {
  closeSync,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import { CHECKSUM_FILE, parseChecksums, sha256File } from "./checksums.ts";

/** An open demo of a dataset. */
export interface Demo {
  readonly dataset: string;
  /** Folder of the release on PhysioNet. */
  readonly url: string;
  readonly folder: string;
  readonly licence: string;
}

export const DEMOS: Readonly<Record<"mimic3-demo" | "mimic4-demo", Demo>> = {
  "mimic3-demo": {
    dataset: "mimic3",
    url: "https://physionet.org/files/mimiciii-demo/1.4/",
    folder: "mimic-iii-demo-1.4",
    licence: "ODbL 1.0",
  },
  "mimic4-demo": {
    dataset: "mimic4",
    url: "https://physionet.org/files/mimic-iv-demo/2.2/",
    folder: "mimic-iv-demo-2.2",
    licence: "ODbL 1.0",
  },
};

/** How often a download that broke off is taken up again before giving up. */
const ATTEMPTS = 4;
/** A server that sends nothing for this long is taken for lost. */
const SILENCE_MS = 60_000;

export interface FetchOptions {
  readonly url: string;
  readonly out: string;
  /** Whose tables are fetched. */
  readonly definition: DatasetDefinition;
  readonly signal?: AbortSignal;
  /** Told the file and the bytes of it that are there. */
  readonly progress?: (file: string, bytes: number) => void;
}

export interface FetchSummary {
  readonly fetched: readonly string[];
  /** Files that were there already, with the right sum. */
  readonly kept: readonly string[];
}

/**
 * Fetches a demo. @throws BenchError without a network, for an answer that is no file, a broken connection
 * or a wrong sum; the signal's reason when aborted.
 */
export async function fetchDemo(options: FetchOptions): Promise<FetchSummary> {
  const { url, out, definition } = options;
  const list = await text(new URL(CHECKSUM_FILE, url), options);
  const sums = parseChecksums(list, `${url}${CHECKSUM_FILE}`);
  const files = wantedFiles(definition, sums, url);
  makeFolder(out, { fix: "name another folder with --out" });
  const fetched: string[] = [];
  const kept: string[] = [];
  for (const file of files) {
    const target = join(out, file);
    const sum = sums.get(file) ?? "";
    if (existsSync(target) && (await sha256File(target, options.signal)) === sum) kept.push(file);
    else {
      await fetchFile(file, target, sum, options);
      fetched.push(file);
    }
  }
  writeFileSync(join(out, CHECKSUM_FILE), list); // ingest compares with it, from now on
  return { fetched, kept };
}

/** The tables that the dataset reads, and the licence and readme. */
function wantedFiles(
  definition: DatasetDefinition,
  sums: ReadonlyMap<string, string>,
  url: string,
): string[] {
  const paths = [...sums.keys()];
  const wanted = paths.filter((path) => /^(licen[cs]e|readme)[^/]*$/i.test(path));
  for (const table of Object.values(definition.tables)) {
    const names = [`${table.file}.csv`, `${table.file}.csv.gz`].map((name) => name.toLowerCase());
    const found = paths.find((path) => names.includes(path.toLowerCase()));
    if (found !== undefined) wanted.push(found);
    else if (table.optional !== true) {
      throw new BenchError({
        what: `the release does not list ${table.file}`,
        where: `${url}${CHECKSUM_FILE}`,
        fix: "this program expects another release; download the files by hand and give --root",
      });
    }
  }
  return [...new Set(wanted)];
}

async function fetchFile(file: string, target: string, sum: string, options: FetchOptions) {
  const part = `${target}.part`;
  makeFolder(dirname(part));
  const whole = existsSync(part) && (await sha256File(part, options.signal)) === sum;
  for (let attempt = 1; !whole; attempt++) {
    try {
      await download(file, part, options);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof BenchError) throw error;
      if (attempt >= ATTEMPTS) throw unreachable(new URL(file, options.url), error, sizeOf(part));
    }
  }
  const found = await sha256File(part, options.signal);
  if (found !== sum) {
    rmSync(part);
    throw new BenchError({
      what: `${file} arrived with another checksum than the published one, and was thrown away`,
      where: new URL(file, options.url).href,
      fix: "run the same command again; if it happens again, something between here and PhysioNet changes files",
    });
  }
  renameSync(part, target);
}

/** Adds to `part` what is missing of the file. */
async function download(file: string, part: string, options: FetchOptions): Promise<void> {
  const at = sizeOf(part);
  const url = new URL(file.split("/").map(encodeURIComponent).join("/"), options.url);
  const watch = new Silence(options.signal);
  try {
    const headers = at > 0 ? { range: `bytes=${at}-` } : {};
    const answer = await fetch(url, { headers, signal: watch.signal });
    const goesOn = answer.status === 206 && rangeStart(answer) === at;
    if (at > 0 && !goesOn && answer.status !== 200) {
      rmSync(part); // the server has no more than that, or another piece
      throw new Error(`the server answered ${answer.status} to a request for the rest`);
    }
    if (!answer.ok || answer.body === null) throw refused(url, answer.status);
    let bytes = goesOn ? at : 0;
    const handle = openSync(part, goesOn ? "a" : "w");
    try {
      for await (const chunk of Readable.fromWeb(answer.body as ReadableStream)) {
        watch.heard();
        bytes += writeSync(handle, chunk as Buffer); // at once, so that what came before a break is kept
        options.progress?.(file, bytes);
      }
    } finally {
      closeSync(handle);
    }
  } finally {
    watch.stop();
  }
}

function rangeStart(answer: Response): number {
  return Number(/^bytes (\d+)-/.exec(answer.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

async function text(url: URL, options: FetchOptions): Promise<string> {
  const watch = new Silence(options.signal);
  try {
    const answer = await fetch(url, { signal: watch.signal });
    if (!answer.ok) throw refused(url, answer.status);
    return await answer.text();
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof BenchError ? error : unreachable(url, error, 0);
  } finally {
    watch.stop();
  }
}

/** Aborts when nothing was heard for a while, or when the user aborts. */
class Silence {
  readonly #stop = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout;

  constructor(signal: AbortSignal | undefined) {
    this.signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.#timer = this.#start();
  }

  #start(): NodeJS.Timeout {
    const end = () => this.#stop.abort(new Error("the server fell silent"));
    return setTimeout(end, SILENCE_MS);
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function refused(url: URL, status: number): BenchError {
  return new BenchError({
    what: `the server answered ${status}`,
    where: url.href,
    fix:
      status === 404
        ? "the release may have moved; look for it on physionet.org and give the downloaded folder with --root"
        : "try again later, or download the files with a browser and give their folder with --root",
  });
}

function unreachable(url: URL, cause: unknown, bytes: number): BenchError {
  return new BenchError({
    what:
      bytes > 0
        ? `the connection to ${url.host} broke off after ${bytes} bytes`
        : `${url.host} cannot be reached`,
    where: url.href,
    fix:
      bytes > 0
        ? "run the same command again: it goes on from there"
        : "check the network of this machine, or download the files elsewhere and give their folder with --root",
    cause,
  });
}
