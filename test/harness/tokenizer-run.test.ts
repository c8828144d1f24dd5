import t from "tap";
import { unknownCodes } from "../../harness/prepare.ts";
import { runSeeds } from "../../harness/run.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { CODE_COUNT, LABELS, makeSamples, sourceOf, vectorTokenizer } from "../support/samples.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

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

t.test(
  "a run with each tokenizer: medtok and text know codes that no training subject has",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    const tiny = { steps: 2, batch: 64, codebookSize: 48, width: 16, graphWidth: 16 };
    const unseen: unknown[] = [];
    for (const [name, options] of [
      ["baseline", {}],
      ["medtok", tiny],
      ["medtok", { ...tiny, mode: "tokens", trainable: true }],
      ["permuted-rows", tiny],
      ["bert-text", {}],
      ["vqgraph", { steps: 2, block: 64, width: 16, codebookSize: 48 }],
      ["random-vectors", {}],
    ] as const) {
      const tokenizer = tokenizers.get(name);
      const tokenizerOptions = { ...tokenizer.defaults, ...options };
      const plan = { ...smallPlan("mortality", "logistic", dir), tokenizer, tokenizerOptions };
      const [record] = await runSeeds(store, plan, silent);
      t.equal(record?.spec.tokenizer, name);
      t.ok((record?.spec.tokenizer_artefact.length ?? 0) >= 16);
      const history = record?.cohort.splits.held_out.history;
      unseen.push(history?.unseen_codes_share);
      const unknown = history?.unknown_codes_share;
      if (name === "baseline")
        t.equal(unknown, history?.unseen_codes_share, "it knows those alone");
      else t.equal(unknown, 0, name);
    }
    t.type(unseen[0], "number");
    t.equal(new Set(unseen).size, 1, "the cohort's own, whatever the tokenizer");
  },
);
