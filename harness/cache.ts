/**
 * The private cache: event stores, synthetic twins, predictions per sample. It holds subject-level data,
 * so its folders are readable by their owner only, and nothing in it is ever copied under results/.
 */
import { accessSync, chmodSync, constants, mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BenchError } from "../core/errors.ts";

/**
 * `--cache-dir`, else MEDTOK_BENCH_CACHE, else the user's cache folder. Made when missing. One that is there
 * keeps its mode, as it may be /tmp: whatever is put into it is private by itself.
 */
export function cacheFolder(flag?: string): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = resolve(flag ?? process.env["MEDTOK_BENCH_CACHE"] ?? join(base, "medtok-bench"));
  const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  return isThere ? writable(folder) : privateFolder(folder);
}

function writable(folder: string): string {
  try {
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (cause) {
    throw notPrivate(folder, cause);
  }
}

/** Makes a folder that only its owner can read. @throws BenchError when it cannot be made or is not one's own. */
export function privateFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (cause) {
    throw notPrivate(path, cause);
  }
  return path;
}

function notPrivate(path: string, cause: unknown): BenchError {
  return new BenchError({
    what: `the private folder cannot be made or used: ${cause instanceof Error ? cause.message : cause}`,
    where: path,
    fix: "name a folder of your own with --cache-dir or MEDTOK_BENCH_CACHE",
    cause,
  });
}
