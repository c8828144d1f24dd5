import { readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { Random } from "../../core/random.ts";
import type { CodeTable, Tokenizer, TokenizerContext } from "../../core/tokenizer.ts";
import { denseVectors } from "../../ehr-models/code-embedding.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { trainMedTok } from "../../tokenizers/medtok/train.ts";
import { infer } from "../../tokenizers/pipeline/infer.ts";
import { describeCodes, makeInputs } from "../../tokenizers/pipeline/inputs.ts";
import { tokenizerRandom } from "../../tokenizers/pipeline/random.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";
import { exchangedRows } from "../../tokenizers/pipeline/units.ts";
import { writeMadeUp } from "../support/artefact.ts";

const TITLES: Readonly<Record<string, string>> = {
  "ICD10CM/E11": "Type 2 diabetes mellitus",
  "ICD10CM/E11.6": "Type 2 diabetes with other complications",
  "ICD10CM/E11.65": "Type 2 diabetes with hyperglycemia",
  "ICD10CM/E11.9": "Type 2 diabetes without complications",
  "ICD10CM/I10": "Essential hypertension",
  "ICD10CM/I11.9": "Hypertensive heart disease",
  "ICD9CM/250.00": "Diabetes mellitus type II",
  "ICD9CM/401.9": "Hypertension unspecified",
};

function table(): CodeTable {
  const code = [...Object.keys(TITLES), "DRUG/insulin glargine", "NDC/00338004904"].sort();
  return {
    size: code.length,
    code,
    description: code.map((key) => TITLES[key] ?? null),
    kind: new Uint8Array(code.length).fill(1),
    parents: code.map(() => []),
  };
}

const SMALL = {
  steps: 4,
  batch: 10,
  codebookSize: 18,
  perPart: 2,
  width: 8,
  graphWidth: 8,
  heads: 2,
  logEvery: 2,
};

function context(cacheFolder: string, options = {}, more: Partial<TokenizerContext> = {}) {
  const codes = table();
  const base: TokenizerContext = {
    codes,
    trainSubjects: new Uint32Array(codes.size).fill(40),
    coOccurrence: () => ({
      a: Int32Array.of(1, 2),
      b: Int32Array.of(4, 7),
      subjects: Uint32Array.of(60, 4),
    }),
    options: { ...SMALL, ...options },
    directory: null,
    cacheFolder,
    threads: 1,
    random: Random.fromSeed(0),
    report: () => {},
    signal: new AbortController().signal,
  };
  return { ...base, ...more };
}

/** One cache for the file: most tests ask for the same training, which is then made once. */
const cache = t.testdir({});

/** Folders of the artefacts in it. */
const cached = async () =>
  (await readdir(cache)).filter((name) => /^medtok-/.test(name)).map((name) => join(cache, name));

const fit = (name: string, given: TokenizerContext) => tokenizers.get(name).fit(given);

function values(tokenizer: Tokenizer): Float32Array {
  const { representation } = tokenizer;
  if (representation.kind === "vectors") return representation.values;
  if (representation.kind === "tokens") return denseVectors(representation);
  throw new Error("no given vectors");
}

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
  const vectors = values(await fit("medtok", context(cache)));
  const tokens = values(await fit("medtok", context(cache, { mode: "tokens" })));
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
    fit("medtok", context(cache, { coOccurrence: false }, { trainSubjects }));
  const counts = new Uint32Array(table().size);
  const without = await alone(counts);
  t.equal((await alone(counts.fill(9))).artefactHash, without.artefactHash);
  const asked: number[] = [];
  const more = context(cache, { coOccurrence: false });
  await fit("medtok", {
    ...more,
    coOccurrence: (most) => {
      asked.push(most);
      return more.coOccurrence(most);
    },
  });
  t.same(asked, [], "and are not even asked for");
  t.not((await fit("medtok", context(cache))).artefactHash, without.artefactHash);
});

t.test("a folder that was trained with co-occurrences refuses another split", async (t) => {
  await fit("medtok", context(cache));
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
    const tokens = await fit("medtok", context("", { mode: "tokens" }, { directory }));
    for (const [i, x] of values(made).entries())
      t.ok(Math.abs(x - (values(tokens)[i] ?? Number.NaN)) < 1e-6);
    await t.rejects(fit("medtok", context("", { quantised: false }, { directory })), {
      name: "BenchError",
    });
  },
);

t.test(
  "ablations: without a modality its parts are zero, without quantization parts have length 1",
  async (t) => {
    const row = async (options: object) =>
      values(await fit("medtok", context(cache, { coOccurrence: false, ...options }))).slice(
        64,
        96,
      );
    const norms = (vector: Float32Array) =>
      [0, 8, 16, 24].map((from) => Math.hypot(...vector.subarray(from, from + 8)));
    for (const [modality, zero] of [
      ["text", [1, 3]],
      ["graph", [0, 2]],
    ] as const)
      for (const [part, norm] of norms(await row({ modality })).entries())
        t.equal(norm === 0, (zero as readonly number[]).includes(part), `${modality} ${part}`);
    for (const norm of norms(await row({ quantised: false }))) t.ok(Math.abs(norm - 1) < 1e-5);
    const trained = await row({});
    const random = await row({ codebook: "random" });
    t.notSame(random, trained);
    for (const norm of norms(random)) t.ok(norm > 0 && norm <= 1 + 1e-6);
  },
);

