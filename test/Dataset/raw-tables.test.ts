import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import type { DatasetDefinition, RawTable } from "../../core/dataset.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { mimic4 } from "../../Dataset/mimic4.ts";
import { findRawFiles } from "../../Dataset/raw-files.ts";
import { loadRawTable } from "../../Dataset/raw-tables.ts";
import { rowsOf } from "./made-up-mimic.ts";

const table: RawTable = {
  file: "table",
  columns: { id: "id", at: "time", day: "date", value: "number", note: "text", later: "text" },
  optionalColumns: ["later"],
};

/** Reads one file with the columns of `table`. */
async function read(t: Test, text: string, gzip = false): Promise<Record<string, unknown>[]> {
  const root = t.testdir({});
  writeFileSync(join(root, gzip ? "table.csv.gz" : "table.csv"), gzip ? gzipSync(text) : text);
  const definition: DatasetDefinition = { ...mimic4, tables: { raw: table } };
  const db = await Database.open({ threads: 1 });
  try {
    await loadRawTable(db, findRawFiles(definition, root));
    return await rowsOf(
      { query: (sql) => db.query(sql) },
      `SELECT * REPLACE (strftime("at", '%Y-%m-%d %H:%M:%S.%g') AS "at", CAST(day AS VARCHAR) AS day) FROM raw`,
    );
  } finally {
    db.close();
  }
}

t.test("times have a clock or none, dates ignore theirs, and nothing is guessed", async (t) => {
  const times = [
    ["2150-03-01", "2150-03-01 00:00:00.000"],
    ["2150-03-01 10:20", "2150-03-01 10:20:00.000"],
    ["2150-03-01 10:20:30", "2150-03-01 10:20:30.000"],
    ["2150-03-01T10:20:30", "2150-03-01 10:20:30.000"],
    ["2150-03-01 10:20:30.250", "2150-03-01 10:20:30.250"],
    ["1850-03-01 10:20:30", "1850-03-01 10:20:30.000"],
  ];
  const rows = times.map(([text]) => `1,${text},${text},,`).join("\n");
  const found = await read(t, `id,at,day,value,note\n${rows}\n`);
  t.same(
    found.map((row) => row["at"]),
    times.map(([, at]) => at),
  );
  t.same(
    found.map((row) => row["day"]),
    times.map(([, at]) => at?.slice(0, 10)),
  );
  for (const bad of [
    "2150-3-1",
    "01/03/2150",
    "2150-02-30",
    "2150-03-01 10:20:30Z",
    "21500301",
    "noon",
  ]) {
    await t.rejects(read(t, `id,at,day,value,note\n1,${bad},,,\n`), /"at" is not a time/, bad);
    await t.rejects(read(t, `id,at,day,value,note\n1,,${bad},,\n`), /"day" is not a date/, bad);
  }
});

t.test(
  "empty fields are null, numbers may have exponents, text keeps its blanks and quotes",
  async (t) => {
    const text = 'note,value,day,at,id\n" a ""b"", c ",1.5e2,,,9007199254740991\n"",,,,\n';
    const [first, second] = await read(t, text);
    t.same(first, {
      id: 9007199254740991,
      at: null,
      day: null,
      value: 150,
      note: ' a "b", c ',
      later: null,
    });
    t.same(second, {
      id: Number.NaN,
      at: null,
      day: null,
      value: Number.NaN,
      note: null,
      later: null,
    });
    await t.rejects(
      read(t, "id,at,day,value,note\n1,,,1 mg,\n"),
      /"value" is not a number: "1 mg"/,
    );
  },
);

t.test("a byte order mark and Windows line ends are read from gzip too", async (t) => {
  const found = await read(t, "\ufeffID,At,Day,Value,Note,LATER\r\n7,,,,x,y\r\n", true);
  t.match(found, [{ id: 7, note: "x", later: "y" }]);
  t.equal(found.length, 1);
});

t.test("a table of a header alone has no rows", async (t) => {
  t.same(await read(t, "id,at,day,value,note\n"), []);
  await t.rejects(read(t, "id,at,day,value,note"), /last line has no end/);
});

t.test("a bad value is found in its row when the file is long", async (t) => {
  const rows = Array.from(
    { length: 50_000 },
    (_, i) => `${i === 41_234 ? "x" : i},,,,"line\nbreak"`,
  );
  const text = `id,at,day,value,note\n${rows.join("\n")}\n`;
  await t.rejects(read(t, text, true), {
    message: /"id" is not a whole number: "x"/,
    where: /table\.csv\.gz, row 41236$/,
  });
});
