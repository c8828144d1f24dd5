/** Reads a generated twin back, for tests. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

/** Text of one table, uncompressed. */
export function tableText(root: string, table: string): string {
  return gunzipSync(readFileSync(join(root, `${table}.csv.gz`))).toString("utf8");
}

/** Header and rows of one table; fails on a row with another number of fields. */
export function table(root: string, name: string): { header: string[]; rows: string[][] } {
  const all: string[][] = parse(tableText(root, name));
  return { header: all[0] ?? [], rows: all.slice(1) };
}

/** Rows of one table as records, column names in lower case. */
export function records(root: string, name: string): Record<string, string>[] {
  return parse(tableText(root, name), {
    columns: (header: string[]) => header.map((column) => column.toLowerCase()),
  });
}

/** Relative path -> SHA-256 of every file below a folder. */
export function fileHashes(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((f) =>
    f.isFile(),
  );
  return Object.fromEntries(
    files
      .map((f) => join(f.parentPath, f.name))
      .sort()
      .map((path) => [
        relative(root, path),
        createHash("sha256").update(readFileSync(path)).digest("hex"),
      ]),
  );
}

/** Average precision in its plain form: precision at each positive, highest score first; no ties assumed. */
export function averagePrecision(labels: readonly boolean[], scores: readonly number[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let positives = 0;
  let sum = 0;
  order.forEach((i, rank) => {
    if (labels[i] !== true) return;
    positives++;
    sum += positives / (rank + 1);
  });
  return sum / positives;
}
