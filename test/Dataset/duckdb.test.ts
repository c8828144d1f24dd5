import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { translateError } from "../../Dataset/duckdb-errors.ts";

async function open(t: Test, options = {}): Promise<Database> {
  const db = await Database.open({ threads: 1, ...options });
  t.teardown(() => db.close());
  return db;
}

t.test("every type arrives as its typed column, nulls as NaN or null", async (t) => {
  const db = await open(t);
  const found = await db.query(`
    SELECT * FROM (VALUES
      (1::INTEGER, 10000000000::BIGINT, 1.5::FLOAT, 2.25::DOUBLE, TIMESTAMP '2100-01-01 00:00:01', DATE '2100-01-02', true, 'a', [1, 2], 1.25::DECIMAL(9, 2)),
      (-2, -3, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL),
      (3, NULL, -1, 1e300, TIMESTAMP '1860-05-01 12:00:00', DATE '1960-01-01', true, 'longer than twelve characters', [], -1)
    ) t(i, big, f, d, ts, day, b, s, list, dec)`);
  t.equal(found.rowCount, 3);
  t.same(found.numbers("i"), Int32Array.from([1, -2, 3]));
  t.same(found.numbers("big"), Float64Array.from([1e10, -3, Number.NaN]));
  t.same(found.numbers("f"), Float64Array.from([1.5, Number.NaN, -1]));
  t.same(found.numbers("d"), Float64Array.from([2.25, Number.NaN, 1e300]));
  const micros = [Date.UTC(2100, 0, 1, 0, 0, 1), Number.NaN, Date.UTC(1860, 4, 1, 12)];
  t.same(
    found.numbers("ts"),
    Float64Array.from(micros, (ms) => ms * 1000),
  );
  const days = [Date.UTC(2100, 0, 2), Number.NaN, Date.UTC(1960, 0, 1)];
  t.same(
    found.numbers("day"),
    Float64Array.from(days, (ms) => ms * 1000),
  );
  t.same(found.numbers("b"), Uint8Array.from([1, 0, 1]));
  t.same(found.strings("s"), ["a", null, "longer than twelve characters"]);
  t.same(found.values("list"), [[1, 2], null, []]);
  t.same(found.numbers("dec"), Float64Array.from([1.25, Number.NaN, -1]));
});

t.test("sums of integers are numbers, and an empty result has its columns", async (t) => {
  const db = await open(t);
  const sum = await db.query("SELECT sum(range) AS s FROM range(1000001)");
  t.same(sum.numbers("s"), Float64Array.from([500000500000]));
  const empty = await db.query("SELECT 1 AS a, 'x' AS b WHERE false");
  t.equal(empty.rowCount, 0);
  t.same(empty.names, ["a", "b"]);
  t.same(empty.strings("b"), []);
});

t.test("columns that do not exist, or are of the other sort, are refused", async (t) => {
  const db = await open(t);
  const found = await db.query("SELECT 1 AS a, 'x' AS b");
  t.throws(() => found.numbers("c"), /no column "c"; there are a, b/);
  t.throws(() => found.numbers("b"), /not numeric/);
  t.throws(() => found.strings("a"), /not text/);
  t.same(found.values("a"), [1]);
});

t.test("a null in a small integer or a boolean is an error, not a made-up value", async (t) => {
  const db = await open(t);
  await t.rejects(db.query("SELECT CAST(NULL AS INTEGER) AS n"), /column "n".*has a null/);
  await t.rejects(db.query("SELECT CAST(NULL AS BOOLEAN) AS n"), /column "n".*has a null/);
});

t.test("a long result is the same whole and in blocks, in order", async (t) => {
  const db = await open(t);
  const sql = "SELECT range AS n, 'v' || range AS s FROM range(200000) ORDER BY n";
  const whole = await db.query(sql);
  t.equal(whole.rowCount, 200_000);
  let rows = 0;
  let blocks = 0;
  let ordered = true;
  await db.stream(sql, (block) => {
    blocks++;
    const numbers = block.numbers("n");
    const texts = block.strings("s");
    for (let i = 0; i < block.rowCount; i++) {
      ordered &&= numbers[i] === rows + i && texts[i] === `v${rows + i}`;
    }
    rows += block.rowCount;
  });
  t.equal(rows, 200_000);
  t.ok(ordered);
  t.ok(blocks > 1 && blocks < 10, `${blocks} blocks`);
});

