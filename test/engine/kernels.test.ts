import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import { Random } from "../../core/random.ts";
import { allocateMemory, instantiateKernels } from "../../engine/kernels.ts";
import { kernelsModule } from "../../scripts/build-kernels.ts";

/** Float arrays in a fresh memory, each at its own address. */
function arrays(sizes: readonly number[]) {
  const memory = allocateMemory(1);
  const kernels = instantiateKernels(memory);
  let at = 64;
  const views = sizes.map((size) => {
    const view = new Float32Array(memory.buffer, at, size);
    at += 16 * Math.ceil(size / 4) + 16;
    return view;
  });
  return { memory, kernels, views };
}

t.test("the binary in the repository is the compiled source", async (t) => {
  const text = readFileSync(join(packageRoot, "engine", "kernels-binary.ts"), "utf8");
  t.equal(text, await kernelsModule(), "else run: npx tsx scripts/build-kernels.ts");
});

t.test("rows of any width are added in order, repeated ids included", async (t) => {
  for (const width of [1, 2, 3, 4, 5, 7, 8, 25]) {
    const { memory, kernels, views } = arrays([6 * width, 4 * width]);
    const [table, rows] = views as [Float32Array, Float32Array];
    const random = Random.fromSeed(1).derive(width);
    for (let i = 0; i < rows.length; i++) rows[i] = random.normal();
    const ids = new Int32Array(memory.buffer, 8192, 4);
    ids.set([2, 0, 2, 5]);
    const expected = new Float32Array(table.length);
    for (const [i, id] of ids.entries())
      for (let j = 0; j < width; j++)
        expected[id * width + j] =
          (expected[id * width + j] as number) + (rows[i * width + j] as number);
    kernels.addRows(table.byteOffset, ids.byteOffset, rows.byteOffset, 4, width);
    t.same(table, expected, `width ${width}`);
  }
});

t.test("no rows and no parameters are allowed", async (t) => {
  const { kernels, views } = arrays([4]);
  const [x] = views as [Float32Array];
  x.fill(7);
  kernels.addRows(x.byteOffset, 4096, 8192, 0, 4);
  kernels.adamw(x.byteOffset, 256, 512, 768, 0, 1, 1, 1, 0, 0, 1, 0);
  t.equal(kernels.sumSquares(x.byteOffset, 0), 0);
  t.same(x, new Float32Array(4).fill(7));
});

t.test("the sum of squares is exact where float32 would not be", async (t) => {
  const { kernels, views } = arrays([8]);
  const [x] = views as [Float32Array];
  x.set([1e4, 1e-2, 3, 0, 0, -2, 0, 1]);
  const expected = x.reduce((sum, v) => sum + v * v, 0);
  t.ok(Math.abs(kernels.sumSquares(x.byteOffset, 8) - expected) < 1e-6);
});

t.test("an AdamW step equals its formula, and the gradient is zero afterwards", async (t) => {
  const { kernels, views } = arrays([8, 8, 8, 8]);
  const [p, , , g] = views as [Float32Array, Float32Array, Float32Array, Float32Array];
  const random = Random.fromSeed(4).derive("adamw");
  const at = views.map((view) => view.byteOffset) as [number, number, number, number];
  const [lr, b1, b2, epsilon, decay, scale] = [0.01, 0.9, 0.999, 1e-8, 0.1, 0.5];
  for (let i = 0; i < 8; i++) p[i] = random.normal();
  const expected = Float64Array.from(p);
  const mean = new Float64Array(8);
  const square = new Float64Array(8);
  for (let step = 1; step <= 5; step++) {
    for (let i = 0; i < 8; i++) {
      const x = random.normal();
      g[i] = x;
      mean[i] = b1 * (mean[i] as number) + (1 - b1) * scale * x;
      square[i] = b2 * (square[i] as number) + (1 - b2) * (scale * x) ** 2;
      const unbiased = (mean[i] as number) / (1 - b1 ** step);
      const root = Math.sqrt((square[i] as number) / (1 - b2 ** step));
      expected[i] = (expected[i] as number) * (1 - lr * decay) - (lr * unbiased) / (root + epsilon);
    }
    const rate = lr / (1 - b1 ** step);
    const correction = 1 / Math.sqrt(1 - b2 ** step);
    kernels.adamw(...at, 8, rate, correction, epsilon, b1, b2, scale, 1 - lr * decay);
    t.same(g, new Float32Array(8));
  }
  for (let i = 0; i < 8; i++)
    t.ok(Math.abs((p[i] as number) - (expected[i] as number)) < 1e-5, `element ${i}`);
});

t.test("moments that fade never become denormal", async (t) => {
  const { kernels, views } = arrays([4, 4, 4, 4]);
  const [, m, v] = views as [Float32Array, Float32Array, Float32Array];
  const at = views.map((view) => view.byteOffset) as [number, number, number, number];
  m.fill(1e-28);
  v.fill(1e-31);
  for (let step = 0; step < 2000; step++) kernels.adamw(...at, 4, 0, 1, 1e-8, 0.9, 0.999, 1, 1);
  for (const x of [...m, ...v]) t.ok(x === 0 || x > 1e-34, `${x}`);
});
