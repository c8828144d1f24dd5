/** What a command prints on stdout: one JSON document, or text for people. */
import Table from "cli-table3";

/** Prints `value` as JSON when asked for, else the text. */
export function print(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text()}\n`);
}

/** A table for a terminal; numbers are right-aligned by the caller's choice of columns. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, i) => (right.includes(i) ? "right" : "left")),
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "  ",
    },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}

/** A path as one word of a command line that can be pasted into a shell. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** `12,345`. */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}
