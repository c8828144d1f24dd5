/** The cache: what makes a new store, who may read it, and what an ingest leaves behind. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { datasets } from "../../Dataset/index.ts";
import { type IngestOptions, ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";
import { mimic4Files, rowsOf, type Tables, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

const ONE: Tables = {
  "hosp/patients": [1, 2, 3, 4].map((id) => patient(id)),
  "hosp/admissions": [1, 2, 3, 4].map((id) => admission(id, id + 10)),
  "hosp/diagnoses_icd": [1, 2, 3, 4].map((id) => diagnosis(id, id + 10, "4280")),
  "hosp/prescriptions": [1, 2, 3, 4].map((id) => drug(id, id + 10)),
};

function setUp(t: Test): { root: string; cacheDir: string } {
  const folder = t.testdir({});
  return {
    root: writeRoot(join(folder, "root"), mimic4Files(ONE)),
    cacheDir: join(folder, "cache"),
  };
}

const run = (options: IngestOptions) => ingest(datasets.get("mimic4"), { threads: 1, ...options });

t.test("a second ingest of the same files is taken from the cache", async (t) => {
  const options = setUp(t);
  const first = await run(options);
  t.equal(first.cached, false);
  t.same(await run(options), { folder: first.folder, cached: true });
});

t.test(
  "changed content, times or drug maps make another store; the record's fingerprint follows content only",
  async (t) => {
    const options = setUp(t);
    const fingerprintOf = async (folder: string) => {
      const store = await openStore(folder);
      store.close();
      return store.info.fingerprint;
    };
    const first = await run(options);
    const file = join(options.root, "hosp", "diagnoses_icd.csv");
    utimesSync(file, new Date(0), new Date(0));
    const touched = await run(options);
    t.not(touched.folder, first.folder, "modification time");
    t.equal(await fingerprintOf(touched.folder), await fingerprintOf(first.folder));

    const { mtime, atime } = statSync(file);
    const other = mimic4Files({ ...ONE, "hosp/diagnoses_icd": [diagnosis(1, 11, "4281")] });
    writeFileSync(file, other["hosp/diagnoses_icd"] ?? "");
    utimesSync(file, atime, mtime);
    const changed = await run(options);
    t.equal(changed.cached, false, "content");
    t.not(await fingerprintOf(changed.folder), await fingerprintOf(first.folder));

    const map = join(options.root, "..", "map.csv");
    writeFileSync(map, "drug,atc_code\nZzyzxol,A01AA01\n");
    const mapped = await run({ ...options, drugMap: map });
    t.equal(mapped.cached, false, "drug map");
    const store = await openStore(mapped.folder);
    t.teardown(() => store.close());
    t.same(await rowsOf(store, "SELECT DISTINCT code FROM events WHERE text_value IS NOT NULL"), [
      { code: "ATC/A01AA01" },
    ]);
    t.same(store.info.drug_rows, { file: 4, ndc: 0, name: 0, unmapped: 0 });
  },
);

t.test("stores are readable by their owner only", async (t) => {
  const options = setUp(t);
  const { folder } = await run(options);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  t.ok(entries.length > 8);
  for (const path of [
    options.cacheDir,
    folder,
    ...entries.map((e) => join(e.parentPath, e.name)),
  ]) {
    const stat = statSync(path);
    t.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, path);
  }
});

t.test("an aborted ingest leaves nothing, at whatever stage", async (t) => {
  const stages: string[] = [];
  await run({ ...setUp(t), progress: (stage) => stages.push(stage) });
  t.ok(stages.length > 10);
  for (const last of [stages[0], stages[5], stages.at(-2), stages.at(-1)]) {
    const options = setUp(t);
    const stop = new AbortController();
    const progress = (stage: string) => {
      if (stage === last) stop.abort(new Error("stopped by the user"));
    };
    await t.rejects(run({ ...options, signal: stop.signal, progress }), /stopped by the user/);
    t.same(readdirSync(options.cacheDir), [], `after ${last}`);
  }
});

t.test("progress counts up to its total", async (t) => {
  const seen: [number, number][] = [];
  await run({ ...setUp(t), progress: (_stage, done, total) => seen.push([done, total]) });
  t.same(
    seen.map(([done]) => done),
    seen.map((_, i) => i),
  );
  const [done, total] = seen.at(-1) ?? [0, 1];
  t.equal(done, total);
});

t.test("two ingests at the same time give one store", async (t) => {
  const options = setUp(t);
  const [one, two] = await Promise.all([run(options), run(options)]);
  t.equal(one.folder, two.folder);
  t.same(readdirSync(options.cacheDir).length, 1);
  const store = await openStore(one.folder);
  t.equal(store.info.subjects, 4);
  store.close();
});

t.test(
  "work of a process that was killed is cleared away, that of a living one is not",
  async (t) => {
    const options = setUp(t);
    await run(options);
    const [store = ""] = readdirSync(options.cacheDir);
    rmSync(join(options.cacheDir, store), { recursive: true });
    const host = await workFolderHost(options);
    const dead = join(options.cacheDir, `.ingest-${host}-999999999-abc`);
    const living = join(options.cacheDir, `.ingest-${host}-${process.ppid}-abc`);
    const elsewhere = join(options.cacheDir, ".ingest-00000000-999999999-abc");
    for (const folder of [dead, living, elsewhere])
      mkdirSync(join(folder, "data"), { recursive: true });
    rmSync(join(options.cacheDir, store), { recursive: true });
    await run(options);
    t.same(
      readdirSync(options.cacheDir).sort(),
      [store, living, elsewhere].map((path) => path.split("/").at(-1)).sort(),
    );
  },
);

/** The part of a work folder's name that stands for this machine. */
async function workFolderHost(options: IngestOptions): Promise<string> {
  let host = "";
  const progress = () => {
    const name = readdirSync(options.cacheDir).find((n) => n.startsWith(".ingest-"));
    host = name?.split("-")[1] ?? host;
  };
  await run({ ...options, progress });
  return host;
}