t.test(
  "controls: rows are exchanged within a vocabulary; random vectors have the length asked for",
  async (t) => {
    const codes = table();
    const exchanged = exchangedRows(codes, Random.fromSeed(1));
    t.same(
      [...exchanged].sort((a, b) => a - b),
      [...exchanged.keys()],
      "each row once",
    );
    const system = (row: number) => codes.code[row]?.split("/")[0];
    for (const [row, other] of exchanged.entries()) t.equal(system(row), system(other));
    t.not(exchanged.join(), [...exchanged.keys()].join());
    const medtok = await fit("medtok", context(cache));
    const control = await fit("permuted-rows", context(cache));
    t.same(values(control), values(medtok), "the same vectors");
    t.notSame(control.unit, medtok.unit, "at other codes");
    t.not(control.artefactHash, medtok.artefactHash);
    const options = { width: 16, norm: 2, trainable: false };
    const random = await fit("random-vectors", context("", {}, { options }));
    for (let row = 2; row < random.vocabularySize; row++)
      t.ok(Math.abs(Math.hypot(...values(random).subarray(16 * row, 16 * row + 16)) - 2) < 1e-5);
  },
);

t.test("bert-text gives the text features of each description", async (t) => {
  const made = await fit("bert-text", context(cache, {}, { options: {} }));
  if (made.representation.kind !== "vectors") throw new Error("vectors wanted");
  const { width } = made.representation;
  const row = (code: string) => {
    const unit = made.unit[table().code.indexOf(code)] ?? 0;
    return values(made).subarray(unit * width, (unit + 1) * width);
  };
  const dot = (a: string, b: string) => row(a).reduce((sum, x, i) => sum + x * (row(b)[i] ?? 0), 0);
  t.ok(dot("ICD10CM/E11.9", "ICD10CM/E11.65") > dot("ICD10CM/E11.9", "ICD10CM/I10"));
  t.equal(Math.hypot(...row("NDC/00338004904")), 0, "nothing is known of it");
});

t.test(
  "a description is the own title, then those above, each once; drugs are named by their code",
  async (t) => {
    const knowledge = {
      titles: [{ origin: "extra", code: ["ICD9CM/250"], title: ["Diabetes"] }],
      relations: [],
    };
    const { code, description } = describeCodes({ ...table(), knowledge });
    const of = (key: string) => description[code.indexOf(key)];
    t.equal(
      of("ICD10CM/E11.65"),
      "Type 2 diabetes with hyperglycemia > Type 2 diabetes with other complications > Type 2 diabetes mellitus",
    );
    t.match(of("ICD9CM/250.00"), /^Diabetes mellitus type II > Diabetes/);
    t.equal(of("DRUG/insulin glargine"), "insulin glargine");
    t.equal(of("NDC/00338004904"), "");
  },
);

t.test(
  "inference gives each code its row, bit for bit, whatever the size of the pieces",
  async (t) => {
    const codes = table();
    const random = tokenizerRandom(0);
    const work = { report: () => {}, signal: new AbortController().signal };
    const knowledge = { titles: [], relations: [] };
    const made = await makeInputs({ ...codes, knowledge }, [], {
      cacheFolder: cache,
      random,
      ...work,
    });
    const { config } = settingsOf(SMALL, codes.size);
    const options = { random, threads: 1, ...work };
    const trained = await trainMedTok(made.inputs, made.textEncoder, config, options);
    const whole = await infer(trained, made.inputs, { threads: 1, ...work });
    for (const [threads, piece] of [
      [1, 1],
      [1, 7],
      [2, 256],
    ] as const) {
      const pieces = await infer(trained, made.inputs, { threads, piece, ...work });
      t.same(pieces.embeddings, whole.embeddings);
      t.same(pieces.ids, whole.ids);
      t.same(pieces.weights, whole.weights);
    }
    const aborted = { threads: 1, report: () => {}, signal: AbortSignal.abort(new Error("stop")) };
    await t.rejects(infer(trained, made.inputs, aborted), /stop/);
  },
);

t.test("options that are not offered or do not go together are refused", async (t) => {
  for (const [options, message] of [
    [{ mode: "words" }, /mode cannot be words/],
    [{ codebook: "none" }, /codebook cannot be none/],
    [{ mode: "tokens", quantised: false }, /have no tokens/],
    [{ nothing: 1 }, /no option "nothing"/],
  ] as const)
    t.throws(() => settingsOf(options, 100), { name: "BenchError", message });
});

t.test("a cache entry that was damaged is refused, not used", async (t) => {
  await fit("medtok", context(cache));
  for (const folder of await cached()) {
    const path = join(folder, "embeddings.npy");
    await writeFile(path, readFileSync(path).subarray(0, -4));
  }
  await t.rejects(fit("medtok", context(cache)), { name: "BenchError", message: /were written/ });
});
