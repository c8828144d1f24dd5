/** What a tokenizer can be trained on beside a table of codes: PrimeKG, published and stores' tables, in runs too. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Database } from "../../Dataset/duckdb.ts";
import { readCodes } from "../../harness/code-sources.ts";
import { givenByName } from "../../harness/given-knowledge.ts";
import { tokenizerFiles } from "../../harness/options.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { callCli } from "../support/cli.ts";
import { context, fit, SMALL, table, values } from "../support/tokenizer-context.ts";

const NAMES = ["INS", "diabetes, type 2", "metformin", "high pressure", "obesity"];
const HEADER = "relation,x_index,x_name,x_type,y_index,y_name,y_type";
const link = (relation: string, x: number, y: number) =>
  `${relation},${x},"${NAMES[x]}",t,${y},"${NAMES[y]}",t`;
const KG = [HEADER, link("disease_protein", 0, 1), link("indication", 2, 1), link("d_d", 4, 1)];
const ROWS = `('E11.9', 'type 2 diabetes, enriched', [1, 2, 4]), ('I10', 'high pressure', [3]),
  ('Z99', 'nothing known', []::INTEGER[]), ('E11.65', 'with high sugar', [1, 0])`;

const dir = t.testdir({ "kg.csv": `${KG.join("\n")}\n` });
const kg = join(dir, "kg.csv");
const codes = join(dir, "all_codes_mappings.parquet");
const db = await Database.open({ threads: 1 });
await db.write(`SELECT * FROM (VALUES ${ROWS}) AS t(med_code, "desc", pkg_index_list)`, codes);
await db.write(
  "SELECT * FROM (VALUES ('ATC/A10', 'drugs', ['ATC/A']), ('ICD10CM/I10', NULL, NULL)) AS t(code, description, parent_codes)",
  join(dir, "codes.parquet"),
);
db.close();
const small = Object.entries({ ...SMALL, steps: 2, batch: 4 }).flatMap(([name, value]) => [
  "--set",
  `${name}=${value}`,
]);
const train = (out: string, ...more: string[]) =>
  callCli([
    ...["tokenizer", "train", "--out", join(dir, out), "--cache-dir", join(dir, "cache")],
    ...[...small, ...more, "--json"],
  ]);

t.test("PrimeKG is the graph, by the nodes that the published table gives", async (t) => {
  const { code, stderr } = await train("tok", "--codes", codes, "--kg", kg);
  t.equal(code, 0, stderr);
  const artefact = new Artefact(join(dir, "tok"));
  t.same(artefact.code, ["E11.65", "E11.9", "I10", "Z99"]);
  t.same(artefact.config.options["graph"], "primekg");
  t.same(
    artefact
      .neighbourhood("E11.9")
      .map(({ from, relation, to, origin }) => [from, relation, to, origin]),
    [
      ["E11.9", "has_node", "PrimeKG/1 (diabetes, type 2)", "code table"],
      ["E11.9", "has_node", "PrimeKG/2 (metformin)", "code table"],
      ["E11.9", "has_node", "PrimeKG/4 (obesity)", "code table"],
      ["PrimeKG/1 (diabetes, type 2)", "indication", "PrimeKG/2 (metformin)", "PrimeKG"],
      ["PrimeKG/1 (diabetes, type 2)", "d_d", "PrimeKG/4 (obesity)", "PrimeKG"],
    ],
  );
  t.same(
    artefact.neighbourhood("Z99").map(({ to }) => to),
    ["nothing known"],
  );
  artefact.close();
  const own = await train("own", "--codes", codes);
  t.equal(own.code, 0, own.stderr);
  const other = new Artefact(join(dir, "own"));
  t.not(other.hash, artefact.hash);
  other.close();
});

t.test("a store's table of codes is read with its parents", async (t) => {
  const found = await readCodes([join(dir, "codes.parquet")], null, 512);
  t.same(found.code, ["ATC/A10", "ICD10CM/I10"]);
  t.same(found.description, ["drugs", null]);
  t.same(found.parents, [["ATC/A"], []]);
});

t.test(
  "in runs, published titles and nodes reach the store's codes whatever their notation",
  async (t) => {
    const cacheFolder = join(dir, "runs");
    const given = (files: Record<string, string>) =>
      givenByName(files, { memoryLimitMb: 512, threads: 1 });
    const more = (files: Record<string, string>) => {
      const found = given(files);
      return found === undefined ? {} : { given: found };
    };
    const graph = { graph: "primekg", coOccurrence: false };
    const made = await fit("medtok", context(cacheFolder, graph, more({ codes, kg })));
    t.equal(made.vocabularySize, table().size + 2);
    t.ok(values(made).every(Number.isFinite));
    const options = { width: 8, codebookSize: 4, steps: 2, ...graph };
    const vq = await fit("vqgraph", context(cacheFolder, {}, { options, ...more({ codes, kg }) }));
    const units = [...vq.unit].map((unit, row) => [table().code[row], unit > 1]);
    t.same(
      units.filter(([, isKnown]) => isKnown).map(([code]) => code),
      ["ICD10CM/E11.65", "ICD10CM/E11.9", "ICD10CM/I10"],
      "codes without a node are unknown",
    );
    const plain = await fit("bert-text", context(cacheFolder, {}, { options: {} }));
    const better = await fit(
      "bert-text",
      context(cacheFolder, {}, { options: {}, ...more({ codes }) }),
    );
    const { width } = better.representation as { width: number };
    const row = (from: typeof plain, code: string) => {
      const unit = from.unit[table().code.indexOf(code)] ?? 0;
      return values(from).slice(unit * width, (unit + 1) * width);
    };
    t.notSame(row(better, "ICD10CM/E11.9"), row(plain, "ICD10CM/E11.9"), "an enriched title");
    const refused = (options: object, files: Record<string, string>, message: RegExp) =>
      t.rejects(fit("medtok", context(cacheFolder, options, more(files))), {
        name: "BenchError",
        message,
      });
    await refused({}, { codes, kg }, /graph=own/);
    await refused(graph, { codes }, /without PrimeKG/);
    await refused(
      { graph: "primekg", coOccurrence: true },
      { codes, kg },
      /no edges between codes/,
    );
    await refused({ text: "sentence" }, { codes }, /without a sentence encoder/);
    const named = { name: "BenchError", where: "--tokenizer-file kg=" };
    for (const files of [{ codes, kg: join(dir, "gone.csv") }, { kg }])
      t.throws(() => given(files), named, "before anything is read");
    await refused({}, { encoder: dir }, /text=hashed/);
    await refused({ text: "sentence", hub: "a/b" }, { encoder: dir }, /both given/);
  },
);

t.test("wrong inputs are told", async (t) => {
  writeFileSync(join(dir, "far.csv"), [HEADER, link("d_d", 0, 1)].join("\n"));
  for (const [args, message] of [
    [["--codes", codes, "--kg", join(dir, "none.csv")], /none.csv does not exist/],
    [["--codes", join(dir, "codes.parquet"), "--kg", kg], /no column med_code, pkg_index_list/],
    [["--codes", codes, "--kg", join(dir, "far.csv")], /a code has the node/],
    [["--codes", codes, "--encoder", join(dir, "nowhere")], /no folder .*nowhere/],
    [["--codes", codes, "--encoder", dir, "--hub", "a/b"], /both given/],
  ] as const) {
    const { code, stderr } = await train("bad", ...args);
    t.ok(code === 1 || code === 2, args.join(" "));
    t.match(stderr, message);
  }
  const medtok = tokenizers.get("medtok");
  t.throws(() => tokenizerFiles(medtok, ["gk=x"]), { name: "BenchError", message: /gk/ });
  t.throws(() => tokenizerFiles(medtok, [`kg=${dir}/none.csv`]), { name: "BenchError" });
  t.same(tokenizerFiles(medtok, [`codes=ICD10CM=${codes}`]), { codes: `ICD10CM=${codes}` });
});
