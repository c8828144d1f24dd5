import t from "tap";
import { Random } from "../../../core/random.ts";
import { fillFromTexts } from "../../../tokenizers/medtok/node-start.ts";
import type { MedTokInputs } from "../../../tokenizers/medtok/types.ts";

const D = 4;

/**
 * Three codes with the texts of the rows; nodes 0 to 2 are their own, 3 lies above the first two, 4 above all, and
 * 5 above none. The first code's subgraph also has the second's own node.
 */
function inputs(sentence: readonly number[], core = [1, 1, 1]): MedTokInputs {
  const width = sentence.length / 3;
  return {
    codes: { code: ["A", "B", "C"], description: ["", "", ""] },
    text: {
      width,
      sentence: Float32Array.from(sentence),
      word: new Float32Array(0),
      wordOffset: new Int32Array(4),
      wordId: new Int32Array(0),
      hash: "made-up",
    },
    subgraphs: {
      nodeCount: 6,
      nodeOffset: Int32Array.of(0, 4, 7, 9),
      node: Int32Array.of(0, 1, 3, 4, 1, 3, 4, 2, 4),
      core: Int32Array.from(core),
      edgeOffset: new Int32Array(4),
      edgeFrom: new Uint16Array(0),
      edgeTo: new Uint16Array(0),
      hash: "made-up",
    },
  };
}

const filled = (made: MedTokInputs, seed = 1) => {
  const table = new Float32Array(6 * D).fill(9);
  fillFromTexts(table, made, Random.fromSeed(seed));
  return Array.from({ length: 6 }, (_, n) => [...table.slice(n * D, (n + 1) * D)]);
};

const near = (a: readonly number[] = [], b: readonly number[] = []) =>
  a.length === b.length && a.every((x, i) => Math.abs(x - (b[i] ?? Number.NaN)) < 1e-5);
const mean = (rows: readonly (readonly number[])[]) =>
  (rows[0] ?? []).map((_, j) => rows.reduce((sum, row) => sum + (row[j] ?? 0), 0) / rows.length);

t.test(
  "a code's node starts from its own text, others from the codes they lie above",
  async (t) => {
    const [a = [], b = [], c = [], above = [], root = [], none = []] = filled(
      inputs([1, 0, 0, 0.8, 0.6, 0, 0, 0, 1]),
    );
    t.ok(near(above, mean([a, b])), "the second code's node is not moved by the first code");
    t.ok(near(root, mean([a, b, c])));
    t.same(none, [9, 9, 9, 9], "no code has it");
    const known = [a, b, c, above, root];
    t.ok(near(mean(known), [0, 0, 0, 0]), "centred");
    const square = known.flat().reduce((sum, x) => sum + x * x, 0);
    t.ok(Math.abs(square / (5 * D) - 1) < 1e-5, "as large as normal draws");
    const distance = (x: number[], y: number[]) => Math.hypot(...x.map((v, i) => v - (y[i] ?? 0)));
    t.ok(distance(a, b) < distance(a, c), "who is alike stays so");
  },
);

t.test("without own nodes every node is a mean", async (t) => {
  const made = inputs([1, 0, 0, 0.8, 0.6, 0, 0, 0, 1], [0, 0, 0]);
  const [a = [], b = [], , above = []] = filled(made);
  t.ok(near(b, above), "codes A and B both list node 1, and node 3");
  t.notOk(near(a, above));
});

t.test("the same stream gives the same vectors; texts that are all alike give none", async (t) => {
  const made = inputs([1, 0, 0, 0.8, 0.6, 0, 0, 0, 1]);
  t.same(filled(made), filled(made));
  t.notSame(filled(made), filled(made, 2));
  t.same(
    filled(inputs([1, 0, 1, 0, 1, 0])).flat(),
    Array.from({ length: 6 * D }, () => 9),
  );
});
