/** Lists of SHA-256 sums as PhysioNet publishes them beside its files, and sums of files. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BenchError } from "../core/errors.ts";
import type { RawFile } from "./raw-files.ts";

export const CHECKSUM_FILE = "SHA256SUMS.txt";

/**
 * Path below the root -> sum, from lines of `<64 hex digits> <path>`.
 * @throws BenchError for a line of another form, or a path that leaves the root.
 */
export function parseChecksums(text: string, where: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const [i, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "") continue;
    const found = /^([0-9a-fA-F]{64})[ \t]+\*?(.+?)\s*$/.exec(line);
    const path = found?.[2]?.replace(/^\.\//, "") ?? "";
    if (found === null || /^[/\\]|^[A-Za-z]:|\\|(^|\/)\.\.(\/|$)/.test(path)) {
      throw new BenchError({
        what: "this is no list of checksums",
        where: `${where}, line ${i + 1}`,
        fix: "restore the file as it was published: a sum of 64 hexadecimal digits and a path in each line",
      });
    }
    sums.set(path, (found[1] ?? "").toLowerCase());
  }
  return sums;
}

/** SHA-256 of a file, read in pieces. @throws the signal's reason when aborted. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const sink = new Writable({
    highWaterMark: 1 << 22,
    write: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done();
    },
  });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    await pipeline(source, sink, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted(); // the signal's reason is the better one
    throw error;
  }
  return hash.digest("hex");
}

/**
 * Compares the raw files with the list of sums in their root, where there is one; files that it does not list
 * (a table that was unpacked, say) are not compared.
 * @throws BenchError for a file that differs.
 */
export async function verifyChecksums(
  root: string,
  files: readonly RawFile[],
  signal: AbortSignal,
): Promise<void> {
  const list = join(root, CHECKSUM_FILE);
  if (!existsSync(list)) return;
  const sums = parseChecksums(readFileSync(list, "utf8"), list);
  for (const file of files) {
    const wanted = sums.get(file.below);
    if (wanted === undefined || (await sha256File(file.path, signal)) === wanted) continue;
    throw new BenchError({
      what: `the file is not the one that was published: its checksum differs from ${CHECKSUM_FILE}`,
      where: file.path,
      fix: `download it again, or take its line out of ${CHECKSUM_FILE} if it was changed on purpose`,
    });
  }
}