t.test("queries asked at the same time do not disturb each other", async (t) => {
  const db = await open(t);
  const ask = (n: number) => db.query(`SELECT count(*) AS n FROM range(${n})`);
  const found = await Promise.all([ask(100_000), ask(5), ask(70_000)]);
  t.same(
    found.map((f) => f.numbers("n")[0]),
    [100_000, 5, 70_000],
  );
});

t.test(
  "files are written whole, private to their owner, and not at all after an error",
  async (t) => {
    const folder = t.testdir({});
    const db = await open(t);
    await db.write("SELECT 1 AS a, 'x,y' AS b", join(folder, "deep", "out.csv"));
    t.equal(readFileSync(join(folder, "deep", "out.csv"), "utf8"), 'a,b\n1,"x,y"\n');
    t.equal(statSync(join(folder, "deep", "out.csv")).mode & 0o777, 0o600);
    await db.write("SELECT 7 AS a", join(folder, "out.parquet"));
    const back = await db.query(`SELECT a FROM '${join(folder, "out.parquet")}'`);
    t.same(back.numbers("a"), Int32Array.from([7]));
    await t.rejects(db.write("SELECT error('no')", join(folder, "bad.csv")), /no/);
    await t.rejects(db.write("SELECT 1", join(folder, "bad.txt")), /neither .parquet nor .csv/);
    t.same(readdirSync(folder).sort(), ["deep", "out.parquet"]);
  },
);

t.test("an aborted signal interrupts the running statement and refuses the next", async (t) => {
  const stop = new AbortController();
  const db = await open(t, { signal: stop.signal });
  const endless = db.query("SELECT count(*) FROM range(100000000000) a, range(100000000000) b");
  stop.abort(new Error("stopped by the user"));
  await t.rejects(endless, /stopped by the user/);
  await t.rejects(db.query("SELECT 1"), /stopped by the user/);
});

t.test("the temporary folder of a connection goes with it", async (t) => {
  const before = process.env["TMPDIR"];
  const folder = t.testdir({});
  process.env["TMPDIR"] = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const db = await Database.open({ threads: 1 });
  t.equal(readdirSync(folder).length, 1);
  t.equal(statSync(join(folder, readdirSync(folder)[0] ?? "")).mode & 0o777, 0o700);
  db.close();
  db.close(); // a second time does nothing
  t.same(readdirSync(folder), []);
  t.ok(existsSync(folder));
});

t.test("what a user can mend says so; anything else stays a bug", async (t) => {
  const full = translateError(
    new Error('IO Error: Could not write file "/c/x.parquet": No space left on device'),
  );
  t.match(full, { message: "the disk is full", where: "/c/x.parquet", exitCode: 1 });
  t.ok(full instanceof BenchError);
  const node = translateError(new Error("ENOSPC: no space left on device, mkdtemp '/c/.ingest-1'"));
  t.match(node, { message: "the disk is full", where: "/c/.ingest-1" });
  const closed = translateError(new Error("EACCES: permission denied, mkdir '/c'"));
  t.match(closed, { message: /may not be read or written/, where: "/c" });
  const memory = translateError(new Error("Out of Memory Error: failed to pin block of size"));
  t.match(memory, { message: /memory limit/, fix: /raise the memory limit/ });
  const bug = new Error("Binder Error: no such column");
  t.equal(translateError(bug), bug);
  t.equal(translateError("text"), "text");
});

const noFullDevice = existsSync("/dev/full") ? false : "there is no /dev/full here";

t.test("a full device is reported as a full disk", { skip: noFullDevice }, async (t) => {
  const db = await open(t);
  await t.rejects(
    db.run("COPY (SELECT range, random() FROM range(100000)) TO '/dev/full' (FORMAT csv)"),
    { message: "the disk is full", where: "/dev/full" },
  );
});
