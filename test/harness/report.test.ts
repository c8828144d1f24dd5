/** The report of a folder of records: what stands in it, and what must not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { htmlPage, markdown, plainText } from "../../harness/document.ts";
import { type RunSpec, writeRecord } from "../../harness/record.ts";
import { makeReport } from "../../harness/report.ts";
import { maskSmallCounts } from "../../harness/small-counts.ts";
import { tasks } from "../../tasks/index.ts";
import { callCli } from "../support/cli.ts";
import { exampleRecord } from "../support/example-record.ts";

const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };
const run = (
  auprc: number,
  spec: Partial<RunSpec> = {},
  source: "real" | "synthetic" = "synthetic",
) =>
  exampleRecord({ auprc, source, spec: { task_version: tasks.get("mortality").version, ...spec } });

t.test("it ranks, shows every metric, the cohort and the runs", async (t) => {
  const records = [
    run(0.5),
    run(0.6, { seed: 1 }),
    run(0.7, medtok),
    run(0.8, { ...medtok, seed: 1 }),
  ];
  const text = plainText(makeReport(records));
  t.match(text, /SYNTHETIC DATA: THESE NUMBERS SAY NOTHING ABOUT REAL PATIENTS/);
  t.match(
    text,
    /1 +transformer +medtok +0\.750 ± 0\.071 .* \+0\.200 \[\+0\.200, \+0\.200\] \(n=2\)/,
  );
  t.match(text, /transformer, baseline +0\.\d{3} +0\.\d{3} +0\.\d{3} +0\.\d{3}/, "other metrics");
  t.match(text, /held_out +100 +200 +50 \(25\.0 %\)/);
  for (const { run_id } of records) t.match(text, run_id);
});

t.test("records of other sources stand under a heading of their own", async (t) => {
  const headings = makeReport([run(0.5), run(0.5, {}, "real")]).blocks.flatMap((block) =>
    block.kind === "heading" ? [block.text] : [],
  );
  t.match(headings, [/real data/, /SYNTHETIC DATA/]);
});

t.test("what is masked in records is masked in it, and classes have a table", async (t) => {
  const splits = { train: [700, 175, 4], tuning: [100, 25, 3], held_out: [200, 50, 2] };
  const record = maskSmallCounts(exampleRecord({ source: "real", kind: "multilabel", splits }));
  const text = plainText(makeReport([record]));
  t.match(text, /held_out +100 +200 +50 \(25\.0 %\) +masked/);
  t.match(text, /class 0 +0\.\d{3}/);
  t.match(text, /class 1 +- /, "nothing of a class with two positives");
});

t.test("Markdown and HTML hold the same, and no markup of what records say", async (t) => {
  const evil = {
    title: "a <b> | c",
    blocks: [
      { kind: "table" as const, caption: "<i>", head: ["x|y"], rows: [["<script>", "a\nb|c"]] },
      { kind: "warning" as const, text: "LOUD & CLEAR" },
    ],
  };
  t.equal(
    markdown(evil),
    "# a <b> | c\n\n<i>\n\n| x\\|y |\n| --- |\n| <script> | a b\\|c |\n\n**LOUD & CLEAR**\n",
  );
  const page = htmlPage(evil);
  t.notMatch(page, /<script>|<i>|<b>/);
  t.match(page, /LOUD &amp; CLEAR/);
  t.notMatch(page, /(src|href)=|https?:/, "nothing from outside");
});

t.test("the command writes the file that its name says", async (t) => {
  const dir = t.testdir({});
  await writeRecord(join(dir, "runs"), run(0.5));
  for (const [name, start] of [
    ["a.md", /^# medtok-bench report\n/],
    ["b.html", /^<!doctype html>/],
  ] as const) {
    const out = join(dir, name);
    const { code, stdout, stderr } = await callCli(["report", "--results", dir, "--out", out]);
    t.equal(code, 0, stderr);
    t.match(stdout, out);
    t.match(readFileSync(out, "utf8"), start);
  }
  const none = await callCli([
    "report",
    "--results",
    join(dir, "nowhere"),
    "--out",
    join(dir, "c.md"),
  ]);
  t.equal(none.code, 1);
  t.match(none.stderr, /no folder of result records/);
});
