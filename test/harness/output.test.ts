/** Tables on terminals of any width: nothing is cut off, and no line is longer than the terminal is wide. */
import t from "tap";
import { table, wrapped } from "../../harness/output.ts";

const HEAD = ["#", "model", "AUPRC", "vs baseline", "settings that differ"];
const ROWS = [
  [
    "1",
    "transformehr",
    "0.612 ± 0.012",
    "+0.012 [-0.004, +0.028] (n=3)",
    "learningRate=0.0005, width=64",
  ],
  ["2", "mlp", "0.600", "-", ""],
];

/** What a terminal of so many columns shows; null: no terminal. */
function shown(columns: number | null, text = () => table(HEAD, ROWS, [0])): string[] {
  const before = process.env["COLUMNS"];
  if (columns === null) delete process.env["COLUMNS"];
  else process.env["COLUMNS"] = String(columns);
  try {
    return text().split("\n");
  } finally {
    if (before === undefined) delete process.env["COLUMNS"];
    else process.env["COLUMNS"] = before;
  }
}

const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");
const ALL = [HEAD, ...ROWS].flatMap((row) => row.flatMap(wordsOf)).sort();
const longest = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));

t.test("without a terminal, or on a wide one, a row is a line", async (t) => {
  for (const columns of [null, 200]) {
    const lines = shown(columns);
    t.equal(lines.length, 3);
    t.match(lines[1], /^ 1 {4}transformehr {4}0\.612 ± 0\.012 {4}\+0\.012 \[/);
  }
});

t.test(
  "narrower: columns stand closer, then cells are wrapped, then rows become lists",
  async (t) => {
    const wide = longest(shown(null));
    const close = shown(wide - 1);
    t.equal(close.length, 3);
    t.match(close[1], /^1 {2}transformehr {2}0\.612/);
    const wrapped = shown(60);
    t.ok(wrapped.length > 3 && wrapped.length < 12);
    t.match(wrapped[0], /^# +model +AUPRC +vs/);
    for (const columns of [wide - 1, 90, 80, 70, 60, 50]) {
      const lines = shown(columns);
      t.ok(longest(lines) <= columns, `${columns} columns`);
      t.same(wordsOf(lines.join(" ")).sort(), ALL, "every word is there once");
    }
    const lists = shown(20); // narrower than any terminal is taken for
    t.same(lists[1], "model                 transformehr");
    t.equal(lists.filter((line) => line.startsWith("#")).length, 2, "a list a row");
    t.notOk(
      lists.some((line) => /^settings that differ +$/.test(line)),
      "nothing of empty cells",
    );
  },
);

t.test(
  "prose breaks between words, keeps its lines, and is left alone without a terminal",
  async (t) => {
    const word = "w".repeat(45);
    const prose = () => wrapped(`one two three four five six seven eight nine ten\n\n${word} end`);
    t.same(shown(40, prose), [
      "one two three four five six seven eight",
      "nine ten",
      "",
      word, // too long for any line
      "end",
    ]);
    t.equal(shown(null, prose).length, 3);
  },
);
