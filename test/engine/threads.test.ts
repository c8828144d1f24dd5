/** The same bits for every number of threads, at shapes where the runtime's own choice would show. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { attention } from "../../engine/ops/attention.ts";
import { type GruWeights, gru } from "../../engine/ops/gru.ts";
import { takeRows } from "../../engine/ops/indexing.ts";
import { affine, matmul } from "../../engine/ops/matmul.ts";
import { layerNorm } from "../../engine/ops/normalization.ts";
import { sum } from "../../engine/ops/reduction.ts";
import { Session } from "../../engine/runner.ts";
import { evaluateShape, type Shape } from "../../engine/shape.ts";

const THREADS = [1, 2, 3, 4, 8];
const DIMS = { few: 24, many: 2048, long: 700 };

type Build = (inputs: readonly Tensor[]) => Tensor;

/** Bytes of the value and the gradients of a function, by number of threads. */
async function bytesByThreads(shapes: readonly Shape[], build: Build): Promise<string[]> {
  const g = new Graph();
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
  for (const input of inputs) input.tracked = true;
  const y = build(inputs);
  const found = gradients(y, g.input("seed", y.shape));
  const outputs = [y, ...inputs.map((input) => found.get(input) as Tensor)];
  const model = toOnnx(
    g,
    outputs.map((output) => g.emit("Identity", [output], output.shape)),
  );
  const random = Random.fromSeed(1).derive("values");
  const draw = (shape: Shape) => {
    const size = evaluateShape(shape, DIMS).reduce((a, b) => a * b, 1);
    return Float32Array.from({ length: size }, () => random.normal());
  };
  const all = [
    ...shapes.map((shape, i) => [`x${i}`, draw(shape)] as const),
    ["seed", draw(y.shape)] as const,
  ];
  const names = new Set(model.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(all.filter(([name]) => names.has(name)));
  const made: string[] = [];
  for (const threads of THREADS) {
    const session = await Session.create(model, { threads });
    const results = await session.run(feeds, DIMS);
    made.push([...results.values()].map((v) => Buffer.from(v.buffer).toString("hex")).join("|"));
    await session.release();
  }
  return made;
}

const affineOf =
  (fewRows: boolean): Build =>
  ([x, w, b]) =>
    affine(x as Tensor, w as Tensor, b as Tensor, { fewRows });

const STEADY: Readonly<Record<string, readonly [readonly Shape[], Build]>> = {
  "a layer over few rows": [[["few", 256], [256, 128], [128]], affineOf(true)],
  "a layer over few rows with one output": [[["few", 512], [512, 1], [1]], affineOf(true)],
  "a layer over many rows": [[["many", 256], [256, 128], [128]], affineOf(false)],
  "a wide layer norm": [
    [["many", 512], [512], [512]],
    ([x, gain, bias]) => layerNorm(x as Tensor, gain as Tensor, bias as Tensor),
  ],
  "sums over a middle axis": [[["few", "long", 1]], ([x]) => sum(x as Tensor, [1])],
  "sums over rows": [[["many", 128]], ([x]) => sum(x as Tensor, [0])],
  "a gru of few samples": [
    [[5, 3, 200], [200, 3 * 136], [3 * 136], [136, 3 * 136], [136]],
    ([x, input, bias, recurrent, recurrentBias]) =>
      gru(x as Tensor, { input, bias, recurrent, recurrentBias } as GruWeights),
  ],
  "a gru of many samples": [
    [[300, 2, 4], [4, 3 * 48], [3 * 48], [48, 3 * 48], [48]],
    ([x, input, bias, recurrent, recurrentBias]) =>
      gru(x as Tensor, { input, bias, recurrent, recurrentBias } as GruWeights),
  ],
  "attention in chunks": [
    [
      [1, 2, 300, 16],
      [1, 2, 300, 16],
      [1, 2, 300, 16],
    ],
    ([q, k, v]) =>
      attention(q as Tensor, k as Tensor, v as Tensor, { chunked: true, causal: true }),
  ],
  "rows taken again and again": [
    [["few", 96]],
    ([x]) => {
      const ids = Int32Array.from({ length: 4000 }, (_, i) => (i * i) % 24);
      return takeRows(x as Tensor, (x as Tensor).graph.constant(ids, [4000], "int32"));
    },
  ],
  "weighted sums of rows": [
    [
      ["few", 1, "long"],
      ["few", "long", 5],
    ],
    ([a, b]) => matmul(a as Tensor, b as Tensor),
  ],
};

for (const [name, [shapes, build]] of Object.entries(STEADY)) {
  t.test(`${name}: value and gradients do not depend on threads`, async (t) => {
    const [first, ...rest] = await bytesByThreads(shapes, build);
    for (const [i, bytes] of rest.entries()) t.ok(bytes === first, `${THREADS[i + 1]} threads`);
  });
}
