/** Paths of raw tables below a root: names match in any letter case, plain or gzip, and may hold wildcards. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RawTable } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";

/** How many folders below the root `**` looks into. */
const DEPTH = 8;

/** What a table's file is called, for messages. */
export function filePattern(table: RawTable): string {
  return extensionsOf(table)
    .map((extension) => `${table.file}${extension}`)
    .join(" or ");
}

function extensionsOf(table: RawTable): readonly string[] {
  return table.format === "parquet" ? [".parquet"] : [".csv", ".csv.gz"];
}

/** The entries of a folder in a fixed order; hidden files, which other systems leave behind, are not seen. */
export function entries(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((e) => !e.name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The files of a table below `root`, sorted; empty when there are none. Where a file lies there as `.csv` and
 * as `.csv.gz`, the former is taken.
 * @throws BenchError when two names differ only in letter case.
 */
export function findFiles(root: string, table: RawTable): string[] {
  for (const file of [table.file, ...(table.otherFiles ?? [])]) {
    const found = matchPath(root, file.toLowerCase().split("/"), extensionsOf(table));
    if (found.length > 0) return found;
  }
  return [];
}

function matchPath(folder: string, parts: readonly string[], extensions: readonly string[]) {
  const [part = "", ...rest] = parts;
  if (rest.length === 0) return matchNames(folder, part, extensions);
  const found: string[] = [];
  const folders = part === "**" ? descendants(folder, DEPTH) : matchFolders(folder, part);
  for (const next of folders) found.push(...matchPath(next, rest, extensions));
  return found;
}

function matchFolders(folder: string, part: string): string[] {
  const found = entries(folder).filter(
    (e) => !e.isFile() && (part === "*" || e.name.toLowerCase() === part),
  );
  // A file of that name behind a link is no folder, and is found to be none only when it is read.
  return found
    .filter((e) => e.isDirectory() || e.isSymbolicLink())
    .map((e) => join(folder, e.name));
}

function descendants(folder: string, depth: number): string[] {
  if (depth === 0) return [folder];
  const below = entries(folder).filter((e) => e.isDirectory());
  return [folder, ...below.flatMap((e) => descendants(join(folder, e.name), depth - 1))];
}

function matchNames(folder: string, base: string, extensions: readonly string[]): string[] {
  const names = readNames(folder);
  const stems = base === "*" ? names.flatMap((name) => stemOf(name, extensions)) : [base];
  const found: string[] = [];
  for (const stem of new Set(stems)) {
    for (const extension of extensions) {
      const matches = names.filter((name) => name.toLowerCase() === `${stem}${extension}`);
      if (matches.length > 1) throw ambiguous(folder, matches);
      if (matches[0] === undefined) continue;
      found.push(join(folder, matches[0]));
      break;
    }
  }
  return found;
}

function readNames(folder: string): string[] {
  try {
    return entries(folder)
      .filter((e) => !e.isDirectory())
      .map((e) => e.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return []; // a link to a file
    throw error;
  }
}

function stemOf(name: string, extensions: readonly string[]): string[] {
  const lower = name.toLowerCase();
  const extension = extensions.find((e) => lower.endsWith(e));
  return extension === undefined ? [] : [lower.slice(0, -extension.length)];
}

function ambiguous(folder: string, matches: readonly string[]): BenchError {
  return new BenchError({
    what: `two files differ only in letter case: ${matches.join(" and ")}`,
    where: folder,
    fix: "keep the one that belongs to this release",
  });
}
