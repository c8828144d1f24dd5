/** One gzip CSV file, written as a stream: memory does not grow with the number of rows. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip, type Gzip } from "node:zlib";

/** Characters gathered before they are handed to the compressor. */
const CHUNK = 1 << 17;

/** Rows are gathered as text; `settle` must be awaited between blocks of rows. */
export class GzipTable {
  rows = 0;
  #text = "";
  #failure: unknown;
  readonly #gzip: Gzip;
  readonly #done: Promise<void>;

  private constructor(gzip: Gzip, done: Promise<void>) {
    this.#gzip = gzip;
    this.#done = done;
    done.catch((error: unknown) => {
      this.#failure = error;
      gzip.destroy();
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
    table.#text = `${header}\n`;
    return table;
  }

  /** Adds one or more whole lines, each ending in a newline. */
  add(lines: string, rows: number): void {
    this.#text += lines;
    this.rows += rows;
  }

  /** Passes gathered text on; resolves once the compressor can take more. */
  async settle(): Promise<void> {
    if (this.#text.length < CHUNK) return;
    await this.#flush();
  }

  /** Ends the file; resolves when its last byte is written. */
  async close(): Promise<void> {
    await this.#flush();
    this.#gzip.end();
    await this.#done;
  }

  /** Gives the file up; what was written stays where it is, for the caller to remove. */
  async abandon(): Promise<void> {
    this.#gzip.unpipe();
    this.#gzip.destroy();
    await Promise.race([this.#done.catch(() => undefined), once(this.#gzip, "close")]);
  }

  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const chunk = Buffer.from(this.#text, "latin1");
    this.#text = "";
    if (this.#gzip.write(chunk)) return;
    await Promise.race([once(this.#gzip, "drain"), this.#done]);
    if (this.#failure !== undefined) throw this.#failure;
  }
}
