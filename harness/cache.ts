/**
 * The private cache: event stores, synthetic twins, predictions per sample. It holds subject-level data,
 * so its folders are readable by their owner only, and nothing in it is ever copied under results/.
 */
import { chmodSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BenchError } from "../core/errors.ts";
import { isFolder, makeFolder, tryFolder } from "../core/make-folder.ts";

const FIX = "name a folder of your own with --cache-dir or MEDTOK_BENCH_CACHE";

/** `--cache-dir`, else MEDTOK_BENCH_CACHE, else the user's cache folder; there or not. */
export function cachePath(flag?: string): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return resolve(flag ?? process.env["MEDTOK_BENCH_CACHE"] ?? join(base, "medtok-bench"));
}

/** That folder, made when missing. One that is there keeps its mode, as it may be /tmp: whatever is put into it is private by itself. */
export function cacheFolder(flag?: string): string {
  const folder = cachePath(flag);
  if (!isFolder(folder)) return privateFolder(folder);
  tryFolder(folder, { fix: FIX });
  return folder;
}

/** Makes a folder that only its owner can read. @throws BenchError when it cannot be made or is not one's own. */
export function privateFolder(path: string): string {
  makeFolder(path, { mode: 0o700, fix: FIX });
  try {
    chmodSync(path, 0o700);
  } catch (cause) {
    throw new BenchError({
      what: `the folder cannot be made private: ${cause instanceof Error ? cause.message : cause}`,
      where: path,
      fix: FIX,
      cause,
    });
  }
  return path;
}
