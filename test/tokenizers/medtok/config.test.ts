/** MedTok's options and regions. */
import t from "tap";
import { BenchError } from "../../../core/errors.ts";
import { partRegions, regions } from "../../../tokenizers/medtok/codebook.ts";
import {
  codebookSizeFor,
  MEDTOK_PRESETS,
  medTokConfig,
} from "../../../tokenizers/medtok/config.ts";
import { quantizeByBruteForce } from "../../support/brute-force.ts";

t.test("options are checked by name, kind and range", async (t) => {
  t.throws(() => medTokConfig({ codebook: 12 }, 100), BenchError);
  t.throws(() => medTokConfig({ steps: "many" }, 100), BenchError);
  t.throws(() => medTokConfig({ protocol: "loose" }, 100), BenchError);
  t.throws(() => medTokConfig({ codebookSize: 12 }, 100), BenchError);
  t.throws(() => medTokConfig({ heads: 5 }, 100), BenchError);
  t.throws(() => medTokConfig({ temperature: 0 }, 100), BenchError);
  t.throws(() => medTokConfig({ textDropout: 1 }, 100), BenchError);
  t.equal(medTokConfig({ steps: 7 }, 100).steps, 7);
});

t.test("the codebook's size follows the number of codes", async (t) => {
  for (const [codes, size] of [
    [10, 384],
    [1354, 1536],
    [5000, 6144],
    [20_000, 12_288],
    [100_000, 12_288],
    [600_000, 12_288],
  ] as const)
    t.equal(codebookSizeFor(codes), size);
  t.equal(medTokConfig({}, 5000).codebookSize, 6144);
});

t.test("the number of steps follows the number of codes, unless it is given", async (t) => {
  for (const [codes, steps] of [
    [10, 100],
    [1354, 199],
    [97_434, 2000],
  ] as const)
    t.equal(medTokConfig({}, codes).steps, steps);
  t.equal(medTokConfig({ steps: 3 }, 97_434).steps, 3);
  t.equal(medTokConfig({ batch: 256 }, 1354).steps, 397, "as many epochs with smaller batches");
});

t.test("regions cover the book; the middle takes the remainder", async (t) => {
  for (const size of [384, 385, 386, 21_000]) {
    const { text, shared, graph } = regions(size);
    t.equal(text.from, 0);
    t.equal(text.to, shared.from);
    t.equal(shared.to, graph.from);
    t.equal(graph.to, size);
    t.equal(text.to, graph.to - graph.from);
    t.equal(shared.to - shared.from, size - 2 * text.to);
  }
});

t.test("the paper protocol keeps a whole-book search (K2)", async (t) => {
  const strict = medTokConfig({ codebookSize: 300 }, 100);
  const paper = medTokConfig({ ...MEDTOK_PRESETS["paper"], codebookSize: 300 }, 100);
  t.same(
    partRegions(strict).map(({ from, to }) => [from, to]),
    [
      [0, 100],
      [200, 300],
      [100, 200],
      [100, 200],
    ],
  );
  t.same(
    partRegions(paper).map(({ from, to }) => [from, to]),
    [
      [0, 100],
      [200, 300],
      [0, 300],
      [0, 300],
    ],
  );
  t.equal(paper.klWeight, 0);
});

t.test("a row of the codebook is its own nearest row; ties go to the lower row", async (t) => {
  const codebook = Float32Array.from([1, 0, 0, 2, -3, 0, 0, 1, 1, 1]);
  const region = { name: "all", from: 0, to: 5 } as const;
  const q = quantizeByBruteForce([0, 5], codebook, region, 3, 1);
  t.same([...q.rows], [1, 3, 4]);
  t.equal(q.distance[0], 0);
  t.equal(q.weights[0], q.weights[1]);
  t.ok(Math.abs(q.weights.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  const inner = quantizeByBruteForce([0, 5], codebook, { name: "all", from: 2, to: 5 }, 2, 1);
  t.same([...inner.rows], [3, 4]);
});
