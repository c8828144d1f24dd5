import { readdir } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { Random } from "../../core/random.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";
import { exchangedRows } from "../../tokenizers/pipeline/units.ts";
import { context, fit, table, values } from "../support/tokenizer-context.ts";

/** One cache for the file: most tests ask for the same training, which is then made once. */
const cache = t.testdir({});

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
    for (const norm of norms(await row({ mode: "vectors", quantised: false })))
      t.ok(Math.abs(norm - 1) < 1e-5);
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

t.test("options that are not offered or do not go together are refused", async (t) => {
  for (const [options, message] of [
    [{ mode: "words" }, /mode cannot be words/],
    [{ codebook: "none" }, /codebook cannot be none/],
    [{ mode: "tokens", quantised: false }, /have no tokens/],
    [{ mode: "codebook", quantised: false }, /have no tokens/],
    [{ trainable: true }, /learnt in any case/],
    [{ nothing: 1 }, /no option "nothing"/],
  ] as const)
    t.throws(() => settingsOf(options, 100), { name: "BenchError", message });
});

t.test(
  "vqgraph: one row of the codebook a code, vectors and tokens alike, kept and loaded",
  async (t) => {
    const options = { width: 8, codebookSize: 6, steps: 3, block: 16 };
    const own = context(cache, {}, { options });
    const made = await fit("vqgraph", own);
    t.same(
      [...made.unit],
      [...table().code.keys()].map((row) => row + 2),
      "every code is known",
    );
    const tokens = await fit("vqgraph", { ...own, options: { ...options, mode: "tokens" } });
    if (tokens.representation.kind !== "tokens") throw new Error("tokens wanted");
    t.same([tokens.representation.segments, tokens.representation.perSegment], [1, 1]);
    t.same(values(tokens), values(made));
    for (let unit = 2; unit < made.vocabularySize; unit++)
      t.ok(Math.abs(Math.hypot(...values(made).subarray(8 * unit, 8 * unit + 8)) - 1) < 1e-5);
    const [folder] = (await readdir(cache)).filter((name) => name.startsWith("vqgraph-"));
    const directory = join(cache, folder ?? "");
    const loaded = await fit("vqgraph", { ...own, directory });
    t.same(values(loaded), values(made));
    t.equal(loaded.artefactHash, made.artefactHash);
    await t.rejects(fit("medtok", context(cache, {}, { directory })), {
      name: "BenchError",
      message: /holds the tokenizer vqgraph/,
    });
    const other = await fit("vqgraph", { ...own, options: { ...options, seed: 1 } });
    t.not(other.artefactHash, made.artefactHash);
  },
);

t.test("everything that the paper compares is there by name", (t) => {
  for (const [name, presets] of [
    ["bert-text", []],
    ["vqgraph", ["codebook", "vectors", "published", "primekg"]],
    ["random-vectors", []],
    ["permuted-rows", []],
    [
      "medtok",
      [
        ...["paper", "codebook", "vectors", "trainable", "without-text", "without-graph"],
        ...["without-quantization", "random-codebook", "primekg"],
      ],
    ],
  ] as const) {
    const { presets: known, defaults } = tokenizers.get(name);
    for (const preset of presets) t.ok(known[preset], `${name} ${preset}`);
    t.ok("trainable" in defaults);
  }
  for (const option of ["codebookSize", "perPart", "mode"])
    t.ok(option in tokenizers.get("medtok").defaults, option);
  t.end();
});
