import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { unknownCodes } from "../../harness/prepare.ts";
import { runSeeds } from "../../harness/run.ts";
import { exportPublished } from "../../tokenizers/artefact/export.ts";
import { importPublished } from "../../tokenizers/artefact/import.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { writeArtefact } from "../../tokenizers/artefact/write.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { writeMadeUp } from "../support/artefact.ts";
import { handStore } from "../support/hand-store.ts";
import { CODE_COUNT, LABELS, makeSamples, sourceOf, vectorTokenizer } from "../support/samples.ts";
import { silent, smallPlan } from "../support/small-run.ts";
import { context, fit } from "../support/tokenizer-context.ts";

t.test(
  "codes are counted as unknown to the tokenizer and as unseen in training apart",
  async (t) => {
    const source = sourceOf(makeSamples(30, LABELS.binary), LABELS.binary);
    const trainSubjects = new Uint32Array(CODE_COUNT).fill(1).fill(0, 10, 12);
    const found = unknownCodes(source, vectorTokenizer(false), trainSubjects);
    const all = Array.from({ length: 30 }, (_, i) => [...source.read(i).code]).flat();
    t.equal(found.codes, all.length);
    t.equal(found.unknown, all.filter((row) => row >= CODE_COUNT - 5).length, "the last five");
    t.equal(found.unseen, all.filter((row) => row === 10 || row === 11).length);
    t.ok(found.unknown > 0 && found.unseen > 0);
  },
);

/** 60 subjects of three stays with a few codes each; some codes no training subject has. */
async function smallStore(): Promise<EventStore> {
  const subjects = Array.from({ length: 60 }, (_, id) => ({
    id,
    birth: "2050-01-01",
    split: (["train", "train", "tuning", "held_out"] as const)[id % 4] ?? "train",
  }));
  const stays = subjects.flatMap(({ id }) => [1, 2, 3].map((n) => ({ id, n, visit: 10 * id + n })));
  const time = (n: number, day: number) => `2110-0${2 * n}-0${day} 12:00:00`;
  const codeOf = (id: number, n: number) =>
    id % 4 === 3 && n === 1 ? `ICD10CM/Z${10 + id}` : `ICD10CM/I${10 + ((7 * id + 3 * n) % 24)}.0`;
  const store = await handStore({
    subjects,
    visits: stays.map(({ id, n, visit }) => ({
      ...{ subject: id, id: visit, start: time(n, 1), end: time(n, 4) },
      died: n === 3 && id % 3 === 0,
    })),
    events: stays.flatMap(({ id, n, visit }) => [
      { subject: id, visit, time: time(n, 4), code: codeOf(id, n), kind: "diagnosis" as const },
      { subject: id, visit, time: time(n, 2), code: `ATC/C0${id % 9}`, kind: "drug" as const },
    ]),
    describe: (code) => `disease or drug ${code.replace(/\W/g, " ")}`,
  });
  const fingerprint = "0123456789abcdef";
  const info = { ...store.info, dataset: "mimic4", source: "demo" as const, fingerprint };
  return { ...store, info };
}

t.test("codes without any description cannot be read as text, and this is said", async (t) => {
  const one = { size: 1, code: ["ICD10CM/E11"], description: [null], parents: [[]] };
  const codes = { ...one, kind: Uint8Array.of(1) };
  const trainSubjects = Uint32Array.of(9);
  const given = context(t.testdir({}), {}, { options: {}, codes, trainSubjects });
  await t.rejects(fit("bert-text", given), {
    name: "BenchError",
    message: /no code has a description/,
  });
});

