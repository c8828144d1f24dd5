import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openDataset } from "../../harness/open-dataset.ts";

const silent = { start: () => {}, update: () => {}, end: () => {}, say: () => {} };

t.test("two that start at once on an empty cache both find the same store", async (t) => {
  const dir = t.testdir({});
  const flags = {
    ...{ dataset: "mimic4", "require-real": false, "twin-subjects": 100, "cache-dir": dir },
    ...{ threads: 1, memory: 400 },
  };
  const stores = await Promise.all([openDataset(flags, silent), openDataset(flags, silent)]);
  t.equal(stores[0]?.folder, stores[1]?.folder);
  t.equal(stores[0]?.info.subjects, 100);
  for (const store of stores) store.close();
  t.same(readdirSync(join(dir, "twins")).length, 1, "and nothing is left beside");
  t.same(
    readdirSync(dir).filter((name) => name.startsWith(".")),
    [],
  );
});
