import t from "tap";
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { embedCodes, frozenTables, standardOf } from "../../ehr-models/code-embedding.ts";
import { Graph } from "../../engine/graph.ts";
import { asVectors, SEGMENTS, tokenTokenizer, V, WIDTH } from "../support/made-tokens.ts";
import { makeTrainer, trainSteps } from "../support/unit-trainer.ts";

const OUT = 5;

t.test("given vectors are centred and evened out over the units", async (t) => {
  const { representation } = asVectors(tokenTokenizer(false));
  if (representation.kind !== "vectors") throw new Error("vectors wanted");
  const { values, width } = representation;
  const d = SEGMENTS * WIDTH;
  t.equal(width, d);
  const standard = standardOf(representation).values;
  t.same(standard.slice(0, 2 * d), new Float32Array(2 * d), "padding and unknown stay zero");
  const rows = (x: Float32Array) =>
    Array.from({ length: V - 2 }, (_, i) => [...x.slice((i + 2) * d, (i + 3) * d)]);
  const after = rows(standard);
  const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
  for (let j = 0; j < d; j++) t.ok(Math.abs(mean(after.map((row) => row[j] ?? 9))) < 1e-6);
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, j) => sum + x * (b[j] ?? Number.NaN), 0);
  t.ok(Math.abs(mean(after.map((row) => dot(row, row))) - 1) < 1e-5);
  // Half way to white: products of the new vectors, squared as a matrix, are those of the old ones to a factor.
  const before = rows(values);
  const centre = before[0]?.map((_, j) => mean(before.map((row) => row[j] ?? 9))) ?? [];
  const centred = before.map((row) => row.map((x, j) => x - (centre[j] ?? 9)));
  const product = (a: number, b: number) =>
    after.reduce((sum, row) => sum + dot(after[a] ?? [], row) * dot(row, after[b] ?? []), 0);
  const ratio = product(0, 0) / dot(centred[0] ?? [], centred[0] ?? []);
  for (const [a, b] of [
    [0, 1],
    [3, 3],
    [5, 40],
    [20, 7],
  ] as const)
    t.ok(Math.abs(product(a, b) - ratio * dot(centred[a] ?? [], centred[b] ?? [])) < 1e-5);
  const alike = { ...representation, values: new Float32Array(values.length).fill(3, 2 * d) };
  t.ok(
    standardOf(alike).values.every((x) => x === 0),
    "vectors that are all alike say nothing",
  );
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
