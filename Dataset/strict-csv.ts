/**
 * What a strict reader of comma-separated text (RFC 4180) refuses and the table reader takes all the same: a
 * quote within a field that is not quoted, and a row with more fields than the header where these are empty.
 * Also the NUL character, which no text has and no SQL takes.
 */

const QUOTE = 34;
const COMMA = 44;
const LF = 10;
const CR = 13;
/** Longest row in bytes. A longer one is a quote that was never closed. */
const LONGEST_ROW = 1 << 22;

/** The first thing that is wrong, and where: in bytes from the start of the text. */
export type CsvFault =
  | { readonly kind: "quote" | "nul"; readonly position: number }
  | {
      readonly kind: "fields";
      readonly position: number;
      readonly found: number;
      readonly header: number;
    };

/** Follows a text piece by piece. Line ends and quotes are searched for; few other bytes are looked at. */
export class StrictCsv {
  #lineEnd = LF;
  /** The row that the pieces so far have begun, from its start. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Position of the rest in the text. */
  #before = 0;
  /** Fields of the header; 0 before it. */
  #header = 0;
  /** The next quote of the bytes at hand, their length when there is none. */
  #quoteAt = -1;
  #fault: CsvFault | undefined;

  /** Takes the next piece of the text. */
  add(piece: Uint8Array): void {
    if (this.#fault !== undefined) return;
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    if (this.#before === 0) this.#lineEnd = lineEndOf(bytes);
    this.#quoteAt = -1;
    let start = this.#before === 0 ? lengthOfMark(bytes) : 0;
    for (let end = start; end >= 0 && this.#fault === undefined; ) {
      end = this.#row(bytes, start);
      if (end >= 0) start = end + 1;
    }
    const nul = bytes.indexOf(0);
    if (nul >= 0) this.#fault ??= { kind: "nul", position: this.#before + nul };
    // A copy, since the owner of a piece may use its memory again.
    this.#rest = new Uint8Array(bytes.subarray(start));
    this.#before += start;
    if (this.#rest.length > LONGEST_ROW) {
      this.#fault ??= { kind: "quote", position: this.#before };
    }
  }

  /** The first fault of the whole text; undefined when there is none. */
  end(): CsvFault | undefined {
    if (this.#rest.length > 0) this.add(Uint8Array.of(this.#lineEnd)); // the last line may lack it
    return this.#fault ?? (this.#rest.length > 0 ? this.#quoteFault(0) : undefined);
  }

  #quoteFault(at: number): CsvFault {
    return { kind: "quote", position: this.#before + at };
  }

  #nextQuote(bytes: Uint8Array, from: number): number {
    if (this.#quoteAt < from) {
      const found = bytes.indexOf(QUOTE, from);
      this.#quoteAt = found < 0 ? bytes.length : found;
    }
    return this.#quoteAt;
  }

  /** Checks the row that begins at `start`; returns the place of its line end, -1 where that is yet to come. */
  #row(bytes: Uint8Array, start: number): number {
    let end = bytes.indexOf(this.#lineEnd, start);
    if (end < 0) return -1;
    let quote = this.#nextQuote(bytes, start);
    while (quote < end) {
      if (quote > start && bytes[quote - 1] !== COMMA) {
        this.#fault = this.#quoteFault(quote);
        return end;
      }
      const close = closingQuote(bytes, quote + 1);
      if (close < 0) return -1;
      const next = bytes[close + 1];
      if (next !== COMMA && next !== LF && next !== CR) {
        this.#fault = this.#quoteFault(close);
        return end;
      }
      if (close > end) end = bytes.indexOf(this.#lineEnd, close);
      if (end < 0) return -1;
      quote = this.#nextQuote(bytes, close + 1);
    }
    this.#checkFields(bytes, start, end);
    return end;
  }

  /** Counts the fields of a row that ends in an empty one; the table reader counts those of the others. */
  #checkFields(bytes: Uint8Array, start: number, lineEnd: number): void {
    const end = bytes[lineEnd - 1] === CR && lineEnd > start ? lineEnd - 1 : lineEnd;
    if (end === start) return; // a blank line is no row
    if (this.#header === 0) this.#header = countFields(bytes, start, end);
    else if (endsEmpty(bytes, end)) {
      const found = countFields(bytes, start, end);
      const header = this.#header;
      if (found === header) return;
      this.#fault = { kind: "fields", position: this.#before + start, found, header };
    }
  }
}

/** Bytes of a byte order mark at the start. */
function lengthOfMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** LF, which CR LF ends in too; CR in the texts of old machines. */
function lineEndOf(bytes: Uint8Array): number {
  if (bytes.includes(LF)) return LF;
  const cr = bytes.indexOf(CR);
  return cr >= 0 && cr + 1 < bytes.length ? CR : LF;
}

/** The quote that ends a quoted field; -1 where it, or the byte after it, is yet to come. */
function closingQuote(bytes: Uint8Array, from: number): number {
  for (let i = bytes.indexOf(QUOTE, from); i >= 0; i = bytes.indexOf(QUOTE, i)) {
    if (i + 1 === bytes.length) return -1;
    if (bytes[i + 1] !== QUOTE) return i;
    i += 2;
  }
  return -1;
}

/** Whether the last field before `end` is empty, with quotes or without. */
function endsEmpty(bytes: Uint8Array, end: number): boolean {
  const last = bytes[end - 1];
  if (last !== QUOTE) return last === COMMA;
  return bytes[end - 2] === QUOTE && bytes[end - 3] === COMMA;
}

function countFields(bytes: Uint8Array, start: number, end: number): number {
  let fields = 1;
  let inside = false;
  for (let i = start; i < end; i++) {
    if (bytes[i] === QUOTE) inside = !inside;
    else if (bytes[i] === COMMA && !inside) fields++;
  }
  return fields;
}
