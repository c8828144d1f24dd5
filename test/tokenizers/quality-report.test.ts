import t from "tap";
import { trainMedTok } from "../../tokenizers/medtok/train.ts";
import { infer } from "../../tokenizers/pipeline/infer.ts";
import { makeInputs } from "../../tokenizers/pipeline/inputs.ts";
import { qualityReport } from "../../tokenizers/pipeline/quality-report.ts";
import { tokenizerRandom } from "../../tokenizers/pipeline/random.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";

t.test(
  "the quality report counts neighbours of one category and mapped twins, text and chance beside",
  async (t) => {
    const code: string[] = [];
    const description: string[] = [];
    for (let i = 0; i < 25; i++)
      for (const system of ["ICD10CM", "ICD9CM"])
        for (const n of [1, 2]) {
          code.push(`${system}/${system === "ICD9CM" ? `${100 + i}` : `A${10 + i}`}.${n}`);
          description.push(`disease${i} of kind${n}`);
        }
    const order = [...code.keys()].sort((a, b) => ((code[a] ?? "") < (code[b] ?? "") ? -1 : 1));
    const from = code.filter((key) => key.startsWith("ICD9CM"));
    const to = from.map((key) => `ICD10CM/A${Number(key.slice(7, 10)) - 90}.${key.at(-1)}`);
    const source = {
      code: order.map((i) => code[i] as string),
      description: order.map((i) => description[i] as string),
      parents: order.map(() => []),
      knowledge: { titles: [], relations: [{ origin: "map", relation: "equivalent", from, to }] },
    };
    const small = { steps: 4, batch: 50, codebookSize: 18, perPart: 2, width: 8, heads: 2 };
    const work = { report: () => {}, signal: new AbortController().signal };
    const random = tokenizerRandom(0);
    const made = await makeInputs(source, [], { cacheFolder: t.testdir({}), random, ...work });
    const { config } = settingsOf({ ...small }, code.length);
    const trained = await trainMedTok(made.inputs, made.textEncoder, config, {
      random,
      threads: 1,
      ...work,
    });
    const inferred = await infer(trained, made.inputs, { threads: 1, ...work });
    const options = { threads: 1, seed: 0, compareRandom: true, ...work };
    const report = await qualityReport(made, trained, inferred, options);
    const twins = report.mapped_twin_among_nearest as Record<
      string,
      { queries: number; ten: number }
    >;
    t.same(Object.keys(twins), ["medtok", "text_features", "random_codebook"]);
    t.equal(twins["text_features"]?.queries, 50);
    t.equal(twins["text_features"]?.ten, 1, "twins have the same words");
    const groups = report.same_group_among_nearest["ICD10CM"] as Record<
      string,
      { nearest: number }
    >;
    t.equal(groups["text_features"]?.nearest, 1, "siblings share their rare word");
    t.ok((groups["medtok"]?.nearest ?? 0) > 0);
  },
);
