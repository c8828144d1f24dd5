import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { exportPublished } from "../../tokenizers/artefact/export.ts";
import { importPublished } from "../../tokenizers/artefact/import.ts";
import { npyBytes } from "../../tokenizers/artefact/npy.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { writeArtefact } from "../../tokenizers/artefact/write.ts";
import { MedTok } from "../../tokenizers/public.ts";
import { artefactContents, CODES, writeMadeUp } from "../support/artefact.ts";

const report = () => {};
const table = { code: CODES, description: CODES.map((code) => `title of ${code}`) };

async function exported(dir: string, bareKeys = false): Promise<string> {
  const artefact = new Artefact(await writeMadeUp(join(dir, "tok")));
  await exportPublished(artefact, join(dir, "out"), { bareKeys, report });
  artefact.close();
  return join(dir, "out");
}

t.test("an export has the published names, every code's own row at its key (K3)", async (t) => {
  const folder = await exported(t.testdir({}));
  t.same((await readdir(folder)).sort(), [
    "code2embeddings.json",
    "code2tokens.json",
    "embeddings_all.npy",
    "tokenizer_config.json",
    "tokens_all.npy",
    "vocab.json",
    "weights_all.npy",
  ]);
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const vectors = json("code2embeddings.json") as Record<string, number[]>;
  const tokens = json("code2tokens.json") as Record<string, string[]>;
  const vocabulary = json("vocab.json") as Record<string, number>;
  const tokenizer = await MedTok.fromPretrained(join(folder, "..", "tok"));
  t.same(Object.keys(vectors), CODES);
  t.equal(Object.keys(vocabulary).length, 16);
  for (const code of CODES) {
    t.same(Float32Array.from(vectors[code] ?? []), tokenizer.embed(code), "digits give it back");
    t.same(tokens[code], tokenizer.tokenize(code));
    t.same(
      tokens[code]?.map((name) => vocabulary[name]),
      [...tokenizer.encode(code).ids],
    );
  }
  tokenizer.close();
});

for (const kind of ["json", "npy"] as const) {
  t.test(`what was exported comes back from its ${kind} files`, async (t) => {
    const dir = t.testdir({});
    const folder = await exported(dir);
    if (kind === "npy") rmSync(join(folder, "code2embeddings.json"));
    const contents = await importPublished(folder, { codes: table, report });
    const c = artefactContents();
    t.same(contents.code, CODES);
    t.same(contents.embeddings, c.embeddings);
    t.same(contents.tokens?.ids, c.tokens?.ids);
    t.same(contents.tokens?.regions, c.tokens?.regions);
    t.same(contents.description[0], "title of ATC/A10");
    const weights = kind === "npy" ? c.tokens?.weights : c.tokens?.weights.map(() => 0.5);
    t.same(contents.tokens?.weights, weights, "weights are not published as JSON");
    await writeArtefact(join(dir, "back"), contents);
    const tokenizer = await MedTok.fromPretrained(join(dir, "back"));
    t.equal(tokenizer.resolve("e119").matched, "ICD10CM/E11.9");
    tokenizer.close();
  });
}

t.test("keys without systems are refused where two codes would share one", async (t) => {
  await t.rejects(exported(t.testdir({}), true), {
    name: "BenchError",
    message: /ICD9CM\/38.97 and ICD9Proc\/38.97/,
  });
});

/** A folder as the published code writes it: bare codes, graph ids local, nothing that says so. */
function publishedFolder(dir: string, graphId: bigint): string {
  const parts = (first: bigint) => [first, first + 1n];
  const ids = BigInt64Array.from([...parts(0n), ...parts(graphId), ...parts(5n), ...parts(19n)]);
  const write = (name: string, pieces: readonly Uint8Array[]) =>
    writeFileSync(join(dir, name), Buffer.concat(pieces));
  write("tokens_all.npy", npyBytes(ids, [1, 4, 2]));
  write("weights_all.npy", npyBytes(new Float32Array(8).fill(0.5), [1, 4, 2]));
  write("embeddings_all.npy", npyBytes(Float32Array.of(1, 2, 3, 4), [1, 4]));
  return dir;
}

t.test("local ids of the graph part become rows of the last third (K1)", async (t) => {
  const folder = publishedFolder(t.testdir({}), 3n);
  const codes = { code: ["E11.9"], description: [""] };
  const { tokens, hasSystems } = await importPublished(folder, { codes, codebookSize: 22, report });
  t.same([...(tokens?.ids ?? [])], [0, 1, 15 + 3, 15 + 4, 5, 6, 19, 20], "22 - 7 is added");
  t.notOk(hasSystems);
  const local = { codes, codebookSize: 22, localGraphIds: false, report };
  t.same((await importPublished(folder, local)).tokens?.ids[2], 3);
});

t.test("published files that do not fit are refused by name", async (t) => {
  const refused = (message: RegExp) => ({ name: "BenchError", message });
  const codes = { code: ["E11.9"], description: [""] };
  const folder = publishedFolder(t.testdir({}), 8n);
  const options = { codes, codebookSize: 22, report };
  await t.rejects(importPublished(folder, options), refused(/token 8, which a codebook of 22/));
  await t.rejects(importPublished(folder, { report }), refused(/rows carry no codes/));
  const two = { code: ["A", "B"], description: ["", ""] };
  await t.rejects(importPublished(folder, { codes: two, report }), refused(/1 rows.* has 2/));
  await t.rejects(importPublished(t.testdir({}), { report }), refused(/neither/));
  for (const [text, message] of [
    ['{"A": [1, 2], "B": [1]}', /B has 1 numbers, others 2/],
    ['{"A": [1, "x"]}', /A has no list of numbers/],
    ['{"A": [1, 2], ', /no readable JSON object/],
    ["{}", /no code in it/],
    ['{"A": [1], "A": [2]}', /occurs twice/],
  ] as const) {
    const dir = t.testdir({ "code2embeddings.json": text });
    await t.rejects(importPublished(dir, { report }), refused(message));
  }
  const extra = t.testdir({
    "code2embeddings.json": '{"A": [1]}',
    "code2tokens.json": '{"B": [1, 2, 3, 4]}',
  });
  await t.rejects(importPublished(extra, { report }), refused(/B has tokens but no embedding/));
});
