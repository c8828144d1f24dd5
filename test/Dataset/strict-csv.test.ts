/** Reading csv against a strict reader: what it refuses is refused, and what is read is what it reads. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import t from "tap";
import type { DatasetDefinition } from "../../core/dataset.ts";
import { BenchError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { mimic4 } from "../../Dataset/mimic4.ts";
import { findRawFiles } from "../../Dataset/raw-files.ts";
import { loadRawTable } from "../../Dataset/raw-tables.ts";
import { StrictCsv } from "../../Dataset/strict-csv.ts";
import { verifyCsv } from "../../Dataset/verify-file.ts";

const definition: DatasetDefinition = {
  ...mimic4,
  tables: { raw: { file: "table", columns: { a: "text", b: "text", c: "text" } } },
};

/** Rows as a strict reader has them, nulls for empty fields; null where it refuses the text. */
function strictly(text: string): (string | null)[][] | null {
  try {
    const rows: string[][] = parse(text, { bom: true, skip_empty_lines: true });
    return rows.slice(1).map((row) => row.map((field) => (field === "" ? null : field)));
  } catch {
    return null;
  }
}

/** Rows as the loader has them; null where it refuses the file. */
async function loaded(root: string, text: string): Promise<(string | null)[][] | null> {
  const path = join(root, "table.csv");
  writeFileSync(path, text);
  const db = await Database.open({ threads: 1 });
  try {
    await loadRawTable(db, findRawFiles(definition, root));
    await verifyCsv(path, false);
    const found = await db.query("SELECT a, b, c FROM raw");
    const columns = ["a", "b", "c"].map((name) => found.strings(name));
    return Array.from({ length: found.rowCount }, (_, i) => columns.map((c) => c[i] ?? null));
  } catch (error) {
    if (error instanceof BenchError) return null;
    throw error;
  } finally {
    db.close();
  }
}

t.test("a text is refused, or read as a strict reader reads it", async (t) => {
  const random = Random.fromSeed(1).derive("csv");
  const fields = ["", "", "x", '"y"', '"1,2"', '""', '"a""b"'];
  const faults = ["", "", "", "", '"', ",", ",,", '"z', 'z"', ' ""', '"" '];
  const any = (list: readonly string[]) => list[random.below(list.length)] ?? "";
  const seen = { read: 0, refused: 0 };
  const root = t.testdir({});
  for (let i = 0; i < 150; i++) {
    const rows = Array.from({ length: 3 }, () =>
      [any(fields), any(fields), `k${any(fields.slice(0, 3))}`].join(","),
    );
    const at = random.below(3);
    rows[at] = `${rows[at]}${any(faults)}`;
    if (random.below(4) === 0) rows[at] = `${any(faults)}${rows[at]}`;
    const text = `a,b,c\n${rows.join("\n")}\n`;
    const [wanted, found] = [strictly(text), await loaded(root, text)];
    seen[found === null ? "refused" : "read"]++;
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      t.same(found, wanted, JSON.stringify(text));
    }
  }
  t.ok(seen.read > 40 && seen.refused > 40, JSON.stringify(seen));
});

t.test("how a text is cut into pieces does not matter", (t) => {
  const texts = [
    '\ufeff"a",b\n"1\n2",""\n\n3,"x ""y"""\n',
    'a,b\r\n1,\r\n"2",3',
    "a,b\n1,2\n3,\n4,,\n5,6\n",
    'a,b\n1,x"\n',
    'a,b\n1,"x"y\n',
    'a,b\n1,2\n3,"x\n4,5\n',
    "a,b\r1,\r2,,\r",
    'a,b\n1,"x',
  ];
  const found = texts.map((text) => {
    const bytes = Buffer.from(text);
    const all = [1, 2, 3, 5, 100].map((length) => {
      const check = new StrictCsv();
      for (let at = 0; at < bytes.length; at += length) check.add(bytes.subarray(at, at + length));
      return check.end();
    });
    for (const other of all) t.same(other, all.at(-1), JSON.stringify(text));
    return all[0] ?? null;
  });
  t.same(found, [
    null,
    null,
    { kind: "fields", position: 11, found: 3, header: 2 },
    { kind: "quote", position: 7 },
    { kind: "quote", position: 8 },
    { kind: "quote", position: 8 },
    { kind: "fields", position: 7, found: 3, header: 2 },
    { kind: "quote", position: 4 },
  ]);
  t.end();
});

t.test("names the line, in plain text and in gzip", async (t) => {
  const folder = join(t.testdir({}), "files");
  mkdirSync(folder);
  const cases = [
    ['id,name\n1,"a ""b"", c"\n2,d"\n3,e\n', /quote is not closed, or stands/],
    ["id,name\n1,\n2,,\n3,e\n", /a row has 3 fields, the header 2/],
    ["id,name\n1,a\n2,b\0c\n3,e\n", /NUL/],
  ] as const;
  for (const [text, message] of cases) {
    for (const gzip of [false, true]) {
      const path = join(folder, gzip ? "t.csv.gz" : "t.csv");
      writeFileSync(path, gzip ? gzipSync(text) : text);
      const error = await verifyCsv(path, gzip).catch((e: unknown) => e);
      t.ok(error instanceof BenchError);
      t.match(error, { message, where: `${path}, line 3` });
    }
  }
});
