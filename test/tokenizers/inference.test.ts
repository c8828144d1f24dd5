import t from "tap";
import { trainMedTok } from "../../tokenizers/medtok/train.ts";
import { infer } from "../../tokenizers/pipeline/infer.ts";
import { describeCodes, makeInputs } from "../../tokenizers/pipeline/inputs.ts";
import { tokenizerRandom } from "../../tokenizers/pipeline/random.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";
import { SMALL, table } from "../support/tokenizer-context.ts";

/** One cache for the file: most tests ask for the same training, which is then made once. */
const cache = t.testdir({});

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
