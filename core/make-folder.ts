/**
 * Makes folders that a user named. Not by `mkdir` with `recursive`: where a folder cannot be made at all, as
 * below /proc, Node 20 never returns from it.
 */
import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
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
    what: `the folder cannot be made or used: ${code === "EEXIST" ? "it is a file" : message}`,
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

/** The same, and tries whether anything can be made in it: permissions alone do not tell. @throws BenchError where not. */
export function makeWritableFolder(path: string, options: FolderOptions = {}): void {
  makeFolder(path, options);
  try {
    rmdirSync(mkdtempSync(join(path, ".try-")));
  } catch (cause) {
    refuse(resolve(path), options.fix, cause);
  }
}
