import t from "tap";
import { Random } from "../../../core/random.ts";
import type { Outcome } from "../../../core/task.ts";
import type { Tokenizer } from "../../../core/tokenizer.ts";
import { firstRows } from "../../../ehr-models/ethos/first-rows.ts";
import { denseVectors } from "../../../ehr-models/token-rows.ts";
import { atDischarge, context, predictions, source } from "../../support/planted-fits.ts";
import {
  plantedSubjects,
  plantedTokenizer,
  plantedVocabulary,
  rowOf,
  whole,
} from "../../support/planted-records.ts";

/** Units of two segments with two rows each, of which one is heavier. */
function tokenTokenizer(): Tokenizer {
  const base = plantedTokenizer();
  const V = base.vocabularySize;
  const random = Random.fromSeed(8);
  const [segments, perSegment, rows, width] = [2, 2, 7, 5];
  const size = V * segments * perSegment;
  const known = (i: number) => i >= 2 * segments * perSegment;
  return {
    ...base,
    representation: {
      kind: "tokens",
      tokens: Int32Array.from({ length: size }, (_, i) => (known(i) ? random.below(rows) : 0)),
      weights: Float32Array.from({ length: size }, (_, i) => (known(i) ? (i % 2 ? 0.6 : 0.4) : 0)),
      segments,
      perSegment,
      rows,
      codebook: Float32Array.from({ length: rows * width }, () => random.normal()),
      width,
      learned: false,
      trainable: false,
    },
  };
}

t.test(
  "codes of a codebook are written as the heaviest row of each segment, and found again as such",
  async (t) => {
    const subjects = plantedSubjects(60, { again: [1, 1], soon: 0.5, dies: [1, 0] }, 7);
    const tokenizer = tokenTokenizer();
    const r = tokenizer.representation;
    if (r.kind !== "tokens") throw new Error("tokens");
    const v = plantedVocabulary(whole(subjects), { tokenizer });
    const row = rowOf("ATC/C07AB02");
    const unit = row + 2;
    const names = [...(v.codeTokens[row] ?? [])].map((token) => v.codeNames[token - v.firstCode]);
    t.same(names, [`segment/0/${r.tokens[4 * unit + 1]}`, `segment/1/${r.tokens[4 * unit + 3]}`]);
    const rows = firstRows(v, tokenizer, 16, Random.fromSeed(1));
    t.equal(rows?.length, v.size * 16);
    const train = source(atDischarge(subjects, (s) => s.isDead));
    const outcome: Outcome = { classes: [["ATC/C07AB02"]], until: [], withinDays: 60 };
    const p = await predictions(
      context(train, whole(subjects), outcome, { tokenizer, epochs: 40 }),
      { futures: 5, batchSize: 16 },
      train,
    );
    t.ok(
      p.reduce((a, b) => a + b, 0) / p.length > 0.8,
      "everybody gets the drug at the next admission",
    );
  },
);

t.test("given vectors are where codes start: who is near stays near", (t) => {
  const subjects = plantedSubjects(30, { again: [1, 1], soon: 0.5, dies: [0, 0] }, 7);
  const base = plantedTokenizer();
  const width = 12;
  const random = Random.fromSeed(3);
  const values = Float32Array.from({ length: base.vocabularySize * width }, () => random.normal());
  const at = (code: string) => (rowOf(code) + 2) * width;
  values.copyWithin(at("ATC/C07AB02"), at("ATC/B01AB01"), at("ATC/B01AB01") + width);
  const tokenizer: Tokenizer = {
    ...base,
    representation: { kind: "vectors", values, width, trainable: false },
  };
  const v = plantedVocabulary(whole(subjects), { tokenizer });
  const rows = firstRows(v, tokenizer, 16, Random.fromSeed(1)) ?? new Float32Array();
  const of = (code: string) => {
    const token = v.codeTokens[rowOf(code)]?.[0] ?? 0;
    return rows.slice(token * 16, (token + 1) * 16);
  };
  t.same(of("ATC/C07AB02"), of("ATC/B01AB01"));
  t.notSame(of("ICD10CM/A00.1"), of("ATC/B01AB01"));
  t.equal(firstRows(v, base, 16, Random.fromSeed(1)), undefined);
  t.end();
});

t.test("learned tokens without a codebook start from the vectors, or like any other", (t) => {
  const subjects = plantedSubjects(30, { again: [1, 1], soon: 0.5, dies: [0, 0] }, 7);
  const base = tokenTokenizer();
  const r = base.representation;
  if (r.kind !== "tokens") throw new Error("tokens");
  const learned = { ...r, learned: true };
  const tokenizer: Tokenizer = { ...base, representation: learned };
  const v = plantedVocabulary(whole(subjects), { tokenizer });
  const first = (representation: Tokenizer["representation"]) =>
    firstRows(v, { ...base, representation }, 16, Random.fromSeed(1));
  const vectors = denseVectors(r);
  const without = { ...learned, codebook: null };
  t.same(
    first({ ...without, vectors }),
    first(learned),
    "the vectors that the codebook stands for",
  );
  t.same(
    first({ ...without, vectors: vectors.map((x) => 2 * x) }),
    first(learned),
    "their length tells nothing",
  );
  t.notSame(first({ ...without, vectors: vectors.toReversed() }), first(learned));
  t.equal(first(without), undefined);
  t.end();
});
