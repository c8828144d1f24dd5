import t from "tap";
import { Database } from "../../Dataset/duckdb.ts";
import { splitOf, splitSql } from "../../Dataset/splits.ts";

t.test("the split of a subject is the same by function and by SQL", async (t) => {
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  const found = await db.query(
    `SELECT id, ${splitSql("id")} AS split FROM (SELECT range * 7919 + 10000000 AS id FROM range(2000))`,
  );
  const ids = found.numbers("id");
  t.same(
    found.strings("split"),
    Array.from(ids, (id) => splitOf(id)),
  );
});

t.test("70, 10 and 20 per cent of subjects are train, tuning and held out", async (t) => {
  const counts = { train: 0, tuning: 0, held_out: 0 };
  const n = 20_000;
  for (let id = 1; id <= n; id++) counts[splitOf(id)]++;
  t.ok(Math.abs(counts.train / n - 0.7) < 0.01, `${counts.train} train`);
  t.ok(Math.abs(counts.tuning / n - 0.1) < 0.01, `${counts.tuning} tuning`);
  t.ok(Math.abs(counts.held_out / n - 0.2) < 0.01, `${counts.held_out} held out`);
});

t.test("splits never change: some of them are pinned", async (t) => {
  // md5sum of the text medtok-bench/split/10006, first eight digits over 2^32: 0.151, 0.737, 0.814
  t.same([1, 12, 4].map(splitOf), ["train", "tuning", "held_out"]);
});
