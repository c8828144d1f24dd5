/** The optional sentence encoder: what it asks of the package, what it says when something is missing. */
import { existsSync } from "node:fs";
import t from "tap";
import { BenchError } from "../../../core/errors.ts";
import { Random } from "../../../core/random.ts";
import {
  sentenceEncoder,
  type Transformers,
} from "../../../tokenizers/medtok/text/sentence-encoder.ts";

const OPTIONS = {
  maxWords: 4,
  random: Random.fromSeed(1),
  signal: new AbortController().signal,
  report: () => {},
};

/** A package whose vector of a text is its length and its number of words. */
function made() {
  const calls: { model: string; texts: string[]; remote: boolean; path: string }[] = [];
  const fake: Transformers = {
    env: { allowRemoteModels: true, allowLocalModels: true, localModelPath: "" },
    pipeline: async (_, model) => async (texts) => {
      const { allowRemoteModels: remote, localModelPath: path } = fake.env;
      calls.push({ model, texts, remote, path });
      const rows = texts.flatMap((text) => [text.length, text.split(" ").length]);
      return { data: Float32Array.from(rows), dims: [texts.length, 2] };
    },
  };
  return { calls, load: async () => fake };
}

t.test("a folder is read from where it lies and never from the network", async (t) => {
  const folder = t.testdir({ "my-encoder": {} });
  const { calls, load } = made();
  const encoder = sentenceEncoder({ model: `${folder}/my-encoder`, load });
  const { features, state } = await encoder.fit(["Old heart failure", "", "heart"], OPTIONS);
  t.ok(
    calls.every(({ model, remote, path }) => model === "my-encoder" && !remote && path === folder),
  );
  t.equal(state.width, 2);
  t.same([...features.sentence], [17, 3, 0, 0, 5, 1], "blank descriptions are zero");
  t.same([...features.wordOffset], [0, 3, 3, 4]);
  t.same([...features.word], [7, 1, 5, 1, 3, 1], "failure, heart, old");
  const again = await encoder.encode(state, ["heart"], OPTIONS);
  t.same([...again.sentence], [5, 1]);
});

t.test("many texts go in several calls", async (t) => {
  const { calls, load } = made();
  const texts = Array.from({ length: 70 }, (_, i) => `word${i} heart`);
  const encoder = sentenceEncoder({ model: "org/name", fromHub: true, load });
  const { features } = await encoder.fit(texts, OPTIONS);
  t.ok(calls.every(({ texts: own, remote }) => own.length <= 32 && remote));
  t.equal(features.sentence.length, 140);
  t.equal(features.sentence[138], "word69 heart".length);
});

t.test("a missing folder and a missing package are said, with what to do", async (t) => {
  const missing = sentenceEncoder({ model: "/nowhere/encoder", load: made().load });
  await t.rejects(missing.fit(["x"], OPTIONS), { name: "BenchError", message: /no folder/ });
  const bare = sentenceEncoder({ model: t.testdir({}) });
  const error = await bare.fit(["x"], OPTIONS).catch((e: unknown) => e);
  t.ok(error instanceof BenchError);
  if (existsSync("node_modules/@huggingface/transformers")) {
    t.comment("the package is installed here, so that it cannot be missing");
    return;
  }
  t.match((error as BenchError).fix, /npm install @huggingface\/transformers/);
});
