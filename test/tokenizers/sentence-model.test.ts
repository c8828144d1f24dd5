/** The sentence encoder with the real package, where it is installed; a model is made up in the test. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Random } from "../../core/random.ts";
import { fitCached } from "../../tokenizers/medtok/text/features.ts";
import { sentenceEncoder } from "../../tokenizers/medtok/text/sentence-encoder.ts";
import { WORDS, writeSentenceModel } from "../support/sentence-model.ts";

const PACKAGE = "@huggingface/transformers";
const skip = existsSync(`node_modules/${PACKAGE}`)
  ? false
  : `${PACKAGE} is optional and not installed here`;

const OPTIONS = {
  maxWords: 4,
  random: Random.fromSeed(1),
  signal: new AbortController().signal,
  report: () => {},
};

/** Mean over words, unit length. */
function byHand(words: readonly string[]): number[] {
  const sum = [0, 1, 2].map((j) =>
    words.reduce((all, word) => all + (WORDS[word]?.[j] ?? Number.NaN), 0),
  );
  const norm = Math.hypot(...sum);
  return sum.map((x) => x / norm);
}

t.test(
  "a made-up model gives means of its words' states, whatever the padding",
  {
    skip,
  },
  async (t) => {
    const folder = writeSentenceModel(join(t.testdir({}), "tiny"));
    const encoder = sentenceEncoder({ model: folder });
    const texts = ["old heart failure", "", "Heart", "strange heart"];
    const { features, state } = await encoder.fit(texts, OPTIONS);
    t.equal(features.width, 3);
    const wanted = [
      byHand(["old", "heart", "failure"]),
      [0, 0, 0],
      byHand(["heart"]),
      byHand(["[UNK]", "heart"]),
    ].flat();
    for (const [i, x] of wanted.entries())
      t.ok(Math.abs(x - (features.sentence[i] ?? Number.NaN)) < 1e-6, `${i}: ${x}`);
    t.same(state.settings, { model: "tiny", fromHub: "false" }, "no path of this machine");
    const other = await encoder.encode(state, ["old"], OPTIONS);
    t.ok(Math.abs((other.sentence[0] ?? 0) - 0.6) < 1e-6);
  },
);

t.test("a folder without a model is told", { skip }, async (t) => {
  const folder = join(t.testdir({ "config.json": '{"model_type":"bert"}' }));
  await t.rejects(sentenceEncoder({ model: folder }).fit(["x"], OPTIONS), {
    name: "BenchError",
    message: /could not be loaded/,
  });
});

t.test("features are kept by the content of the model's folder, not by its name", async (t) => {
  const dir = t.testdir({});
  const [one, two] = ["one", "two"].map((name) => writeSentenceModel(join(dir, name)));
  let calls = 0;
  const load = async () => ({
    env: { allowRemoteModels: true, allowLocalModels: true, localModelPath: "" },
    pipeline: async () => async (texts: string[]) => {
      calls += 1;
      return { data: new Float32Array(texts.length).fill(1), dims: [texts.length, 1] };
    },
  });
  const fit = (model: string | undefined) =>
    fitCached(sentenceEncoder({ model: model ?? "", load }), ["heart"], OPTIONS, join(dir, "c"));
  await fit(one);
  const first = calls;
  await fit(two);
  t.equal(calls, first, "the same files under another name");
  writeFileSync(join(two ?? "", "tokenizer.json"), "{}");
  await fit(two);
  t.ok(calls > first, "other files");
});
