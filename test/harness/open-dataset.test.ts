import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { cacheFolder, privateFolder } from "../../harness/cache.ts";
import { openDataset } from "../../harness/open-dataset.ts";

const silent = { start: () => {}, update: () => {}, end: () => {}, say: () => {} };

const modeOf = (path: string) => statSync(path).mode & 0o777;

t.test("a new cache folder is private, one that is there keeps its mode", async (t) => {
  const dir = t.testdir({ there: {} });
  const [there, fresh] = [join(dir, "there"), join(dir, "a", "b")];
  chmodSync(there, 0o755);
  t.equal(modeOf(cacheFolder(there)), 0o755);
  t.equal(modeOf(cacheFolder(fresh)), 0o700);
  t.equal(modeOf(privateFolder(there)), 0o700, "but a folder for private files is closed");
});

t.test("two that start at once on an empty cache both find the same store", async (t) => {
  const dir = t.testdir({});
  chmodSync(dir, 0o755);
  const flags = {
    ...{ dataset: "mimic4", "require-real": false, "twin-subjects": 100, "cache-dir": dir },
    ...{ threads: 1, memory: 400 },
  };
  const stores = await Promise.all([openDataset(flags, silent), openDataset(flags, silent)]);
  t.equal(stores[0]?.folder, stores[1]?.folder);
  t.equal(stores[0]?.info.subjects, 100);
  for (const store of stores) store.close();
  t.same(readdirSync(join(dir, "twins")).length, 1, "and nothing is left beside");
  for (const name of readdirSync(dir)) {
    t.notMatch(name, /^\./);
    t.equal(modeOf(join(dir, name)) & 0o077, 0, `${name} is its owner's alone`);
  }
});
