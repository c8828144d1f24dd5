import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readCodes, readCodesInOrder, readMaps, usefulPairs } from "../../harness/code-sources.ts";
import { MedTok } from "../../tokenizers/public.ts";
import { writeMadeUp } from "../support/artefact.ts";
import { callCli } from "../support/cli.ts";

const CSV = `code,description
E119,Type 2 diabetes without complications
E11,Type 2 diabetes
E1165,Type 2 diabetes with hyperglycemia
I10,Hypertension
,no code
E11,again
`;
const MAP = "icd_9,icd_10,flags\n25000,E119,10000\n4019,I10,00000\n";

t.test("code tables: systems are kept, dots put in, rows sorted, each code once", async (t) => {
  const dir = t.testdir({
    "a.csv": CSV,
    "b.csv": "med_code,desc\nATC/A10,drugs used in diabetes\n",
    "c.csv": "name\nx\n",
  });
  const files = [`icd-10-cm=${join(dir, "a.csv")}`, join(dir, "b.csv")];
  const { code, description, dropped } = await readCodes(files, null, 512);
  t.same(code, ["ATC/A10", "ICD10CM/E11", "ICD10CM/E11.65", "ICD10CM/E11.9", "ICD10CM/I10"]);
  t.equal(description[1], "Type 2 diabetes", "the first one");
  t.equal(dropped, 2);
  const inOrder = await readCodesInOrder(join(dir, "a.csv"));
  t.same(inOrder.code, ["E119", "E11", "E1165", "I10", "", "E11"], "arrays name rows by place");
  const refused = (message: RegExp) => ({ name: "BenchError", message });
  await t.rejects(readCodes([join(dir, "c.csv")], null, 512), refused(/none holds codes/));
  await t.rejects(readCodes([join(dir, "d.csv")], null, 512), refused(/does not exist/));
});

t.test("maps become edges, and answers for codes that the table has not", async (t) => {
  const dir = t.testdir({ "map.csv": MAP });
  const { knowledge, pairs } = readMaps([join(dir, "map.csv")]);
  t.same(
    knowledge.relations.map(({ relation, from, to }) => [relation, from, to]),
    [
      ["equivalent", ["ICD9CM/401.9"], ["ICD10CM/I10"]],
      ["approx", ["ICD9CM/250.00"], ["ICD10CM/E11.9"]],
    ],
  );
  t.same(usefulPairs(pairs, ["ICD10CM/E11.9", "ICD10CM/I10"]), [
    ["ICD9CM/401.9", "ICD10CM/I10"],
    ["ICD9CM/250.00", "ICD10CM/E11.9"],
  ]);
  t.throws(() => readMaps([join(dir, "none.csv")]), { name: "BenchError" });
});

