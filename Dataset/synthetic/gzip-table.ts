/** One gzip CSV file, written as a stream: memory does not grow with the number of rows. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip, type Gzip } from "node:zlib";

/** Bytes gathered before they are handed to the compressor. */
const CHUNK = 1 << 18;
/** Bytes that may wait for the compressor; it runs beside the generator as long as some do. */
const MAX_WAITING = 1 << 21;

/** Rows are gathered as bytes; `settle` must be awaited between blocks of rows. */
export class GzipTable {
  rows = 0;
  #chunk = Buffer.allocUnsafeSlow(CHUNK);
  #used = 0;
  readonly #full: Buffer[] = [];
  #waiting = 0;
  #wake: () => void = () => undefined;
  #failure: unknown;
  readonly #gzip: Gzip;
  readonly #done: Promise<void>;

  private constructor(gzip: Gzip, done: Promise<void>) {
    this.#gzip = gzip;
    this.#done = done;
    done.catch((error: unknown) => {
      this.#failure = error;
      gzip.destroy();
      this.#wake();
    });
  }

  /** Creates the file and its folder, and writes the header. */
  static async create(file: string, header: string): Promise<GzipTable> {
    await mkdir(dirname(file), { recursive: true });
    const gzip = createGzip({ level: 1, chunkSize: 1 << 16 });
    const sink = createWriteStream(file);
    gzip.pipe(sink);
    gzip.on("error", (error) => sink.destroy(error));
    const table = new GzipTable(gzip, finished(sink));
    table.add(`${header}\n`, 0);
    return table;
  }

  /** Bytes that were handed over and not yet compressed. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Adds whole lines of ASCII text, each ending in a newline. */
  add(lines: string, rows: number): void {
    this.rows += rows;
    // Written at once: text that waits long is moved about by the garbage collector.
    if (this.#used + lines.length > this.#chunk.length) {
      this.#full.push(this.#chunk.subarray(0, this.#used));
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK, lines.length));
      this.#used = 0;
    }
    this.#used += this.#chunk.write(lines, this.#used, "latin1");
  }

  /** Passes full chunks on; resolves once few enough bytes wait for the compressor. */
  async settle(): Promise<void> {
    for (const chunk of this.#full.splice(0)) this.#pass(chunk);
    while (this.#waiting > MAX_WAITING && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the file; resolves when its last byte is written. */
  async close(): Promise<void> {
    await this.settle();
    this.#pass(this.#chunk.subarray(0, this.#used));
    this.#gzip.end();
    await this.#done;
  }

  /** Gives the file up; what was written stays where it is, for the caller to remove. */
  async abandon(): Promise<void> {
    this.#gzip.unpipe();
    this.#gzip.destroy();
    await Promise.race([this.#done.catch(() => undefined), once(this.#gzip, "close")]);
  }

  #pass(chunk: Buffer): void {
    this.#waiting += chunk.length;
    this.#gzip.write(chunk, () => {
      this.#waiting -= chunk.length;
      this.#wake();
    });
  }
}
