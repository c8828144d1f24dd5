import t from "tap";
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import {
  embedCodes,
  featuresOf,
  frozenTables,
  standardOf,
} from "../../ehr-models/code-embedding.ts";
import { similarityFeatures } from "../../ehr-models/similarity.ts";
import { denseVectors } from "../../ehr-models/token-rows.ts";
import { Graph } from "../../engine/graph.ts";
import { asVectors, SEGMENTS, tokenTokenizer, V, WIDTH } from "../support/made-tokens.ts";
import { makeTrainer, trainSteps } from "../support/unit-trainer.ts";

const OUT = 5;

t.test("a codebook under training is centred and scaled by its first vectors", async (t) => {
  const tokens = tokenTokenizer(true).representation;
  const d = SEGMENTS * WIDTH;
  const { centre, factor } = standardOf(tokens);
  const vectors = denseVectors(tokens);
  const rows = Array.from({ length: V - 2 }, (_, i) => [
    ...vectors.slice((i + 2) * d, (i + 3) * d),
  ]);
  const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
  for (const [j, x] of centre.entries())
    t.ok(Math.abs(mean(rows.map((row) => row[j] ?? 9)) - x) < 1e-9);
  const moved = rows.map((row) => row.map((x, j) => factor * (x - (centre[j] ?? 9))));
  const square = mean(moved.map((row) => row.reduce((sum, x) => sum + x * x, 0)));
  t.ok(Math.abs(square - 1) < 1e-6);
  const alike = { ...tokens, codebook: new Float32Array(tokens.codebook.length).fill(3) };
  t.equal(standardOf(alike).factor, 1, "vectors that are all alike are left at their size");
});

t.test("frozen vectors are read through features of similarity, made once", async (t) => {
  const tokens = tokenTokenizer(false);
  const given = asVectors(tokens).representation;
  if (given.kind !== "vectors") throw new Error("vectors wanted");
  const wanted = similarityFeatures(given.values, given.width, 2);
  t.same(featuresOf(given), wanted);
  t.equal(featuresOf(given), featuresOf(given));
  t.same(featuresOf(tokens.representation), wanted, "frozen tokens by the vectors they stand for");
  t.equal(frozenTables(tokens)["codes.vectors"], featuresOf(tokens.representation).values);
});

/** Marks of the units that have a residual: those from 10 to 40. */
const MARKS = Uint8Array.from({ length: V }, (_, unit) => (unit >= 10 && unit < 40 ? 1 : 0));

/** First parameters of the embedding of a tokenizer. */
function firstParameters(tokenizer: Tokenizer): Map<string, Float32Array> {
  const g = new Graph();
  embedCodes(g.input("u", ["B", "L"], "int32"), tokenizer, OUT, 0.5);
  const random = Random.fromSeed(6);
  return new Map(
    g.parameters.map(({ name, shape, initial }) => [
      name,
      initial(
        random.derive(name),
        shape.reduce((a, b) => a * b, 1),
      ),
    ]),
  );
}

t.test("with a residual a model starts as one with learned vectors", async (t) => {
  const given = asVectors(tokenTokenizer(false)).representation;
  const known = MARKS.reduce((sum, mark) => sum + mark, 0);
  const learned: Tokenizer = {
    ...tokenTokenizer(false),
    vocabularySize: 2 + known,
    representation: { kind: "learned" },
  };
  const both = firstParameters({
    ...tokenTokenizer(false),
    representation: { ...given, residual: MARKS } as typeof given,
  });
  const alone = firstParameters(learned).get("codes.table") ?? new Float32Array();
  const table = both.get("codes.table") ?? new Float32Array();
  t.ok(both.get("codes.projection.weight")?.every((x) => x === 0));
  t.ok(both.get("codes.projection.bias")?.every((x) => x === 0));
  t.ok(alone.some((x) => x !== 0));
  t.same(table.slice(10 * OUT, 40 * OUT), alone.slice(2 * OUT), "the same vectors, in order");
  t.ok(
    table.every((x, i) => x === 0 || (i >= 10 * OUT && i < 40 * OUT)),
    "and none elsewhere",
  );
  t.notOk(firstParameters({ ...learned, representation: given }).has("codes.table"));
});

t.test("a residual and what is shared are both learnt, and frozen vectors stay", async (t) => {
  const given = asVectors(tokenTokenizer(false)).representation;
  const tokenizer: Tokenizer = {
    ...tokenTokenizer(false),
    representation: { ...given, residual: MARKS } as typeof given,
  };
  const trainer = await makeTrainer(1, tokenizer);
  const before = new Map(
    ["codes.table", "codes.projection.weight"].map((n) => [n, trainer.state.parameter(n).slice()]),
  );
  await trainSteps(trainer, 3);
  for (const [name, values] of before) t.notSame(trainer.state.parameter(name), values, name);
  t.notOk(frozenTables(tokenizer)["codes.vectors"] === undefined);
  await trainer.release();
});