t.test("remains of a store that lost its description are replaced", async (t) => {
  const options = setUp(t);
  const { folder } = await run(options);
  rmSync(join(folder, "metadata", "dataset.json"));
  t.same(await run(options), { folder, cached: false });
  const store = await openStore(folder);
  t.equal(store.info.visits, 4);
  store.close();
});

t.test(
  "a cache folder that may not be written to is said to be so",
  { skip: process.getuid?.() === 0 ? "root may write everywhere" : false },
  async (t) => {
    const options = setUp(t);
    mkdirSync(options.cacheDir);
    chmodSync(options.cacheDir, 0o500);
    t.teardown(() => chmodSync(options.cacheDir, 0o700));
    await t.rejects(run(options), { message: /may not be/, fix: /may use it/ });
  },
);

t.test("a synthetic root is marked as such and brings its true risks", async (t) => {
  const options = setUp(t);
  const origin = { generator_version: 3, subjects: 4, seed: 9, structure: "full" };
  const marker = join(options.root, "SYNTHETIC.json");
  writeFileSync(marker, JSON.stringify({ ...origin, release: "2.2" }));
  const truth = "subject_id,hadm_id,mortality,readmission_15d\n1,11,0.25,\n2,12,0.5,1e-3\n";
  writeFileSync(join(options.root, "truth.csv.gz"), gzipSync(truth));
  const { folder } = await run(options);
  const store = await openStore(folder);
  t.teardown(() => store.close());
  t.match(store.info, { source: "synthetic", dataset_version: "2.2", synthetic: origin });
  t.same(await rowsOf(store, "FROM true_risk"), [
    { subject_id: 1, visit_id: 11, mortality: 0.25, readmission_15d: Number.NaN },
    { subject_id: 2, visit_id: 12, mortality: 0.5, readmission_15d: 0.001 },
  ]);
});

t.test(
  "anything that is neither synthetic nor a demo is real, and has no true risks",
  async (t) => {
    const { folder } = await run(setUp(t));
    const store = await openStore(folder);
    t.teardown(() => store.close());
    t.match(store.info, { source: "real", dataset_version: "unknown" });
    await t.rejects(store.query("FROM true_risk"));
  },
);
