/** Codes that are answered by their description: text parts by the network, graph parts by the mean, never silently. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { sentenceEncoder } from "../../tokenizers/medtok/text/sentence-encoder.ts";
import type { TextEncoder } from "../../tokenizers/medtok/types.ts";
import { makeInputs } from "../../tokenizers/pipeline/inputs.ts";
import { trainArtefact } from "../../tokenizers/pipeline/medtok-artefact.ts";
import { tokenizerRandom } from "../../tokenizers/pipeline/random.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";
import { MedTok, RUNGS } from "../../tokenizers/public.ts";
import { writeMadeUp } from "../support/artefact.ts";
import { writeSentenceModel } from "../support/sentence-model.ts";
import { context, fit, SMALL, table, values } from "../support/tokenizer-context.ts";

const dir = t.testdir({});
const work = { report: () => {}, signal: new AbortController().signal };
const KNOWN = "ICD10CM/I10";
const MEANING = "Essential hypertension";

async function trained(name: string, options = {}, encoder?: TextEncoder): Promise<string> {
  const codes = table();
  const random = tokenizerRandom(0);
  const made = await makeInputs({ ...codes, knowledge: { titles: [], relations: [] } }, [], {
    cacheFolder: dir,
    random,
    ...(encoder && { encoder }),
    ...work,
  });
  const { config } = settingsOf({ ...SMALL, ...options }, codes.size);
  const folder = join(dir, name);
  const rest = { options: {}, seed: 0, split: null, mapped: [], threads: 1, ...work };
  await trainArtefact(folder, { made, config, ...rest });
  return folder;
}

const folder = await trained("both");
const open = (given = {}) => MedTok.fromPretrained(folder, { unknown: "quiet", ...given });

t.test(
  "a description gives the text parts of a code that means the same, and mean graph parts",
  async (t) => {
    const tokenizer = await open({ descriptions: { "LOCAL/high pressure": MEANING } });
    const { ids, weights, how, matched, row } = tokenizer.encode("local/High Pressure");
    t.same([how, matched, row], ["text", null, table().size]);
    const known = tokenizer.encode(KNOWN);
    const [each, parts] = [2, 4];
    t.same(ids.slice(0, each), known.ids.slice(0, each), "text-specific tokens");
    for (let k = 0; k < each; k++)
      t.ok(Math.abs((weights[k] ?? 9) - (known.weights[k] ?? 0)) < 1e-6);
    t.same(
      [...ids.slice(each, 2 * each), ...ids.slice(3 * each)],
      [1, 1, 1, 1],
      "none from the graph",
    );
    t.same([...weights.slice(3 * each)], [0.5, 0.5]);
    t.ok(
      ids.slice(2 * each, 3 * each).every((id) => id >= 4 + 6 && id < 4 + 12),
      "shared region",
    );
    const vector = tokenizer.embed("LOCAL/high pressure");
    const width = vector.length / parts;
    const part = (x: Float32Array, i: number) => x.slice(i * width, (i + 1) * width);
    for (const [j, x] of part(tokenizer.embed(KNOWN), 0).entries())
      t.ok(Math.abs(x - (vector[j] ?? 9)) < 1e-6, "the same text, the same numbers");
    const mean = tokenizer.embed("nothing at all");
    for (const i of [1, 3]) t.same(part(vector, i), part(mean, i));
    t.notSame(part(vector, 2), part(mean, 2));
    t.equal(tokenizer.tokenize("LOCAL/high pressure")[0], tokenizer.tokenize(KNOWN)[0]);
    t.equal(tokenizer.tokenize("LOCAL/high pressure")[2], "[UNK]");
    const batch = tokenizer.encodeBatch([KNOWN, "LOCAL/high pressure", "nothing"]);
    t.same(
      [...batch.how].map((i) => RUNGS[i]),
      ["exact", "text", "unk"],
    );
    t.same(batch.ids.slice(8, 16), ids);
    t.ok(tokenizer.found.text > 0);
    tokenizer.close();
  },
);

t.test("a description is the last resort, and is read alike alone and beside others", async (t) => {
  const tokenizer = await open();
  const others = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      `LOCAL/other ${i}`,
      `words number ${i} of a longer text`,
    ]),
  );
  const taken = await tokenizer.addDescriptions({
    [KNOWN]: "a wrong description",
    "ICD10CM/E11.99": "another wrong one",
    "LOCAL/blank": " ",
    ...others,
    "LOCAL/mine": "diabetes with heart disease",
  });
  t.equal(taken.length, 41);
  t.equal(tokenizer.resolve(KNOWN).how, "exact");
  t.equal(tokenizer.resolve("ICD10CM/E11.99").how, "parent");
  t.equal(tokenizer.resolve("LOCAL/blank").how, "unk");
  const alone = await open({ descriptions: { "LOCAL/mine": "diabetes with heart disease" } });
  t.same(alone.embed("LOCAL/mine"), tokenizer.embed("LOCAL/mine"));
  t.same(alone.encode("mine").ids, tokenizer.encode("mine").ids, "the system may be left out");
  t.same(await tokenizer.addDescriptions({ "LOCAL/mine": "again" }), [], "it is known now");
  t.same(await tokenizer.addDescriptions({ "LOCAL/new": MEANING }), ["LOCAL/new"]);
  t.same(tokenizer.embed("LOCAL/mine"), alone.embed("LOCAL/mine"), "earlier ones stay");
  t.equal(tokenizer.resolve("LOCAL/new").how, "text");
  tokenizer.close();
  alone.close();
});

t.test("tokenizers that cannot read say why", async (t) => {
  const asked = { descriptions: { "LOCAL/x": "some text" } };
  const refused = (path: string, message: RegExp) =>
    t.rejects(MedTok.fromPretrained(path, asked), { name: "BenchError", message });
  await refused(await writeMadeUp(join(dir, "made-up")), /has no trained network/);
  await refused(
    await writeMadeUp(join(dir, "imported"), { tokenizer: "imported" }),
    /no text network/,
  );
  await refused(await trained("graph", { modality: "graph" }), /without text/);
  const text = await MedTok.fromPretrained(await trained("text", { modality: "text" }), asked);
  t.equal(text.resolve("LOCAL/x").how, "text", "without a graph it can");
  t.ok(text.embed("LOCAL/x").every(Number.isFinite));
  text.close();
});

t.test("in runs, a folder answers unknown codes by the store's descriptions", async (t) => {
  const own = table();
  const code = [...own.code, "LOCAL/1", "LOCAL/2"];
  const codes = {
    size: code.length,
    code,
    description: [...own.description, MEANING, null],
    kind: new Uint8Array(code.length).fill(1),
    parents: code.map(() => []),
  };
  const trainSubjects = new Uint32Array(code.length).fill(40);
  const more = { codes, trainSubjects, directory: folder };
  const made = await fit("medtok", context(dir, { coOccurrence: false }, more));
  const unit = (key: string) => made.unit[code.indexOf(key)] ?? -1;
  t.ok(unit("LOCAL/1") > 1, "described");
  t.equal(unit("LOCAL/2"), 1, "nothing is known of it");
  const vector = (key: string) => values(made).subarray(32 * unit(key), 32 * unit(key) + 8);
  for (const [j, x] of vector(KNOWN).entries())
    t.ok(Math.abs(x - (vector("LOCAL/1")[j] ?? 9)) < 1e-6);
  const tokens = await fit("medtok", context(dir, { coOccurrence: false, mode: "tokens" }, more));
  t.equal(tokens.vocabularySize, made.vocabularySize);
});

const skip = existsSync("node_modules/@huggingface/transformers")
  ? false
  : "@huggingface/transformers is optional and not installed here";

t.test("with a sentence encoder its folder is asked for, and checked", { skip }, async (t) => {
  const model = writeSentenceModel(join(dir, "tiny"));
  const path = await trained("sentence", {}, sentenceEncoder({ model }));
  const descriptions = { "LOCAL/x": "heart failure" };
  await t.rejects(MedTok.fromPretrained(path, { descriptions }), { message: /tiny, which is not/ });
  const tokenizer = await MedTok.fromPretrained(path, { descriptions, encoder: model });
  t.equal(tokenizer.resolve("LOCAL/x").how, "text");
  tokenizer.close();
});
