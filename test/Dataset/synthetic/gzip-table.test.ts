import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { GzipTable } from "../../../Dataset/synthetic/gzip-table.ts";

t.test("what is added is what is read", async (t) => {
  const file = join(t.testdir(), "sub", "table.csv.gz");
  const table = await GzipTable.create(file, "a,b");
  const long = `${"x".repeat(300_000)},1\n`;
  table.add("1,2\n3,4\n", 2);
  table.add(long, 1);
  await table.settle();
  table.add("5,6\n", 1);
  await table.close();
  t.equal(gunzipSync(readFileSync(file)).toString(), `a,b\n1,2\n3,4\n${long}5,6\n`);
  t.equal(table.rows, 4);
});

t.test("settle waits for the compressor, so memory stays bounded", async (t) => {
  const table = await GzipTable.create(join(t.testdir(), "t.csv.gz"), "a");
  const block = `${"0123456789abcdef".repeat(4096)}\n`;
  let most = 0;
  for (let i = 0; i < 400; i++) {
    table.add(block, 1);
    if (i % 100 === 99) {
      await table.settle();
      most = Math.max(most, table.waiting);
    }
  }
  await table.close();
  t.ok(most <= 1 << 21, `${most} of ${400 * block.length} bytes wait at most`);
  t.equal(table.waiting, 0, "all is compressed at the end");
});

t.test("a failed disk rejects what waits for it", async (t) => {
  const dir = t.testdir({ taken: {} });
  const table = await GzipTable.create(join(dir, "taken"), "a");
  await t.rejects(table.close(), { code: "EISDIR" });
});

t.test("an abandoned table can be removed", async (t) => {
  const dir = t.testdir();
  const table = await GzipTable.create(join(dir, "t.csv.gz"), "a");
  table.add("1\n", 1);
  await table.abandon();
  t.ok(readdirSync(dir).length <= 1);
});
