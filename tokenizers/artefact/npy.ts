/**
 * NumPy's `.npy` files: version 1.0 written (little endian, C order), versions 1 to 3 read. Format:
 * numpy.lib.format. Large arrays are read by rows, and written in pieces.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { BenchError } from "../../core/errors.ts";

/** Element types by their NumPy name. */
const ARRAYS = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "<i2": Int16Array,
  "<i4": Int32Array,
  "<i8": BigInt64Array,
} as const;

export type NpyType = keyof typeof ARRAYS;
export type NpyArray = Float32Array | Float64Array | Int16Array | Int32Array | BigInt64Array;

export interface NpyHeader {
  readonly type: NpyType;
  readonly shape: readonly number[];
  /** Bytes before the first element. */
  readonly start: number;
}

const MAGIC = Buffer.from("\x93NUMPY", "latin1");
/** Headers are padded so that the data start at a multiple of this. */
const ALIGNMENT = 64;

function typeOf(values: NpyArray): NpyType {
  const found = Object.entries(ARRAYS).find(([, kind]) => values instanceof kind);
  return found?.[0] as NpyType;
}

/** The bytes before the data of an array. */
export function npyHeader(type: NpyType, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const head = MAGIC.length + 4;
  const total = Math.ceil((head + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(total, " ");
  MAGIC.copy(bytes);
  bytes.writeUInt8(1, 6);
  bytes.writeUInt8(0, 7);
  bytes.writeUInt16LE(total - head, 8);
  bytes.write(text, head, "latin1");
  bytes.write("\n", total - 1, "latin1");
  return bytes;
}

/** A whole file in pieces: header and data. */
export function npyBytes(values: NpyArray, shape: readonly number[]): Uint8Array[] {
  const size = shape.reduce((a, b) => a * b, 1);
  if (values.length !== size)
    throw new Error(`npy: ${values.length} values for the shape ${shape.join(" × ")}`);
  const { buffer, byteOffset, byteLength } = values;
  return [npyHeader(typeOf(values), shape), new Uint8Array(buffer, byteOffset, byteLength)];
}

function invalid(path: string, what: string): BenchError {
  return new BenchError({
    what: `not a readable .npy file: ${what}`,
    where: path,
    fix: "write it again with numpy.save, little endian and C order, or fetch it anew",
  });
}

function parseHeader(path: string, text: string, start: number): NpyHeader {
  const type = /'descr':\s*'([^']+)'/.exec(text)?.[1] ?? "";
  const isFortran = /'fortran_order':\s*True/.test(text);
  const tuple = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (!(type in ARRAYS))
    throw invalid(path, `elements "${type}" are not among ${Object.keys(ARRAYS).join(", ")}`);
  if (isFortran) throw invalid(path, "columns come first (Fortran order)");
  if (tuple === undefined) throw invalid(path, "the header names no shape");
  const shape = tuple
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw invalid(path, `the shape (${tuple})`);
  return { type: type as NpyType, shape, start };
}

function readHeader(path: string, file: number): NpyHeader {
  const head = Buffer.alloc(12);
  readSync(file, head, 0, 12, 0);
  if (!head.subarray(0, 6).equals(MAGIC)) throw invalid(path, "it does not begin as one");
  const isFirst = head.readUInt8(6) === 1;
  const length = isFirst ? head.readUInt16LE(8) : head.readUInt32LE(8);
  const from = isFirst ? 10 : 12;
  if (length > 65536) throw invalid(path, `a header of ${length} bytes`);
  const text = Buffer.alloc(length);
  readSync(file, text, 0, length, from);
  return parseHeader(path, text.toString("latin1"), from + length);
}

/** An open `.npy` file of two axes or more; rows are read when asked for. Close it when done. */
export class NpyFile {
  readonly path: string;
  readonly header: NpyHeader;
  /** Rows: the first axis. */
  readonly rows: number;
  /** Elements of a row. */
  readonly width: number;
  readonly #file: number;

  private constructor(path: string, file: number, header: NpyHeader) {
    this.path = path;
    this.header = header;
    this.rows = header.shape[0] ?? 0;
    this.width = header.shape.slice(1).reduce((a, b) => a * b, 1);
    this.#file = file;
  }

  /** @throws BenchError when it is no `.npy` file, or shorter than its header says. */
  static open(path: string): NpyFile {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch (cause) {
      throw new BenchError({
        what: "the file cannot be opened",
        where: path,
        fix: "name a folder that holds it",
        cause,
      });
    }
    try {
      const header = readHeader(path, file);
      const found = new NpyFile(path, file, header);
      const wanted = header.start + found.rows * found.rowBytes;
      const { size } = fstatSync(file);
      if (size !== wanted) throw invalid(path, `${size} bytes, ${wanted} wanted`);
      return found;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  get rowBytes(): number {
    return this.width * ARRAYS[this.header.type].BYTES_PER_ELEMENT;
  }

  /** Rows [from, from + count) as stored. */
  read(from: number, count: number): NpyArray {
    const values = new ARRAYS[this.header.type](count * this.width);
    this.readInto(new Uint8Array(values.buffer), from);
    return values;
  }

  /** Bytes of rows from `from` on, as many as fit into `bytes`. */
  readInto(bytes: Uint8Array, from: number): void {
    let done = 0;
    const start = this.header.start + from * this.rowBytes;
    while (done < bytes.length) {
      const got = readSync(this.#file, bytes, done, bytes.length - done, start + done);
      if (got === 0) throw invalid(this.path, "it ends too early");
      done += got;
    }
  }

  /** Rows as float32. */
  floats(from: number, count: number): Float32Array {
    const values = this.read(from, count);
    return values instanceof Float32Array
      ? values
      : Float32Array.from(values as ArrayLike<number | bigint>, Number);
  }

  /** Rows as int32. @throws BenchError when a value does not fit. */
  integers(from: number, count: number): Int32Array {
    const values = this.read(from, count);
    if (values instanceof Int32Array) return values;
    const whole = new Int32Array(values.length);
    for (let i = 0; i < whole.length; i++) {
      const value = Number(values[i]);
      whole[i] = value;
      if (whole[i] !== value) throw invalid(this.path, `${value} is not a token`);
    }
    return whole;
  }

  close(): void {
    closeSync(this.#file);
  }
}
