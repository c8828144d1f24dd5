import { readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { Random } from "../../core/random.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { writeMadeUp } from "../support/artefact.ts";
import { context, fit, table, values } from "../support/tokenizer-context.ts";

/** One cache for the file: most tests ask for the same training, which is then made once. */
const cache = t.testdir({});

/** Folders of the artefacts in it. */
const cached = async () =>
  (await readdir(cache)).filter((name) => /^medtok-/.test(name)).map((name) => join(cache, name));

t.test("medtok gives every code of the store a unit, and trains once", async (t) => {
  const first = await fit("medtok", context(cache));
  t.equal(first.vocabularySize, table().size + 2);
  t.same(
    [...first.unit],
    Array.from({ length: table().size }, (_, row) => row + 2),
  );
  t.equal(values(first).length, first.vocabularySize * 32);
  t.same(values(first).slice(0, 64), new Float32Array(64), "padding and unknown are zero");
  t.ok(values(first).every(Number.isFinite));
  const before = await readdir(cache);
  t.equal(before.filter((name) => name.startsWith("medtok-")).length, 1, "no checkpoint is left");
  const again = await fit("medtok", context(cache, {}, { random: Random.fromSeed(5) }));
  t.same(await readdir(cache), before, "another run's seed trains nothing new");
  t.equal(again.artefactHash, first.artefactHash);
  const other = await fit("medtok", context(cache, { seed: 1 }));
  t.not(other.artefactHash, first.artefactHash);
});

t.test("tokens say the same as vectors", async (t) => {
  const vectors = values(await fit("medtok", context(cache, { mode: "vectors" })));
  const tokens = values(await fit("medtok", context(cache, { mode: "codebook" })));
  t.equal(tokens.length, vectors.length);
  for (const [i, x] of vectors.entries())
    if (!(Math.abs(x - (tokens[i] ?? Number.NaN)) < 1e-5)) t.fail(`${i}: ${x} and ${tokens[i]}`);
});

t.test("two caches give the same artefact bit for bit", async (t) => {
  const own = join(t.testdir({}), "own");
  const hashes = [cache, own].map(
    async (folder) => (await fit("medtok", context(folder))).artefactHash,
  );
  t.equal(await hashes[0], await hashes[1]);
});

t.test("only training subjects move a tokenizer, and only through co-occurrence", async (t) => {
  const alone = (trainSubjects: Uint32Array) =>
    fit("medtok", context(cache, {}, { trainSubjects }));
  const counts = new Uint32Array(table().size);
  const without = await alone(counts);
  t.equal((await alone(counts.fill(9))).artefactHash, without.artefactHash);
  const asked: number[] = [];
  const more = context(cache);
  await fit("medtok", {
    ...more,
    coOccurrence: (most) => {
      asked.push(most);
      return more.coOccurrence(most);
    },
  });
  t.same(asked, [], "and are not even asked for");
  const counted = await fit("medtok", context(cache, { coOccurrence: true }));
  t.not(counted.artefactHash, without.artefactHash);
});

t.test("a folder that was trained with co-occurrences refuses another split", async (t) => {
  await fit("medtok", context(cache, { coOccurrence: true }));
  const directory = (await cached()).find((folder) => new Artefact(folder).config.split !== null);
  if (directory === undefined) throw new Error("none was kept");
  const same = await fit("medtok", context(cache, {}, { directory }));
  t.equal(same.vocabularySize, table().size + 2);
  const trainSubjects = new Uint32Array(table().size).fill(41);
  await t.rejects(fit("medtok", context(cache, {}, { directory, trainSubjects })), {
    name: "BenchError",
    message: /other training subjects/,
  });
});

t.test(
  "codes of training subjects have a residual, in every tokenizer of given vectors",
  async (t) => {
    const trainSubjects = new Uint32Array(table().size).fill(3);
    trainSubjects[2] = 0;
    for (const name of ["medtok", "permuted-rows", "bert-text", "random-vectors"]) {
      const options = name === "bert-text" || name === "random-vectors" ? { steps: undefined } : {};
      const marks = async (residual: boolean) => {
        const given = context(cache, { ...options, residual }, { trainSubjects });
        const { representation, unit } = await fit(name, given);
        if (representation.kind === "learned") throw new Error("given vectors wanted");
        const { residual: all } = representation;
        return all === undefined ? undefined : [...unit].map((u) => all[u]);
      };
      t.same(
        await marks(true),
        Array.from({ length: table().size }, (_, row) => (row === 2 ? 0 : 1)),
        name,
      );
      t.equal(await marks(false), undefined, name);
    }
  },
);

t.test("a folder is closed again, also where it is refused", async (t) => {
  const dir = t.testdir({});
  const directory = await writeMadeUp(join(dir, "tok"));
  const { close } = Artefact.prototype;
  let closed = 0;
  Artefact.prototype.close = function counted() {
    closed += 1;
    close.call(this);
  };
  t.teardown(() => {
    Artefact.prototype.close = close;
  });
  await fit("medtok", context("", {}, { directory }));
  t.equal(closed, 1);
  const counted = await writeMadeUp(join(dir, "counted"), { split: "others" });
  await t.rejects(fit("medtok", context("", {}, { directory: counted })), {
    name: "BenchError",
    message: /other training subjects/,
  });
  t.equal(closed, 2);
});

t.test(
  "a given folder answers by the ladder; what it does not know is the unknown unit",
  async (t) => {
    const directory = await writeMadeUp(join(t.testdir({}), "tok"));
    const made = await fit("medtok", context("", {}, { directory }));
    const unitOf = (code: string) => made.unit[table().code.indexOf(code)] ?? -1;
    t.equal(unitOf("ICD10CM/E11.65"), unitOf("ICD10CM/E11.6"), "its parent's");
    t.not(unitOf("ICD10CM/E11.9"), unitOf("ICD10CM/I10"));
    t.equal(unitOf("ICD9CM/401.9"), 1);
    t.equal(unitOf("DRUG/insulin glargine"), 1);
    t.ok(unitOf("NDC/00338004904") > 1, "mapped");
    t.equal(made.vocabularySize, 2 + new Set(made.unit).size - 1);
    const tokens = await fit("medtok", context("", { mode: "codebook" }, { directory }));
    for (const [i, x] of values(made).entries())
      t.ok(Math.abs(x - (values(tokens)[i] ?? Number.NaN)) < 1e-6);
    await t.rejects(fit("medtok", context("", { quantised: false }, { directory })), {
      name: "BenchError",
    });
  },
);

t.test("a cache entry that was damaged is refused, not used", async (t) => {
  await fit("medtok", context(cache));
  for (const folder of await cached()) {
    const path = join(folder, "embeddings.npy");
    await writeFile(path, readFileSync(path).subarray(0, -4));
  }
  await t.rejects(fit("medtok", context(cache)), { name: "BenchError", message: /were written/ });
});
