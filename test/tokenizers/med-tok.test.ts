import { join } from "node:path";
import t from "tap";
import { MedTok, RUNGS } from "../../tokenizers/public.ts";
import { CodeIndex } from "../../tokenizers/serve/code-index.ts";
import { artefactContents, CODES, writeMadeUp } from "../support/artefact.ts";

const folder = await writeMadeUp(join(t.testdir({}), "tok"));
const open = () => MedTok.fromPretrained(folder, { unknown: "quiet" });

t.test("the calls of the published tokenizer give a code's own row", async (t) => {
  const tokenizer = await MedTok.fromPretrained(folder);
  const c = artefactContents();
  const row = CODES.indexOf("ICD10CM/E11.9");
  const { ids, weights, how, matched } = tokenizer.encode("E11.9");
  const own = (c.tokens?.ids ?? new Int32Array()).slice(8 * row, 8 * row + 8);
  t.same(
    ids,
    own.map((id) => id + 4),
  );
  t.same(weights, Float32Array.of(0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 0.75, 0.25));
  t.same([how, matched], ["exact", "ICD10CM/E11.9"]);
  t.same(tokenizer.embed("E11.9"), c.embeddings.slice(8 * row, 8 * row + 8));
  const names = tokenizer.tokenize("E11.9");
  t.equal(names.length, 8);
  t.equal(names.map((name) => name[0]).join(""), "ttggssss");
  t.same(
    names.map((name) => Number(name.slice(2))),
    [...own],
  );
  tokenizer.close();
});

t.test("every rung of the ladder is reached, and says so", async (t) => {
  const tokenizer = await open();
  for (const [code, how, matched] of [
    ["ICD10CM/E11.9", "exact", "ICD10CM/E11.9"],
    ["E11.9", "exact", "ICD10CM/E11.9"],
    ["e119", "normalised", "ICD10CM/E11.9"],
    ["ICD10CM/E119", "normalised", "ICD10CM/E11.9"],
    ["icd-10-cm/ e11.9 ", "normalised", "ICD10CM/E11.9"],
    ["ICD10CM//E11.9", "normalised", "ICD10CM/E11.9"],
    ["icd9proc:3897", "normalised", "ICD9Proc/38.97"],
    ["Drug/INSULIN 0.5ml", "normalised", "DRUG/insulin 0.5 ml"],
    ["ICD10CM/E11.65", "parent", "ICD10CM/E11.6"],
    ["ICD10CM/E11.321", "parent", "ICD10CM/E11"],
    ["E11.65", "parent", "ICD10CM/E11.6"],
    ["ATC/A10BA", "parent", "ATC/A10"],
    ["NDC/00338004904", "mapped", "ATC/A10BA02"],
    ["ndc/0033 8004904", "mapped", "ATC/A10BA02"],
    ["00338004904", "mapped", "ATC/A10BA02"],
    ["ICD10CM/E10.9", "mapped", "ICD9CM/250.00"],
    ["RXNORM/11", "unk", null],
    ["ICD10CM/Z99", "unk", null],
    ["SNOMED/E11.9", "unk", null],
    ["insulin pump", "unk", null],
    ["A10 tablets twice", "unk", null],
    ["", "unk", null],
  ] as const) {
    const answer = tokenizer.resolve(code);
    t.same([answer.how, answer.matched], [how, matched], code);
    t.equal(answer.row < 0 ? null : CODES[answer.row], matched);
  }
  tokenizer.close();
});

t.test("a code that two systems have is not guessed", async (t) => {
  const tokenizer = await open();
  for (const code of ["38.97", "3897"]) {
    const { how, candidates } = tokenizer.resolve(code);
    t.same([how, candidates], ["unk", ["ICD9CM/38.97", "ICD9Proc/38.97"]]);
  }
  t.equal(tokenizer.resolve("ICD9Proc/38.97").how, "exact");
  tokenizer.close();
});

t.test(
  "spellings that differ only in dots: the exact one wins, another is not guessed",
  async (t) => {
    const codes = ["DRUG/dose 1.5", "DRUG/dose 15"];
    const index = new CodeIndex(codes, false);
    t.equal(index.find("DRUG/dose 15"), 1);
    t.equal(index.find("DRUG/dose 1.5"), 0);
    t.equal(index.find("drug/DOSE 15"), -2);
    t.same(index.all("drug/DOSE 15"), [0, 1]);
    t.equal(index.find("DRUG/dose 16"), -1);
  },
);

t.test("the index finds every one of many codes, however it is written", async (t) => {
  const codes = Array.from({ length: 5000 }, (_, i) => `SYS${i % 7}/A${i}.${i % 10}`);
  const index = new CodeIndex(codes, false);
  for (const [row, code] of codes.entries()) {
    if (index.find(code) !== row || index.find(code.toLowerCase().replace(".", "")) !== row)
      t.fail(code);
  }
  t.equal(index.find("SYS0/A5001.1"), -1);
});