t.test(
  "a tokenizer is trained, asked, looked into, exported and imported by commands",
  async (t) => {
    const dir = t.testdir({ "codes.csv": CSV, "map.csv": MAP });
    const tok = join(dir, "tok");
    const small = ["steps=2", "batch=4", "codebookSize=18", "perPart=2", "width=8", "heads=2"];
    const trained = await callCli([
      ...["tokenizer", "train", "--codes", `ICD10CM=${join(dir, "codes.csv")}`],
      ...["--map", join(dir, "map.csv"), "--out", tok, "--cache-dir", join(dir, "cache")],
      ...small.flatMap((pair) => ["--set", pair]),
      "--json",
    ]);
    t.equal(trained.code, 0, trained.stderr);
    const summary = JSON.parse(trained.stdout) as { artefact: string; codes: number };
    t.equal(summary.codes, 4);

    const json = async (...args: string[]) => {
      const { code, stdout, stderr } = await callCli(["tokenizer", ...args, "--json"]);
      t.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const asked = await json(
      "tokenize",
      "--dir",
      tok,
      "e119",
      "ICD9CM/401.9",
      "ICD10CM/E11.69",
      "X",
    );
    t.same(
      asked.map(({ how, matched }: { how: string; matched: string }) => [how, matched]),
      [
        ["normalised", "ICD10CM/E11.9"],
        ["mapped", "ICD10CM/I10"],
        ["parent", "ICD10CM/E11"],
        ["unk", null],
      ],
    );
    const local = join(dir, "local.csv");
    writeFileSync(local, "code,description\nLOCAL/17,Type 2 diabetes\n");
    const [described] = await json("embed", "--dir", tok, "local/17", "--descriptions", local);
    t.same([described.how, described.vector.length], ["text", 32]);
    t.equal((await json("encode", "--dir", tok, "I10"))[0].ids.length, 8);
    t.equal((await json("embed", "--dir", tok, "I10"))[0].vector.length, 32);
    const whole = await json("inspect", "--dir", tok, "--verify");
    t.equal(whole.artefact, summary.artefact);
    t.equal(whole.options.steps, 2);
    t.same(Object.keys(whole.report.quality.usage).sort(), ["graph", "shared", "text"]);
    t.ok(whole.report.quality.unique_keys > 0);
    const code = await json("inspect", "--dir", tok, "E11.65");
    t.equal(code.nearest.length, 3);
    t.ok(code.graph.some(({ to }: { to: string }) => to === "ICD10CM/E11.6"));
    t.match(code.description, /hyperglycemia > Type 2 diabetes/);

    await json("export", "--dir", tok, "--out", join(dir, "out"), "--bare-keys");
    t.ok(existsSync(join(dir, "out", "code2embeddings.json")));
    const back = join(dir, "back");
    await json("import", "--from", join(dir, "out"), "--out", back);
    const [one, two] = await Promise.all(
      [tok, back].map((folder) => MedTok.fromPretrained(folder)),
    );
    t.same(two?.embed("E11.9"), one?.embed("E11.9"));
  },
);

t.test("tokens lead back to their code, by name and by id", async (t) => {
  const tok = await writeMadeUp(join(t.testdir({}), "tok"));
  const json = async (...args: string[]) =>
    JSON.parse((await callCli(["tokenizer", ...args, "--dir", tok, "--json"])).stdout);
  const [{ tokens }] = await json("tokenize", "ICD10CM/I10");
  const byName = await json("decode", ...tokens);
  t.equal(byName[0].overlap, 1);
  const [{ ids }] = await json("encode", "ICD10CM/I10");
  t.same(await json("decode", ...ids.map(String)), byName);
});

t.test("a quality report is shown as tables, whatever of it there is", async (t) => {
  const tok = join(t.testdir({}), "tok");
  const five = { queries: 30, nearest: 0.5, five: 0.25 };
  const quality = {
    usage: { text: { share: 0.9, perplexity: 12.3 } },
    unique_keys: 0.75,
    same_group_among_nearest: { ICD10CM: { medtok: five } },
    mapped_twin_among_nearest: { medtok: { queries: 20, first: 0.1 } },
  };
  await writeMadeUp(tok, { report: { quality } });
  const { stdout, code } = await callCli(["tokenizer", "inspect", "--dir", tok]);
  t.equal(code, 0);
  t.match(stdout, /text +90\.0 % +12/);
  t.match(stdout, /no other code has: 75\.0 %/);
  t.match(stdout, /ICD10CM +medtok +nearest 50\.0 %, five 25\.0 %/);
  t.match(stdout, /ICD9CM +medtok +first 10\.0 %/);
  const plain = await writeMadeUp(`${tok}-plain`);
  t.match((await callCli(["tokenizer", "inspect", "--dir", plain])).stdout, /"codes": 11/);
});

t.test("a file of codes becomes a matrix; unknown ones are told", async (t) => {
  const dir = t.testdir({ "codes.txt": "ICD10CM/I10\n\nnothing\n" });
  const tok = await writeMadeUp(join(dir, "tok"));
  const out = join(dir, "vectors.npy");
  const args = ["--dir", tok, "--file", join(dir, "codes.txt"), "--out", out];
  const { code, stderr } = await callCli(["tokenizer", "embed", ...args]);
  t.equal(code, 0);
  t.match(stderr, /1 of 2 codes are unknown: nothing/);
  t.match(readFileSync(out).toString("latin1", 0, 128), /'shape': \(2, 8\)/);
});

t.test("wrong use of the tokenizer command is told", async (t) => {
  const dir = t.testdir({ "codes.csv": CSV, taken: { something: "" } });
  const [taken, codes] = [join(dir, "taken"), `ICD10CM=${join(dir, "codes.csv")}`];
  const tok = await writeMadeUp(join(dir, "tok"));
  for (const [args, message] of [
    [["tokenizer"], /name an action: train, tokenize/],
    [["tokenizer", "train", "--out", taken, "--codes", codes], /is not empty/],
    [["tokenizer", "import", "--from", "/nowhere", "--out", taken], /is not empty/],
    [["tokenizer", "embed", "--dir", tok, "I10", "--out", "/nowhere/x.npy"], /cannot be written/],
    [["tokenizer", "tokenize", "--dir", "/nowhere", "I10"], /no config.json/],
    [["tokenizer", "tokenize", "--dir", "/nowhere"], /no code was given/],
    [
      ["tokenizer", "embed", "--dir", "/nowhere", "X", "--descriptions", "/nowhere.csv"],
      /no config.json/,
    ],
    [["tokenizer", "inspect", "--dir", "/nowhere", "--nearest", "-3", "I10"], /--nearest is -3/],
    [
      ["tokenizer", "inspect", "--dir", "/nowhere", "--nearest", "x", "I10"],
      /--nearest is not a number/,
    ],
    [["tokenizer", "decode", "--dir", tok], /decode got 0 tokens/],
    [["tokenizer", "decode", "--dir", tok, "t_000001", "5"], /"5" is no token/],
    [["tokenizer", "decode", "--dir", tok, ...Array<string>(8).fill("999")], /999 is no token id/],
    [["tokenizer", "decode", "--dir", tok, "1", "--most", "0"], /--most is 0/],
    [["tokenizer", "decoed", "--dir", "/nowhere"], /decoed[\s\S]*decode/],
    [["tokenizer", "train", "--out", "/nowhere/x"], /no code to train on/],
  ] as const) {
    const { code, stderr } = await callCli(args);
    t.equal(code, message.source.includes("config.json") ? 1 : 2, args.join(" "));
    t.match(stderr, message);
  }
});
