/**
 * The result of a query as typed columns. Values are copied once, straight from the vectors of each
 * chunk, and no object is made per row. Knows nothing of DuckDB but the shape of its vectors.
 */
import type { Column, Columns } from "../core/event-store.ts";
import { MICROS_PER_DAY } from "../core/time.ts";

/** How a column is held: the buffer's kind, and how a raw item becomes its value. */
export type ColumnLayout =
  | "float" // FLOAT, DOUBLE -> Float64Array, NaN for null
  | "wide" // BIGINT, TIMESTAMP (microseconds) -> Float64Array, NaN for null
  | "days" // DATE -> Float64Array in microseconds, NaN for null
  | "integer" // up to 32 bits -> Int32Array
  | "boolean" // Uint8Array
  | "number" // HUGEINT, DECIMAL and the like, item by item -> Float64Array, NaN for null
  | "values"; // text, lists and the rest -> plain array

/** One column of one chunk. */
export interface Vector {
  readonly itemCount: number;
  getItem(index: number): unknown;
}

const WORD = 4294967296; // 2^32

/** A field that a vector keeps to itself. @throws when another release of the library renamed it. */
function inner(vector: object, field: string): unknown {
  const value: unknown = Reflect.get(vector, field);
  if (value === undefined) throw new Error(`columns: vector has no field "${field}"`);
  return value;
}

/** One bit an item, 1 where it is not null; null when no item is. */
function validBits(vector: Vector): Uint8Array | null {
  const data = inner(inner(vector, "validity") as object, "data") as BigUint64Array | null;
  return data === null ? null : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function isNull(bits: Uint8Array, i: number): boolean {
  return (((bits[i >> 3] as number) >> (i & 7)) & 1) === 0;
}

/** Grows one column chunk by chunk. */
export class ColumnBuilder {
  readonly #name: string;
  readonly #layout: ColumnLayout;
  readonly #convert: (item: unknown) => unknown;
  #length = 0;
  #floats = new Float64Array(0);
  #integers = new Int32Array(0);
  #bytes = new Uint8Array(0);
  #values: unknown[] = [];

  constructor(name: string, layout: ColumnLayout, convert: (item: unknown) => unknown) {
    this.#name = name;
    this.#layout = layout;
    this.#convert = convert;
  }

  append(vector: Vector): void {
    const count = vector.itemCount;
    switch (this.#layout) {
      case "integer":
        this.#appendIntegers(vector, count);
        break;
      case "boolean":
        this.#appendBooleans(vector, count);
        break;
      case "values":
        for (let i = 0; i < count; i++) this.#values.push(this.#convert(vector.getItem(i)));
        break;
      default:
        this.#appendFloats(vector, count);
    }
    this.#length += count;
  }

  /** The column so far, and an empty builder after it. */
  take(): Column {
    const length = this.#length;
    this.#length = 0;
    const values = this.#values;
    this.#values = [];
    switch (this.#layout) {
      case "integer":
        return this.#integers.slice(0, length);
      case "boolean":
        return this.#bytes.slice(0, length);
      case "values":
        return values;
      default:
        return this.#floats.slice(0, length);
    }
  }

  #appendFloats(vector: Vector, count: number): void {
    const end = this.#length + count;
    if (this.#floats.length < end) this.#floats = grow(Float64Array, this.#floats, end);
    const target = this.#floats.subarray(this.#length, end);
    if (this.#layout === "number") {
      for (let i = 0; i < count; i++) {
        const item = vector.getItem(i);
        target[i] = item === null ? Number.NaN : (this.#convert(item) as number);
      }
      return;
    }
    const items = inner(vector, "items");
    if (items instanceof BigInt64Array) copyWide(items, target);
    else if (this.#layout === "days") copyDays(items as Int32Array, target);
    else target.set(items as Float32Array | Float64Array);
    const bits = validBits(vector);
    if (bits === null) return;
    for (let i = 0; i < count; i++) if (isNull(bits, i)) target[i] = Number.NaN;
  }

  #appendIntegers(vector: Vector, count: number): void {
    const end = this.#length + count;
    if (this.#integers.length < end) this.#integers = grow(Int32Array, this.#integers, end);
    this.#refuseNulls(vector, count);
    this.#integers.set(inner(vector, "items") as Int32Array, this.#length);
  }

  #appendBooleans(vector: Vector, count: number): void {
    const end = this.#length + count;
    if (this.#bytes.length < end) this.#bytes = grow(Uint8Array, this.#bytes, end);
    this.#refuseNulls(vector, count);
    for (let i = 0; i < count; i++) this.#bytes[this.#length + i] = vector.getItem(i) ? 1 : 0;
  }

  /** Small integers and booleans have no room for null, and a made-up value would be silent. */
  #refuseNulls(vector: Vector, count: number): void {
    const bits = validBits(vector);
    if (bits === null) return;
    for (let i = 0; i < count; i++) {
      if (!isNull(bits, i)) continue;
      throw new Error(
        `query: column "${this.#name}" is INTEGER or BOOLEAN and has a null; cast it to DOUBLE or use coalesce`,
      );
    }
  }
}

interface BufferType<T> {
  new (length: number): T;
}

function grow<T extends Float64Array | Int32Array | Uint8Array>(
  type: BufferType<T>,
  old: T,
  least: number,
): T {
  const larger = new type(Math.max(least, old.length * 2, 2048));
  larger.set(old);
  return larger;
}

function copyWide(items: BigInt64Array, target: Float64Array): void {
  // Two 32-bit halves, low first: much faster than one BigInt an item.
  const halves = new Int32Array(items.buffer, items.byteOffset, items.length * 2);
  for (let i = 0; i < items.length; i++) {
    target[i] = (halves[2 * i + 1] as number) * WORD + ((halves[2 * i] as number) >>> 0);
  }
}

function copyDays(items: Int32Array, target: Float64Array): void {
  for (let i = 0; i < items.length; i++) target[i] = (items[i] as number) * MICROS_PER_DAY;
}

/** Columns by name, all of one length. */
export class ColumnSet implements Columns {
  readonly rowCount: number;
  readonly names: readonly string[];
  readonly #columns: readonly Column[];

  constructor(rowCount: number, names: readonly string[], columns: readonly Column[]) {
    this.rowCount = rowCount;
    this.names = names;
    this.#columns = columns;
  }

  numbers(name: string): Float64Array | Int32Array | Uint8Array {
    const column = this.#column(name);
    if (Array.isArray(column)) throw new Error(`query: column "${name}" is not numeric`);
    return column;
  }

  strings(name: string): (string | null)[] {
    const column = this.#column(name);
    if (!Array.isArray(column)) throw new Error(`query: column "${name}" is not text`);
    return column as (string | null)[];
  }

  values(name: string): unknown[] {
    const column = this.#column(name);
    return Array.isArray(column) ? column : Array.from(column);
  }

  #column(name: string): Column {
    const column = this.#columns[this.names.indexOf(name)];
    if (column === undefined) {
      throw new Error(`query: no column "${name}"; there are ${this.names.join(", ")}`);
    }
    return column;
  }
}