t.test(
  "a run with each tokenizer: medtok and text know codes that no training subject has",
  async (t) => {
    const dir = t.testdir({});
    const store = await smallStore();
    t.teardown(() => store.close());
    const tiny = { steps: 2, batch: 64, codebookSize: 48, width: 16, graphWidth: 16 };
    const folder = await writeMadeUp(join(dir, "tok"));
    const unseen: unknown[] = [];
    for (const [name, options, tokenizerDir] of [
      ["baseline", {}, null],
      ["medtok", tiny, null],
      ["medtok", { ...tiny, mode: "codebook", trainable: true }, null],
      ["medtok", {}, folder],
      ["permuted-rows", tiny, null],
      ["bert-text", {}, null],
      ["vqgraph", { steps: 2, block: 64, width: 16, codebookSize: 48 }, null],
      ["random-vectors", {}, null],
    ] as const) {
      const tokenizer = tokenizers.get(name);
      const tokenizerOptions = { ...tokenizer.defaults, ...options };
      const chosen = { tokenizer, tokenizerOptions, tokenizerDir };
      const plan = smallPlan("mortality", "logistic", dir, chosen);
      const [record] = await runSeeds(store, plan, silent);
      t.equal(record?.spec.tokenizer, name);
      t.equal(record?.tokenizer_origin, tokenizerDir === null ? "run" : "folder");
      t.ok((record?.spec.tokenizer_artefact.length ?? 0) >= 16);
      const history = record?.cohort.splits.held_out.history;
      unseen.push(history?.unseen_codes_share);
      const unknown = history?.unknown_codes_share;
      if (name === "baseline")
        t.equal(unknown, history?.unseen_codes_share, "it knows those alone");
      else if (tokenizerDir === null) t.equal(unknown, 0, name);
      else t.ok(Number(unknown) > 0.5, "a folder knows what it was made of");
    }
    t.ok(Number(unseen[0]) > 0.1, "there are some to know");
    t.equal(new Set(unseen).size, 1, "the cohort's own, whatever the tokenizer");
  },
);

/** A trained folder written under the published names and read back from its .npy files: the same without a codebook. */
async function imported(folder: string, dir: string): Promise<string> {
  const artefact = new Artefact(folder);
  await exportPublished(artefact, join(dir, "published"), { bareKeys: false, report: () => {} });
  rmSync(join(dir, "published", "code2embeddings.json"));
  const codes = { code: artefact.code, description: artefact.descriptions() };
  artefact.close();
  const contents = await importPublished(join(dir, "published"), { codes, report: () => {} });
  await writeArtefact(join(dir, "imported"), contents);
  return join(dir, "imported");
}

t.test("an imported tokenizer is read by its tokens as the one it was exported from", async (t) => {
  const dir = t.testdir({});
  const store = await smallStore();
  t.teardown(() => store.close());
  const medtok = tokenizers.get("medtok");
  const tiny = { steps: 2, batch: 64, codebookSize: 48, width: 16, graphWidth: 16 };
  const run = async (model: string, options: object, tokenizerDir: string | null) => {
    const tokenizerOptions = { ...medtok.defaults, ...options };
    const chosen = { tokenizer: medtok, tokenizerOptions, tokenizerDir };
    const [record] = await runSeeds(store, smallPlan("mortality", model, dir, chosen), silent);
    return record;
  };
  const made = await run("logistic", tiny, null);
  const cache = join(dir, "cache", "tokenizers");
  const [name] = readdirSync(cache).filter((entry) => entry.startsWith("medtok-"));
  const folder = await imported(join(cache, name ?? ""), dir);
  for (const model of ["logistic", "transformer", "ethos"]) {
    const original = model === "logistic" ? made : await run(model, {}, join(cache, name ?? ""));
    const found = await run(model, {}, folder);
    t.equal(found?.cohort.splits.held_out.history.unknown_codes_share, 0, "it knows every code");
    t.equal(found?.predictions_hash, original?.predictions_hash, model);
    t.not(found?.run_id, original?.run_id, "but it says that it is another artefact");
  }
  await t.rejects(run("logistic", { mode: "codebook" }, folder), {
    name: "BenchError",
    message: /mode=codebook reads the rows of the codebook, and this tokenizer has none/,
    fix: /mode=tokens/,
  });
});
