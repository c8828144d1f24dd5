/** The same bits for every number of threads, at shapes where the runtime's own choice would show. */
import t from "tap";
import { Random } from "../../core/random.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
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
