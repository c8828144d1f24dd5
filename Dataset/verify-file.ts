/**
 * Reads a raw csv file to its end and checks what the table reader does not: the length and checksum of gzip,
 * which it takes for a shorter file when it was cut, and whether a strict reader would take the text.
 */
import { createReadStream } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { BenchError } from "../core/errors.ts";
import { StrictCsv } from "./strict-csv.ts";

export function damagedGzip(path: string, cause: unknown): BenchError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const cut = message.includes("unexpected end of file");
  return new BenchError({
    what: cut ? "the gzip file ends too early" : `the gzip file is damaged (${message})`,
    where: path,
    fix: "download it again and compare its checksum with the published one",
    cause,
  });
}

/** Hands a file's text over in pieces. @throws BenchError for damaged gzip; the signal's reason when aborted. */
async function readText(
  path: string,
  gzip: boolean,
  piece: (bytes: Buffer) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sink = new Writable({
    highWaterMark: 1 << 22,
    write: (chunk: Buffer, _encoding, done) => {
      piece(chunk);
      done();
    },
  });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const options = signal === undefined ? {} : { signal };
  try {
    if (gzip) await pipeline(source, createGunzip({ chunkSize: 1 << 20 }), sink, options);
    else await pipeline(source, sink, options);
  } catch (cause) {
    signal?.throwIfAborted();
    throw gzip ? damagedGzip(path, cause) : cause;
  }
}

/**
 * Checks one file: gzip, quotes, and rows with more fields than the header.
 * @throws BenchError that names the line; the signal's reason when aborted.
 */
export async function verifyCsv(path: string, gzip: boolean, signal?: AbortSignal): Promise<void> {
  const text = new StrictCsv();
  await readText(path, gzip, (bytes) => text.add(bytes), signal);
  const fault = text.end();
  if (fault === undefined) return;
  const where = `${path}, line ${await lineOf(path, gzip, fault.position, signal)}`;
  if (fault.kind === "fields") throw wrongFields(where, fault.found, fault.header);
  if (fault.kind === "nul") {
    const fix = "restore the file as it was published";
    throw new BenchError({ what: "the text holds a NUL character", where, fix });
  }
  throw new BenchError({
    what: "a quote is not closed, or stands inside a field that is not quoted",
    where,
    fix: "restore the file as it was published; quotes go round whole fields, and are doubled within",
  });
}

/** A row that is longer or shorter than the header. */
export function wrongFields(
  where: string,
  found: number,
  header: number,
  cause?: unknown,
): BenchError {
  return new BenchError({
    what: `a row has ${found} fields, the header ${header}`,
    where,
    fix: "restore the row as it was published; a file that was cut short often ends in such a row",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Number of the line that holds a byte of the text; only looked for after a failure. */
async function lineOf(
  path: string,
  gzip: boolean,
  position: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let line = 1;
  let before = 0;
  const count = (bytes: Buffer) => {
    const end = Math.min(bytes.length, position - before);
    for (let i = bytes.indexOf(10); i >= 0 && i < end; i = bytes.indexOf(10, i + 1)) line++;
    before += bytes.length;
  };
  await readText(path, gzip, count, signal);
  return line;
}
