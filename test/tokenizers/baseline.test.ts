import t from "tap";
import { Random } from "../../core/random.ts";
import type { TokenizerContext } from "../../core/tokenizer.ts";
import { tokenizers } from "../../tokenizers/index.ts";

function context(trainSubjects: readonly number[], code = ["A", "B", "C", "D"]): TokenizerContext {
  return {
    codes: {
      size: code.length,
      code,
      description: code.map(() => null),
      kind: new Uint8Array(code.length),
      parents: code.map(() => []),
    },
    trainSubjects: Uint32Array.from(trainSubjects),
    coOccurrence: () => ({ a: new Int32Array(), b: new Int32Array(), subjects: new Uint32Array() }),
    options: {},
    directory: null,
    cacheFolder: "",
    threads: 1,
    random: Random.fromSeed(0),
    report: () => {},
    signal: new AbortController().signal,
  };
}

t.test("codes of training subjects get a unit each, in order; others are unknown", async (t) => {
  const made = await tokenizers.get("baseline").fit(context([3, 0, 1, 0]));
  t.same(made.unit, Int32Array.of(2, 1, 3, 1));
  t.equal(made.vocabularySize, 4, "padding, unknown and two codes");
  t.same(made.representation, { kind: "learned" });
});

t.test("the hash follows the codes that were learned, not how often they occur", async (t) => {
  const hash = async (c: TokenizerContext) =>
    (await tokenizers.get("baseline").fit(c)).artefactHash;
  const base = await hash(context([3, 0, 1, 0]));
  t.equal(await hash(context([1, 0, 9, 0])), base);
  t.not(await hash(context([3, 1, 1, 0])), base);
  t.not(await hash(context([3, 0, 1, 0], ["A", "B", "X", "D"])), base);
});

t.test("no code at all leaves padding and unknown", async (t) => {
  const made = await tokenizers.get("baseline").fit(context([0, 0, 0, 0]));
  t.equal(made.vocabularySize, 2);
});
