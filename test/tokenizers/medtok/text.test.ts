/** The default text encoder: grams, SVD against a dense computation, words, cache. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { Random } from "../../../core/random.ts";
import { symmetricEigen } from "../../../core/symmetric-eigen.ts";
import { fitCached } from "../../../tokenizers/medtok/text/features.ts";
import { countGrams, eachGram, wordsOf } from "../../../tokenizers/medtok/text/grams.ts";
import { hashedSvdEncoder } from "../../../tokenizers/medtok/text/hashed-svd.ts";
import { truncatedSvd } from "../../../tokenizers/medtok/text/truncated-svd.ts";

const TITLES = [
  "Type 2 diabetes mellitus without complications | Type 2 diabetes mellitus",
  "Type 2 diabetes mellitus with hyperglycemia | Type 2 diabetes mellitus",
  "Type 1 diabetes mellitus without complications",
  "Acute myocardial infarction, unspecified",
  "Old myocardial infarction",
  "Essential (primary) hypertension",
  "Hypertensive heart disease with heart failure",
  "",
];

const OPTIONS = {
  maxWords: 3,
  random: Random.fromSeed(1),
  signal: new AbortController().signal,
  report: () => {},
};

t.test("words are lower-case runs of letters and digits", async (t) => {
  t.same(wordsOf("Ménière's disease, LEFT ear-2"), ["meniere", "s", "disease", "left", "ear", "2"]);
  t.same(wordsOf("  "), []);
});

t.test("grams are words, pairs and four letters, counted as 1 + log", async (t) => {
  const seen: number[] = [];
  eachGram(["heart", "heart"], 1 << 16, (b) => seen.push(b));
  t.equal(
    seen.length,
    2 + 1 + 2 * 4,
    "two words, a pair, and ' hea', 'hear', 'eart', 'art ' twice",
  );
  t.equal(new Set(seen).size, 6);
  const rows = countGrams([["heart", "heart"], []], 1 << 16);
  t.same([...rows.offset], [0, 6, 6]);
  const columns = [...rows.column];
  t.same(
    columns,
    [...columns].sort((a, b) => a - b),
  );
  const twice = Math.fround(1 + Math.log(2));
  t.same([...rows.value].sort(), [1, twice, twice, twice, twice, twice].sort());
});

t.test("the eigenvectors of a symmetric matrix are orthonormal and diagonalise it", async (t) => {
  const n = 7;
  const random = Random.fromSeed(5);
  const half = Float64Array.from({ length: n * n }, () => random.normal());
  const m = half.map((_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return (half[i * n + j] as number) + (half[j * n + i] as number);
  });
  const { values, vectors } = symmetricEigen(m, n);
  const column = (j: number) => Array.from({ length: n }, (_, i) => vectors[i * n + j] as number);
  const dot = (x: number[], y: number[]) => x.reduce((sum, a, i) => sum + a * (y[i] as number), 0);
  const times = (x: number[]) => x.map((_, i) => dot([...m.subarray(i * n, (i + 1) * n)], x));
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) {
      const isSame = a === b;
      t.ok(Math.abs(dot(column(a), column(b)) - (isSame ? 1 : 0)) < 1e-12);
      const form = dot(column(a), times(column(b)));
      t.ok(Math.abs(form - (isSame ? (values[a] as number) : 0)) < 1e-12);
    }
  t.same(
    [...values],
    [...values].sort((x, y) => y - x),
  );
});

t.test("the truncated SVD agrees with the eigenvectors of the dense Gram matrix", async (t) => {
  const columns = 24;
  const random = Random.fromSeed(2);
  // Singular values that fall fast: the case that random projections are made for.
  const factors = Array.from({ length: 40 }, () =>
    Array.from({ length: 6 }, (_, k) => random.normal() / 3 ** k),
  );
  const loads = Array.from({ length: 6 }, () =>
    Array.from({ length: columns }, () => random.normal()),
  );
  const dense = factors.map((f) =>
    Float32Array.from({ length: columns }, (_, j) =>
      f.reduce((sum, x, k) => sum + x * (loads[k]?.[j] ?? 0), 0),
    ),
  );
  const rows = {
    offset: Int32Array.from({ length: 41 }, (_, i) => i * columns),
    column: Int32Array.from({ length: 40 * columns }, (_, i) => i % columns),
    value: Float32Array.from(dense.flatMap((row) => [...row])),
  };
  const gram = new Float64Array(columns * columns);
  for (const row of dense)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j < columns; j++)
        gram[i * columns + j] =
          (gram[i * columns + j] as number) + (row[i] as number) * (row[j] as number);
  const exact = symmetricEigen(gram, columns);
  const svd = await truncatedSvd(rows, columns, 3, Random.fromSeed(9));
  t.equal(svd.singular.length, 3);
  for (let k = 0; k < 3; k++) {
    const singular = Math.sqrt(exact.values[k] as number);
    t.ok(Math.abs((svd.singular[k] as number) - singular) < 1e-6 * singular);
    let dot = 0;
    let top = 0;
    for (let i = 0; i < columns; i++) {
      const x = svd.vectors[i * 3 + k] as number;
      dot += x * (exact.vectors[i * columns + k] as number);
      if (Math.abs(x) > Math.abs(top)) top = x;
    }
    t.ok(Math.abs(Math.abs(dot) - 1) < 1e-6, `vector ${k}: ${dot}`);
    t.ok(top > 0, "the largest component is positive");
  }
});

t.test("similar titles are near, rows have unit length, an empty title is zero", async (t) => {
  const encoder = hashedSvdEncoder({ width: 4, buckets: 4096 });
  const { features, state } = await encoder.fit(TITLES, OPTIONS);
  const row = (i: number) => [...features.sentence.subarray(i * 4, i * 4 + 4)];
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, j) => sum + x * (b[j] as number), 0);
  for (let i = 0; i < 7; i++) t.ok(Math.abs(dot(row(i), row(i)) - 1) < 1e-5);
  t.same(row(7), [0, 0, 0, 0]);
  t.ok(dot(row(0), row(1)) > 0.9, "two kinds of type 2 diabetes");
  t.ok(dot(row(0), row(1)) > dot(row(0), row(3)) + 0.5);
  const more = await encoder.encode(state, [TITLES[4] ?? "", "Unseen infarction"], OPTIONS);
  t.same([...more.sentence.subarray(0, 4)], row(4), "an old title gets the old vector");
  t.ok(dot([...more.sentence.subarray(4)], row(4)) > dot([...more.sentence.subarray(4)], row(0)));
});

t.test("a text's words are its first distinct ones", async (t) => {
  const { features } = await hashedSvdEncoder({ width: 4, buckets: 4096 }).fit(TITLES, OPTIONS);
  t.same([...features.wordOffset], [0, 3, 6, 9, 12, 15, 18, 21, 21]);
  const [a, b] = [features.wordId.subarray(0, 3), features.wordId.subarray(3, 6)];
  t.same([...a], [...b], "type, 2, diabetes");
  t.equal(Math.max(...features.wordId), features.word.length / 4 - 1);
});

t.test("features are cached by content", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "medtok-text-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const encoder = hashedSvdEncoder({ width: 4, buckets: 4096 });
  let fits = 0;
  const counted: typeof encoder = {
    ...encoder,
    fit: (...all) => {
      fits += 1;
      return encoder.fit(...all);
    },
  };
  const first = await fitCached(counted, TITLES, OPTIONS, folder);
  const again = await fitCached(counted, TITLES, OPTIONS, folder);
  t.equal(fits, 1);
  t.same(again, first);
  await fitCached(counted, [...TITLES, "new"], OPTIONS, folder);
  await fitCached(counted, TITLES, { ...OPTIONS, random: Random.fromSeed(2) }, folder);
  t.equal(fits, 3);
  t.equal((await readdir(folder)).length, 3);
});