t.test("an unknown code gets the unknown token and the mean vector, and is reported", async (t) => {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on("warning", listen);
  const tokenizer = await MedTok.fromPretrained(folder);
  t.same(
    tokenizer.tokenize("Z99"),
    Array.from({ length: 8 }, () => "[UNK]"),
  );
  const { ids, weights, how } = tokenizer.encode("Z99");
  t.same(
    [...ids],
    Array.from({ length: 8 }, () => 1),
  );
  t.same(weights, new Float32Array(8).fill(0.5));
  t.equal(how, "unk");
  const { embeddings } = artefactContents();
  const mean = Array.from({ length: 8 }, (_, j) => {
    const column = CODES.map((_, row) => embeddings[8 * row + j] ?? 0);
    return column.reduce((a, b) => a + b, 0) / CODES.length;
  });
  const given = tokenizer.embed("Z99");
  for (const [j, x] of mean.entries()) t.ok(Math.abs(x - (given[j] ?? Number.NaN)) < 1e-6);
  tokenizer.embed("38.97");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  t.equal(warnings.length, 2, "once a code");
  t.match(warnings[0], /MedTokWarning: the code Z99 is unknown/);
  t.match(warnings[1], /38.97 is in several systems/);
  t.equal(tokenizer.found.unk, 4);
  tokenizer.close();

  const strict = await MedTok.fromPretrained(folder, { unknown: "throw" });
  t.throws(() => strict.embed("ICD10CM/E12.9"), { name: "BenchError", message: /E12.9/ });
  t.throws(() => strict.embed("ICD10CM/I1"), /I1 is unknown/);
  strict.close();
});

t.test("many codes give one row each, in order, as one by one", async (t) => {
  const tokenizer = await open();
  const asked = ["ICD10CM/I10", "nothing", "e119", "ICD10CM/I10", "ATC/A10BA"];
  const { ids, weights, how } = tokenizer.encodeBatch(asked);
  t.same(
    [...how].map((rung) => RUNGS[rung]),
    ["exact", "unk", "normalised", "exact", "parent"],
  );
  const singles = tokenizer.encode(asked);
  for (const [i, single] of singles.entries()) {
    t.same(ids.slice(8 * i, 8 * i + 8), single.ids);
    t.same(weights.slice(8 * i, 8 * i + 8), single.weights);
  }
  t.same(
    tokenizer.embed(asked),
    asked.map((code) => tokenizer.embed(code)),
  );
  t.same(
    tokenizer.tokenize(asked),
    asked.map((code) => tokenizer.tokenize(code)),
  );
  t.same(tokenizer.encodeBatch([]).ids, new Int32Array());
  tokenizer.close();
});

t.test("decoding a code's tokens, by id or name, finds the code", async (t) => {
  const tokenizer = await open();
  for (const code of CODES) {
    const [best] = tokenizer.decode(tokenizer.encode(code).ids);
    t.equal(best?.overlap, 1);
    const same = tokenizer.encode(best?.code ?? "").ids;
    t.same(
      new Set(same),
      new Set(tokenizer.encode(code).ids),
      "itself, or one with the same tokens",
    );
  }
  const { ids } = tokenizer.encode("I10");
  t.same(tokenizer.decode(tokenizer.tokenize("I10")), tokenizer.decode(ids));
  t.same(
    tokenizer.decode([ids, tokenizer.tokenize("E11.9")]),
    [tokenizer.decode(ids), tokenizer.decode(tokenizer.encode("E11.9").ids)],
    "several at once",
  );
  t.same(tokenizer.decode(ids, 1).length, 1);
  t.same(tokenizer.decode(new Int32Array(8).fill(1)), [], "the unknown token is nobody's");
  t.throws(() => tokenizer.decode([1, 2]), /got 2 tokens/);
  t.throws(() => tokenizer.decode(Array.from({ length: 8 }, () => "t_000009")), /no token/);
  tokenizer.close();
});

t.test(
  "published artefacts know codes without systems; the system asked for is not looked at",
  async (t) => {
    const bare = {
      code: CODES.slice(0, 9).map((code) => code.split("/")[1] ?? ""),
      hasSystems: false,
    };
    const c = artefactContents();
    const tokens = c.tokens && {
      ...c.tokens,
      ids: c.tokens.ids.slice(0, 72),
      weights: c.tokens.weights.slice(0, 72),
    };
    const short = { embeddings: c.embeddings.slice(0, 72), description: bare.code.map(() => "") };
    const made = await writeMadeUp(join(t.testdir({}), "bare"), {
      ...bare,
      ...short,
      tokens,
      mapped: [],
    });
    const tokenizer = await MedTok.fromPretrained(made, { unknown: "quiet" });
    for (const [code, how, matched] of [
      ["E11.9", "exact", "E11.9"],
      ["ICD10CM/E11.9", "normalised", "E11.9"],
      ["ICD10CM/e119", "normalised", "E11.9"],
      ["ICD10CM/E11.65", "parent", "E11.6"],
      ["E11.65", "parent", "E11.6"],
      ["ICD10CM/Z99", "unk", null],
    ] as const) {
      const answer = tokenizer.resolve(code);
      t.same([answer.how, answer.matched], [how, matched], code);
    }
    tokenizer.close();
  },
);

t.test("a tokenizer of vectors alone embeds, and says that it has no tokens", async (t) => {
  const made = await writeMadeUp(join(t.testdir({}), "vectors"), { tokens: null });
  const tokenizer = await MedTok.fromPretrained(made);
  t.equal(tokenizer.embed("I10").length, 8);
  t.throws(() => tokenizer.tokenize("I10"), { name: "BenchError", message: /vectors only/ });
  tokenizer.close();
});
