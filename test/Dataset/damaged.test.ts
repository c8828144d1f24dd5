/** Damaged copies of every source: an error, a counted exclusion, or a store that differs only where the file does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import {
  attempt,
  attemptDamaged,
  damagedCopy,
  dataFiles,
  editBytes,
  faults,
  type Snapshot,
  writeChecksums,
} from "./damage.ts";
import { type SoundSource, soundSources } from "./sound-sources.ts";

/** Edits per source; `scripts/damage-sources.ts` tries ten thousand. */
const EDITS = 4;

const folder = t.testdir({});
const sources = await soundSources(join(folder, "sound"));
const after = (source: SoundSource, file: string, bytes: Buffer) =>
  attemptDamaged(folder, source, file, bytes);

async function sound(source: SoundSource): Promise<Snapshot> {
  const found = await attempt(source, join(folder, "cache", source.name));
  if (found instanceof BenchError) throw found;
  return found;
}

const isGzip = (file: string) => file.endsWith(".gz");
const bytesOf = (source: SoundSource, file: string) => readFileSync(join(source.root, file));

/** A file's text changed, and packed again where it was. */
function rewrite(source: SoundSource, file: string, change: (text: string) => string): Buffer {
  const bytes = bytesOf(source, file);
  const text = (isGzip(file) ? gunzipSync(bytes) : bytes).toString("utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file} was not changed`);
  return isGzip(file) ? gzipSync(changed) : Buffer.from(changed);
}

/** The file with the subjects' stays. */
const STAYS: Readonly<Record<string, string>> = {
  mimic3: "ADMISSIONS.csv",
  mimic4: "hosp/admissions.csv",
  "mimic4-gzip": "hosp/admissions.csv.gz",
  "ehrshot-original": "data/ehrshot.csv",
  "ehrshot-medtok": "admissions.csv",
};

for (const source of sources) {
  t.test(`${source.name}: cut short, anywhere`, async (t) => {
    const random = Random.fromSeed(11).derive(source.name);
    for (const file of random.shuffle(dataFiles(source.root)).slice(0, 2)) {
      const bytes = bytesOf(source, file);
      let at = 1 + random.below(bytes.length - 1);
      if (bytes[at - 1] === 10) at--; // a csv file that is cut between two lines looks whole
      if (at === 0) continue;
      const result = await after(source, file, bytes.subarray(0, at));
      t.ok(result instanceof BenchError, `${file} cut at ${at} of ${bytes.length}`);
    }
  });

  t.test(`${source.name}: random bytes`, async (t) => {
    const random = Random.fromSeed(12).derive(source.name);
    const before = await sound(source);
    const files = dataFiles(source.root);
    for (let i = 0; i < EDITS; i++) {
      const file = files[random.below(files.length)] ?? "";
      const edited = editBytes(bytesOf(source, file), random);
      const result = await after(source, file, edited);
      if (result instanceof BenchError) t.pass(String(result));
      else t.same(await faults(file, bytesOf(source, file), edited, before, result), [], file);
    }
  });

  t.test(`${source.name}: with published sums, any change is found`, async (t) => {
    const random = Random.fromSeed(13).derive(source.name);
    const to = join(folder, `${source.name}-sums`);
    const files = dataFiles(source.root);
    const file = files[random.below(files.length)] ?? "";
    const copy = damagedCopy(source, to, file, bytesOf(source, file));
    writeChecksums(to);
    t.notOk((await attempt(copy, join(to, "cache"))) instanceof BenchError, "sound");
    const bytes = bytesOf(source, file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const result = await attempt(damagedCopy(copy, `${to}-2`, file, bytes), join(to, "cache"));
    t.ok(result instanceof BenchError, file);
  });

  const stays = STAYS[source.name];
  if (stays === undefined) continue;

  t.test(`${source.name}: another column, the header twice, mixed line ends, a BOM`, async (t) => {
    const before = await sound(source);
    const cases: readonly (readonly [name: string, change: (text: string) => string])[] = [
      ["column", (text) => text.replace(/(subject|patient)_id/i, "person")],
      ["header twice", (text) => text.replace(/\n(.*\n)$/, `\n${text.split("\n")[0]}\n$1`)],
    ];
    for (const [name, change] of cases) {
      const result = await after(source, stays, rewrite(source, stays, change));
      t.ok(result instanceof BenchError, name);
    }
    const mixed = rewrite(source, stays, (text) => text.replace("\n", "\r\n"));
    const result = await after(source, stays, mixed);
    if (result instanceof BenchError) t.match(result.message, /line ends are mixed/);
    else t.same([...result.subjects], [...before.subjects], "mixed line ends that could be read");
    const bom = await after(
      source,
      stays,
      rewrite(source, stays, (text) => `\ufeff${text}`),
    );
    if (bom instanceof BenchError) throw bom;
    t.same([...bom.subjects], [...before.subjects], "a BOM changes nothing");
    const windows = rewrite(source, stays, (text) => text.replaceAll("\n", "\r\n"));
    const crlf = await after(source, stays, windows);
    if (crlf instanceof BenchError) throw crlf;
    t.same([...crlf.subjects], [...before.subjects], "nor do other line ends throughout");
  });

  t.test(`${source.name}: a stay that ends before it starts is counted`, async (t) => {
    // The first stay's end becomes an hour before its start.
    const change = (text: string) =>
      text.replace(/(\d{4}-\d\d-01 )(08|10)(:00:00,)[^,]*/, "$1$2$3$107:00:00");
    const result = await after(source, stays, rewrite(source, stays, change));
    if (result instanceof BenchError) throw result;
    t.match(result.info.rows_dropped[0], { table: "visits", rows: 1 });
    t.equal(result.info.visits, 3);
  });
}

t.test("a 300-year-old: the age where the source hides ages so, else counted", async (t) => {
  const cases: readonly (readonly [string, string, (text: string) => string])[] = [
    ["mimic4", "hosp/patients.csv", (text) => text.replace(",F,4", ",F,34")],
    ["ehrshot-original", "data/ehrshot.csv", (text) => text.replace("1950-02-03", "1710-02-03")],
    ["ehrshot-medtok", "patients.csv", (text) => text.replace("1950-02-03", "1710-02-03")],
  ];
  for (const [name, file, change] of cases) {
    const source = sources.find((s) => s.name === name);
    if (source === undefined) throw new Error(name);
    const result = await after(source, file, rewrite(source, file, change));
    if (result instanceof BenchError) throw result;
    t.match(result.info.rows_dropped, [{ table: "subjects", reason: /130 years/, rows: 1 }], name);
  }
  const mimic3 = sources.find((s) => s.name === "mimic3");
  if (mimic3 === undefined) throw new Error("mimic3");
  const old = rewrite(mimic3, "PATIENTS.csv", (text) => text.replace("2090-02-03", "1850-03-01"));
  const result = await after(mimic3, "PATIENTS.csv", old);
  if (result instanceof BenchError) throw result;
  t.same(result.info.rows_dropped, [], "MIMIC-III writes ages over 89 as 300");
});
