/** What a command prints on stdout: one JSON document, or text for people. */
import Table from "cli-table3";

/** Prints `value` as JSON when asked for, else the text. */
export function print(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text()}\n`);
}

/** Narrower terminals get what fits into this. */
const LEAST_WIDTH = 40;

/** Columns of the terminal, or what COLUMNS says; without bound where the output goes elsewhere and nothing is said. */
export function terminalWidth(): number {
  const told = process.stdout.columns ?? Number(process.env["COLUMNS"]);
  return told > 0 ? Math.max(LEAST_WIDTH, told) : Number.POSITIVE_INFINITY;
}

/** Blanks around cells and between columns. */
interface Spacing {
  readonly padding: number;
  readonly middle: string;
}
const WIDE: Spacing = { padding: 1, middle: "  " };
const CLOSE: Spacing = { padding: 0, middle: "  " };
const CLOSEST: Spacing = { padding: 0, middle: " " };

const spaceFor = ({ padding, middle }: Spacing, columns: number) =>
  2 * padding * columns + middle.length * (columns - 1);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Widths that sum to `room` at most, the widest columns cut first, none below its longest word; undefined where there are none. */
function cutWidths(
  natural: readonly number[],
  words: readonly number[],
  room: number,
): number[] | undefined {
  const widths = [...natural];
  while (sum(widths) > room) {
    const spare = widths.map((width, c) => (width > (words[c] as number) ? width : 0));
    const widest = Math.max(...spare);
    if (widest === 0) return undefined;
    widths[spare.indexOf(widest)] = widest - 1;
  }
  return widths;
}

interface Layout extends Spacing {
  /** Where cells are wrapped. */
  readonly widths?: readonly number[];
}

/** How a table fits into a width: as it is, closer together, or with wrapped cells; undefined where it does not. */
function layoutFor(lines: readonly (readonly string[])[], room: number): Layout | undefined {
  const columns = lines[0]?.length ?? 0;
  const widest = (lengths: (cell: string) => number) =>
    Array.from({ length: columns }, (_, c) =>
      Math.max(1, ...lines.map((line) => lengths(line[c] ?? ""))),
    );
  const longest = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
  const natural = widest((cell) => longest(cell.split("\n")));
  const words = widest((cell) => longest(cell.split(/\s+/)));
  for (const spacing of [WIDE, CLOSE])
    if (sum(natural) + spaceFor(spacing, columns) <= room) return spacing;
  for (const spacing of [CLOSE, CLOSEST]) {
    const widths = cutWidths(natural, words, room - spaceFor(spacing, columns));
    if (widths !== undefined) return { ...spacing, widths };
  }
  return undefined;
}

/** Each row as lines of a column's name and its cell, for terminals that no table fits into. */
function asLists(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const title = Math.max(...head.map((name) => name.length));
  const lists = rows.map((row) =>
    head
      .map((name, c) => [name.padEnd(title), row[c] ?? ""] as const)
      .filter(([, cell]) => cell !== "")
      .map(([name, cell]) => `${name}  ${cell.replaceAll("\n", " ")}`)
      .join("\n"),
  );
  return lists.join("\n\n");
}

const NO_LINES = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "" },
};

/**
 * A table for a terminal; numbers are right-aligned by the caller's choice of columns. Where the terminal is too
 * narrow, its columns stand closer, then cells are wrapped between words, then each row becomes a list.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const layout = layoutFor([head, ...rows], terminalWidth());
  if (layout === undefined) return asLists(head, rows);
  const { padding, middle, widths } = layout;
  const drawn = new Table({
    head: [...head],
    style: {
      ...{ head: [], border: [], compact: widths === undefined },
      ...{ "padding-left": padding, "padding-right": padding },
    },
    colAligns: head.map((_, i) => (right.includes(i) ? "right" : "left")),
    ...(widths && { colWidths: [...widths], wordWrap: true }),
    chars: { ...NO_LINES, ...(widths && { mid: " ", "mid-mid": " " }), middle },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}

/** Lines that break between words where the terminal ends, and nowhere without one. */
export function wrapped(text: string): string {
  const width = terminalWidth();
  const lines = text.split("\n").flatMap((line) => {
    const broken = [""];
    for (const word of line.split(" ")) {
      const last = broken.length - 1;
      const longer = broken[last] === "" ? word : `${broken[last]} ${word}`;
      if (longer.length <= width || broken[last] === "") broken[last] = longer;
      else broken.push(word);
    }
    return broken;
  });
  return lines.join("\n");
}

/** A path as one word of a command line that can be pasted into a shell. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** `12,345`. */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}
