/**
 * Makes folders that a user named. Not by `mkdir` with `recursive`: where a folder cannot be made at all, as
 * below /proc, Node 20 never returns from it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BenchError } from "./errors.ts";

export interface FolderOptions {
  /** Of the folders that are made; those that were there keep theirs. */
  readonly mode?: number;
  /** What to do where it cannot be made. */
  readonly fix?: string;
}

/** Whether a path is a folder; false for what is below a file. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function refuse(folder: string, fix: string | undefined, cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException;
  throw new BenchError({
    what: `the folder cannot be made or used: ${code === "EEXIST" || code === "ENOTDIR" ? "it is a file" : message}`,
    where: folder,
    fix: fix ?? "name a folder in a place where you may write",
    cause,
  });
}

/** Makes a folder and those above it, where they are missing. @throws BenchError naming the one that cannot be made. */
export function makeFolder(path: string, options: FolderOptions = {}): void {
  const folder = resolve(path);
  if (isFolder(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above, options);
  try {
    mkdirSync(folder, options.mode);
  } catch (cause) {
    if (isFolder(folder)) return; // another process was faster
    refuse(folder, options.fix, cause);
  }
}

/**
 * Tries whether anything could be written to a folder, that may be still to be made: permissions alone do not
 * tell. Leaves nothing behind. @throws BenchError naming the folder above it that is there, where nothing can be made.
 */
export function tryFolder(path: string, options: FolderOptions = {}): void {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    rmdirSync(mkdtempSync(join(folder, ".try-")));
  } catch (cause) {
    refuse(folder, options.fix, cause);
  }
}
